//! What the faces call: each operation is a transaction. Items are locked before members.

use ::jobs::outbox;
use access::author::{Author, Deed};
use access::web::Repeatable;
use kernel::fields;
use kernel::{Gold, GuildId, Limit, Page, PageQuery, Problem, UserId, Xp};
use progress::model::{Event, Grant};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::model::{
    ItemKind, NewPurchase, NewShopItem, Purchase, PurchaseQuery, PurchaseStatus, ShopItem, ShopItemEdit,
};
use super::store::{self, Wanted};
use super::{NOT_ENOUGH_GOLD, SOLD_OUT};
use crate::error::Error;
use crate::ids::{PurchaseId, ShopItemId};

const ITEMS: &str = "community.shop_items";
const PURCHASES: &str = "community.shop_purchases";

/// A page of what the guild's shop sells, by number; what was taken off the shelf only when asked for.
#[kernel::boxed]
pub async fn item_list(
    pool: &PgPool,
    guild: GuildId,
    with_removed: bool,
    page: &PageQuery,
) -> Result<Page<ShopItem>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let items = store::item_list(&mut conn, guild, None, with_removed, after, limit).await?;
    Ok(Page::new(items, limit, |item| item.id))
}

/// An item of the guild, also one that was taken off the shelf.
pub async fn item_get(pool: &PgPool, guild: GuildId, item: ShopItemId) -> Result<ShopItem, Error> {
    known(&mut *db::acquire(pool).await?, guild, item).await
}

