//! SQL over the shop. Callers own the connection and the transaction.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, RoleId, UserId};
use sqlx::PgConnection;

use super::model::{ItemKind, NewShopItem, Purchase, PurchaseStatus, ShopItem};
use crate::error::Error;
use crate::ids::{PurchaseId, ShopItemId};

struct ItemRow {
    id: ShopItemId,
    guild_id: GuildId,
    slug: String,
    name: String,
    description: String,
    price_gold: i64,
    kind: String,
    role_id: Option<RoleId>,
    stock: Option<i32>,
    per_user_limit: Option<i32>,
    active: bool,
    created_at: DateTime<Utc>,
}

impl TryFrom<ItemRow> for ShopItem {
    type Error = sqlx::Error;

    fn try_from(row: ItemRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            slug: row.slug,
            name: row.name,
            description: row.description,
            price_gold: row.price_gold,
            kind: ItemKind::from_column(&row.kind)?,
            role_id: row.role_id,
            stock: row.stock,
            per_user_limit: row.per_user_limit,
            active: row.active,
            created_at: row.created_at,
        })
    }
}

/// Items of the guild by number, one more than the page holds; `only` for a single one.
pub(super) async fn item_list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<ShopItemId>,
    with_removed: bool,
    after: Option<ShopItemId>,
    limit: Limit,
) -> Result<Vec<ShopItem>, Error> {
    let rows = sqlx::query_as!(
        ItemRow,
        r#"SELECT id AS "id: ShopItemId", guild_id AS "guild_id: GuildId", slug, name, description, price_gold, kind,
                  role_id AS "role_id: RoleId", stock, per_user_limit, active, created_at
             FROM community.shop_items
            WHERE guild_id = $1 AND ($2::int IS NULL OR id = $2) AND (active OR $3) AND id > $4
            ORDER BY id LIMIT $5"#,
        guild.get(),
        only.map(ShopItemId::get),
        with_removed,
        after.map_or(0, ShopItemId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ShopItem::try_from).collect::<sqlx::Result<_>>()?)
}

/// Locks an item: whoever buys of it, or changes it, waits. False where the guild has no such one.
pub(super) async fn item_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    item: ShopItemId,
) -> Result<bool, Error> {
    let found = sqlx::query!(
        "SELECT id FROM community.shop_items WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE",
        guild.get(),
        item.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Puts an item on the shelf.
pub(super) async fn item_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewShopItem,
) -> Result<ShopItemId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO community.shop_items (guild_id, slug, name, description, price_gold, kind, role_id, stock,
                                             per_user_limit)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id AS "id: ShopItemId""#,
        guild.get(),
        new.slug,
        new.name,
        new.description,
        new.price_gold,
        new.kind.as_str(),
        new.role_id.map(RoleId::get),
        new.stock,
        new.per_user_limit,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what may be changed of an item.
pub(super) async fn item_update(conn: &mut PgConnection, item: &ShopItem) -> Result<(), Error> {
    let done = sqlx::query!(
        r#"UPDATE community.shop_items
              SET name = $3, description = $4, price_gold = $5, stock = $6, per_user_limit = $7, active = $8
            WHERE guild_id = $1 AND id = $2"#,
        item.guild_id.get(),
        item.id.get(),
        item.name,
        item.description,
        item.price_gold,
        item.stock,
        item.per_user_limit,
        item.active,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Changes the stock of an item that has one: negative takes from it.
pub(super) async fn stock_move(
    conn: &mut PgConnection,
    guild: GuildId,
    item: ShopItemId,
    by: i32,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE community.shop_items SET stock = stock + $3 WHERE guild_id = $1 AND id = $2 AND stock IS NOT NULL",
        guild.get(),
        item.get(),
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many of an item a member has bought and not given back.
pub(super) async fn bought(
    conn: &mut PgConnection,
    guild: GuildId,
    item: ShopItemId,
    user: UserId,
) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(sum(quantity), 0)::bigint AS "sum!" FROM community.shop_purchases
            WHERE guild_id = $1 AND item_id = $2 AND user_id = $3 AND status <> 'refunded'"#,
        guild.get(),
        item.get(),
        user.get(),
    )
    .fetch_one(conn)
    .await?)
}

/// Writes a purchase.
pub(super) async fn purchase_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    item: ShopItemId,
    quantity: i32,
    price_gold: i64,
) -> Result<PurchaseId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO community.shop_purchases (guild_id, user_id, item_id, quantity, price_gold)
           VALUES ($1, $2, $3, $4, $5) RETURNING id AS "id: PurchaseId""#,
        guild.get(),
        user.get(),
        item.get(),
        quantity,
        price_gold,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

struct PurchaseRow {
    id: PurchaseId,
    user_id: UserId,
    item_id: ShopItemId,
    item_name: String,
    quantity: i32,
    price_gold: i64,
    status: String,
    settled_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<PurchaseRow> for Purchase {
    type Error = sqlx::Error;

    fn try_from(row: PurchaseRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            item_id: row.item_id,
            item_name: row.item_name,
            quantity: row.quantity,
            price_gold: row.price_gold,
            status: PurchaseStatus::from_column(&row.status)?,
            settled_at: row.settled_at,
            created_at: row.created_at,
        })
    }
}

/// What a list of purchases is asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) only: Option<PurchaseId>,
    pub(super) status: Option<PurchaseStatus>,
    pub(super) buyer: Option<UserId>,
    pub(super) before: Option<PurchaseId>,
}

/// Purchases in the guild, the latest first, one more than the page holds.
pub(super) async fn purchase_list(
    conn: &mut PgConnection,
    guild: GuildId,
    wanted: &Wanted,
    limit: Limit,
) -> Result<Vec<Purchase>, Error> {
    let rows = sqlx::query_as!(
        PurchaseRow,
        r#"SELECT p.id AS "id: PurchaseId", p.user_id AS "user_id: UserId", p.item_id AS "item_id: ShopItemId",
                  i.name AS item_name, p.quantity, p.price_gold, p.status, p.settled_at, p.created_at
             FROM community.shop_purchases p
             JOIN community.shop_items i ON i.guild_id = p.guild_id AND i.id = p.item_id
            WHERE p.guild_id = $1 AND ($2::uuid IS NULL OR p.id = $2) AND ($3::text IS NULL OR p.status = $3)
              AND ($4::bigint IS NULL OR p.user_id = $4) AND ($5::uuid IS NULL OR p.id < $5)
            ORDER BY p.id DESC LIMIT $6"#,
        guild.get(),
        wanted.only.map(PurchaseId::get),
        wanted.status.map(PurchaseStatus::as_str),
        wanted.buyer.map(UserId::get),
        wanted.before.map(PurchaseId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Purchase::try_from).collect::<sqlx::Result<_>>()?)
}

/// Moves a purchase on, if it stands where it may; false where it does not. The row is locked from then on.
pub(super) async fn settle(
    conn: &mut PgConnection,
    guild: GuildId,
    purchase: PurchaseId,
    to: PurchaseStatus,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE community.shop_purchases SET status = $3, settled_at = clock_timestamp()
            WHERE guild_id = $1 AND id = $2
              AND CASE $3 WHEN 'fulfilled' THEN status = 'paid' ELSE status IN ('paid', 'fulfilled') END"#,
        guild.get(),
        purchase.get(),
        to.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
