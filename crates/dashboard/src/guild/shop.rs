//! The guild's shop.

use access::scope::{CommunityPlay, CommunityRead};
use access::web::Repeatable;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use community::ids::ShopItemId;
use community::shop::model::{NewPurchase, Purchase, PurchaseQuery, PurchaseStatus, ShopItem};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, optional, refused, shown_in_form};
use frame::shell::Shell;
use frame::visit::{Member, Visit};
use frame::{format, markdown, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem};
use serde::Deserialize;

use super::Cursor;

/// How many of one's own purchases are shown.
const PURCHASES: i64 = 10;

/// An item in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ItemPath {
    item_id: ShopItemId,
}

#[derive(Template)]
#[template(path = "guild/shop.html")]
pub(super) struct ShopPage {
    shell: Shell,
    items: Vec<ShopItem>,
    next: Option<String>,
    gold: Option<i64>,
    purchases: Vec<Purchase>,
}

impl ShopPage {
    fn state(purchase: &Purchase) -> Html {
        match purchase.status {
            PurchaseStatus::Paid => ui::seal("soon", "On its way"),
            PurchaseStatus::Fulfilled => ui::seal("done", "Handed over"),
            PurchaseStatus::Refunded => ui::seal("bad", "Paid back"),
        }
    }
}

/// The gold that a member has.
async fn gold(app: &App, shell: &Shell) -> Result<Option<i64>, Problem> {
    let Some(user) = shell.member else { return Ok(None) };
    let (settings, guild) = (app.settings(), shell.guild_id);
    let profile =
        progress::profile::member_profile_known(app.pool(), settings, guild, user).map(optional).await?;
    Ok(profile.map(|profile| profile.member.gold.get()))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(query): Query<Cursor>,
) -> Result<Page<ShopPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let page = PageQuery { limit: None, cursor: query.cursor };
    let mine = async {
        let Some(user) = visit.shell.member else { return Ok(Vec::new()) };
        let query =
            PurchaseQuery { buyer_id: Some(user), limit: Some(PURCHASES), ..PurchaseQuery::default() };
        community::shop::ops::purchase_list(pool, guild, query).await.map(|found| found.items)
    };
    let (found, gold, purchases) = try_join!(
        community::shop::ops::item_list(pool, guild, false, &page),
        gold(&app, &visit.shell),
        mine
    )?;
    Ok(Page(ShopPage { shell: visit.shell, items: found.items, next: found.next, gold, purchases }))
}

#[derive(Template)]
#[template(path = "guild/shop_item.html")]
pub(super) struct ItemPage {
    shell: Shell,
    item: ShopItem,
    gold: Option<i64>,
    form: Form,
}

impl ItemPage {
    fn text(&self) -> Html {
        markdown::render(&self.item.description)
    }

    fn is_sold_out(&self) -> bool {
        self.item.stock == Some(0)
    }

    fn left(gold: &i64, price: &i64) -> i64 {
        gold - price
    }
}

async fn page_of(app: &App, shell: Shell, path: ItemPath, form: Form) -> Result<ItemPage, Problem> {
    let (item, gold) = try_join!(
        community::shop::ops::item_get(app.pool(), shell.guild_id, path.item_id).err_into::<Problem>(),
        gold(app, &shell)
    )?;
    Ok(ItemPage { shell, item, gold, form })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<ItemPath>,
) -> Result<Page<ItemPage>, Problem> {
    Ok(Page(page_of(&app, visit.shell, path, Form::new()).await?))
}

pub(super) async fn buy(
    State(app): State<App>,
    member: Member<CommunityPlay>,
    Path(path): Path<ItemPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let bought = async {
        let new: NewPurchase = typed.read()?;
        let repeatable = Repeatable::current();
        Ok::<_, Problem>(
            community::shop::ops::item_buy(app.pool(), guild, path.item_id, user, new, &repeatable).await?,
        )
    };
    match bought.await {
        Ok(purchase) => {
            app.wake().outbox();
            let text = format!(
                "You bought {} × {} for {} gold.",
                purchase.quantity,
                purchase.item_name,
                format::number(purchase.price_gold)
            );
            Ok(done(&app, &member.shell.at("/shop"), &text))
        }
        Err(problem) if shown_in_form(&problem) => {
            let page = page_of(&app, member.shell, path, Form::refused(typed, problem.clone())).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}