/// Puts an item on the shelf. Audited.
#[kernel::boxed]
pub async fn item_create(
    pool: &PgPool,
    guild: GuildId,
    mut new: NewShopItem,
    author: Author<'_>,
) -> Result<ShopItem, Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let slug = new.slug.as_bytes();
    if slug.len() > 50
        || !slug.first().is_some_and(|b| plain(*b))
        || !slug.iter().all(|b| plain(*b) || *b == b'-')
    {
        let message = "must be 1 to 50 of a-z, 0-9 and -, not beginning with -";
        return Err(Error::Invalid("slug", message.to_owned()));
    }
    new.name = fields::line("name", &new.name, 100)?;
    new.description = fields::text("description", &new.description, 1_000)?;
    fields::within("price_gold", new.price_gold, 0, 1_000_000)?;
    check_numbers(new.stock, new.per_user_limit)?;
    if (new.kind == ItemKind::Role) != new.role_id.is_some() {
        return Err(Error::Invalid("role_id", "must be given for kind `role`, and only then".to_owned()));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let id = store::item_insert(&mut tx, guild, &new).await?;
        let made = known(&mut tx, guild, id).await?;
        Deed::new("CREATE", ITEMS, id.to_string()).after(&made).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Changes an item; what was bought stays as it was bought. Audited.
#[kernel::boxed]
pub async fn item_update(
    pool: &PgPool,
    guild: GuildId,
    item: ShopItemId,
    edit: ShopItemEdit,
    author: Author<'_>,
) -> Result<ShopItem, Error> {
    let name = edit.name.map(|name| fields::line("name", &name, 100)).transpose()?;
    let description = edit.description.map(|text| fields::text("description", &text, 1_000)).transpose()?;
    edit.price_gold.map(|price| fields::within("price_gold", price, 0, 1_000_000)).transpose()?;
    check_numbers(edit.stock.flatten(), edit.per_user_limit.flatten())?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, item).await?;
        let after = ShopItem {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            description: description.clone().unwrap_or_else(|| before.description.clone()),
            price_gold: edit.price_gold.unwrap_or(before.price_gold),
            stock: edit.stock.unwrap_or(before.stock),
            per_user_limit: edit.per_user_limit.unwrap_or(before.per_user_limit),
            active: edit.active.unwrap_or(before.active),
            ..before.clone()
        };
        if after != before {
            store::item_update(&mut tx, &after).await?;
            let deed = Deed::new("UPDATE", ITEMS, item.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Takes an item off the shelf. Audited.
pub async fn item_remove(
    pool: &PgPool,
    guild: GuildId,
    item: ShopItemId,
    author: Author<'_>,
) -> Result<ShopItem, Error> {
    let edit = ShopItemEdit { active: Some(false), ..ShopItemEdit::default() };
    item_update(pool, guild, item, edit, author).await
}

/// A member buys something: gold, stock and purchase change together, or not at all. Tells `shop.purchased`.
#[kernel::boxed]
pub async fn item_buy(
    pool: &PgPool,
    guild: GuildId,
    item: ShopItemId,
    user: UserId,
    new: NewPurchase,
    repeatable: &Repeatable,
) -> Result<Purchase, Error> {
    let quantity = fields::within("quantity", new.quantity, 1, 1_000)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let sold = locked(&mut tx, guild, item).await?;
        let member = people::member_known(&mut tx, guild, user).await?;
        if member.is_bot {
            return Err(Error::Refused("bots buy nothing".to_owned()));
        }
        if !sold.active {
            return Err(Error::Refused("this is no longer sold".to_owned()));
        }
        if let Some(stock) = sold.stock
            && stock < quantity
        {
            return Err(Error::Special(SOLD_OUT, format!("only {stock} are left of this")));
        }
        if let Some(limit) = sold.per_user_limit {
            let before = store::bought(&mut tx, guild, item, user).await?;
            if before + i64::from(quantity) > i64::from(limit) {
                return Err(Error::Refused(format!("a member may buy {limit} of this; you have {before}")));
            }
        }
        let price = sold.price_gold * i64::from(quantity);
        if let Some(most) = new.at_most_gold
            && price > most
        {
            return Err(Error::Refused(format!("this costs {price} gold by now")));
        }
        let id = store::purchase_insert(&mut tx, guild, user, item, quantity, price).await?;
        store::stock_move(&mut tx, guild, item, -quantity).await?;
        pay(&mut tx, guild, user, -price, Event::Purchase, format!("purchase:{id}"), &sold).await?;
        let event = outbox::Event {
            guild_id: guild,
            event_type: "shop.purchased",
            subject: format!("purchases/{id}"),
            correlation_id: None,
            user_id: Some(user),
            payload: json!({
                "purchase_id": id, "item_id": item, "slug": sold.slug, "name": sold.name, "kind": sold.kind,
                "role_id": sold.role_id, "user_id": user, "quantity": quantity, "gold": price,
            }),
        };
        outbox::emit_one(&mut tx, event).await?;
        let purchase = purchase_known(&mut tx, guild, id).await?;
        repeatable.carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(purchase)
    })
    .await
}

/// A page of the purchases in the guild, the latest first.
pub async fn purchase_list(
    pool: &PgPool,
    guild: GuildId,
    query: PurchaseQuery,
) -> Result<Page<Purchase>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, before) = (page.limit()?, page.after()?);
    let wanted = Wanted { only: None, status: query.status, buyer: query.buyer_id, before };
    let mut conn = db::acquire(pool).await?;
    let purchases = store::purchase_list(&mut conn, guild, &wanted, limit).await?;
    Ok(Page::new(purchases, limit, |purchase| purchase.id))
}

/// A purchase in the guild.
pub async fn purchase_get(pool: &PgPool, guild: GuildId, purchase: PurchaseId) -> Result<Purchase, Error> {
    purchase_known(&mut *db::acquire(pool).await?, guild, purchase).await
}

/// Notes that a purchase was handed over. Audited; tells `shop.settled`.
#[kernel::boxed]
pub async fn purchase_fulfil(
    pool: &PgPool,
    guild: GuildId,
    purchase: PurchaseId,
    author: Author<'_>,
) -> Result<Purchase, Error> {
    settle(pool, guild, purchase, PurchaseStatus::Fulfilled, author).await
}

/// Gives the gold of a purchase back, and the item to the stock; once. Audited; tells `shop.settled`.
#[kernel::boxed]
pub async fn purchase_refund(
    pool: &PgPool,
    guild: GuildId,
    purchase: PurchaseId,
    author: Author<'_>,
) -> Result<Purchase, Error> {
    settle(pool, guild, purchase, PurchaseStatus::Refunded, author).await
}

async fn settle(
    pool: &PgPool,
    guild: GuildId,
    purchase: PurchaseId,
    to: PurchaseStatus,
    author: Author<'_>,
) -> Result<Purchase, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = purchase_known(&mut tx, guild, purchase).await?;
        let item = locked(&mut tx, guild, before.item_id).await?;
        if !store::settle(&mut tx, guild, purchase, to).await? {
            let now = purchase_known(&mut tx, guild, purchase).await?.status.as_str();
            return Err(Error::Refused(format!("this purchase is {now} already")));
        }
        if to == PurchaseStatus::Refunded {
            store::stock_move(&mut tx, guild, item.id, before.quantity).await?;
            let cause = format!("refund:{purchase}");
            pay(&mut tx, guild, before.user_id, before.price_gold, Event::Refund, cause, &item).await?;
        }
        let after = purchase_known(&mut tx, guild, purchase).await?;
        let event = outbox::Event {
            guild_id: guild,
            event_type: "shop.settled",
            subject: format!("purchases/{purchase}"),
            correlation_id: None,
            user_id: Some(after.user_id),
            payload: json!({
                "purchase_id": purchase, "item_id": item.id, "name": item.name, "kind": item.kind,
                "role_id": item.role_id, "user_id": after.user_id, "status": after.status,
            }),
        };
        outbox::emit_one(&mut tx, event).await?;
        let deed = Deed::new("UPDATE", PURCHASES, purchase.to_string()).before(&before).after(&after);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Moves gold, journaled; nothing where there is nothing to move.
async fn pay(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    gold: i64,
    event_type: Event,
    cause: String,
    item: &ShopItem,
) -> Result<(), Error> {
    if gold == 0 {
        return Ok(());
    }
    let grant = Grant {
        guild_id: guild,
        user_id: user,
        xp: Xp::ZERO,
        gold: Gold::new(gold),
        stars: 0,
        event_type,
        source_system: "community".to_owned(),
        source_event_id: cause,
        metadata: json!({ "item_id": item.id, "name": item.name }),
    };
    match progress::grant(conn, &[grant]).await {
        Ok(_) => Ok(()),
        Err(progress::Error::OutOfRange("gold")) if gold < 0 => {
            Err(Error::Special(NOT_ENOUGH_GOLD, format!("this costs {} gold, more than you have", -gold)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn known(conn: &mut PgConnection, guild: GuildId, item: ShopItemId) -> Result<ShopItem, Error> {
    let one = Limit::new(Some(1)).map_err(|_| Error::Unknown("item"))?;
    store::item_list(conn, guild, Some(item), true, None, one).await?.pop().ok_or(Error::Unknown("item"))
}

async fn locked(conn: &mut PgConnection, guild: GuildId, item: ShopItemId) -> Result<ShopItem, Error> {
    if !store::item_lock(&mut *conn, guild, item).await? {
        return Err(Error::Unknown("item"));
    }
    known(conn, guild, item).await
}

async fn purchase_known(
    conn: &mut PgConnection,
    guild: GuildId,
    purchase: PurchaseId,
) -> Result<Purchase, Error> {
    let one = Limit::new(Some(1)).map_err(|_| Error::Unknown("purchase"))?;
    let wanted = Wanted { only: Some(purchase), ..Wanted::default() };
    store::purchase_list(conn, guild, &wanted, one).await?.pop().ok_or(Error::Unknown("purchase"))
}

fn check_numbers(stock: Option<i32>, per_user_limit: Option<i32>) -> Result<(), Error> {
    // Room for what refunds bring back.
    stock.map(|stock| fields::within("stock", stock, 0, 1_000_000_000)).transpose()?;
    per_user_limit.map(|limit| fields::within("per_user_limit", limit, 1, 1_000_000_000)).transpose()?;
    Ok(())
}
