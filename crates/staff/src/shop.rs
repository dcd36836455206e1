//! What the shop sells, and who waits for what they bought.

use access::scope::CommunityWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use community::Error;
use community::ids::{PurchaseId, ShopItemId};
use community::shop::model::{
    ItemKind, NewShopItem, Purchase, PurchaseQuery, PurchaseStatus, ShopItem, ShopItemEdit,
};
use community::shop::ops;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::try_join;
use kernel::Problem;
use serde::Deserialize;

use super::Cursor;
use super::names::Names;
use super::sheet::{
    Sheet, actions, button, choices, facts, field, form, join, link, table, tabs, text, when,
};
use super::shelf::Shelf;
use super::told::{led, told};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ItemPath {
    item_id: ShopItemId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PurchasePath {
    purchase_id: PurchaseId,
}

/// Which purchases.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<PurchaseStatus>,
    cursor: Option<String>,
}

const SHELF: Shelf = Shelf {
    states: ("For sale", "Removed"),
    out: (
        "Take it off the shelf",
        "Nobody can buy it any more. Who bought it and waits still gets it, and it can be put up again.",
    ),
    back: "Put it up again",
    said: ("It is for sale no more.", "It is for sale again."),
};

fn item_at(shell: &Shell, id: ShopItemId, rest: &str) -> String {
    shell.at(&format!("/staff/shop/{id}{rest}"))
}

fn purchase_at(shell: &Shell, id: PurchaseId, rest: &str) -> String {
    shell.at(&format!("/staff/shop/purchases/{id}{rest}"))
}

fn state(status: PurchaseStatus) -> Html {
    match status {
        PurchaseStatus::Paid => ui::seal("soon", "Waits"),
        PurchaseStatus::Fulfilled => ui::seal("done", "Handed over"),
        PurchaseStatus::Refunded => ui::seal("", "Given back"),
    }
}

/// The purchases of a page of them, those that wait with what can be done about them.
async fn purchases_table(
    app: &App,
    shell: &Shell,
    purchases: &[Purchase],
    empty: &str,
) -> Result<Html, Problem> {
    let names = Names::of(app, shell.guild_id, purchases.iter().map(|bought| bought.user_id)).await?;
    let rows = purchases.iter().map(|bought| {
        let ways = if bought.status == PurchaseStatus::Paid {
            actions([
                shell.button(&purchase_at(shell, bought.id, "/fulfil"), "Handed over", ""),
                shell.button(&purchase_at(shell, bought.id, "/refund"), "Give the gold back", "quiet"),
            ])
        } else {
            Html::default()
        };
        vec![
            link(purchase_at(shell, bought.id, ""), format!("{} × {}", bought.quantity, bought.item_name)),
            names.member(shell, &bought.user_id),
            text(format::number(bought.price_gold)),
            format::time(&bought.created_at),
            state(bought.status),
            ways,
        ]
    });
    let heads = ["What", "Who", "#Gold", "When", "State", ""];
    Ok(table("Purchases", &heads, rows.collect(), empty))
}

/// What can be changed of an item.
fn controls(values: &Form) -> Vec<Html> {
    vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.text("description:text", "About it", 3).help("Markdown.").max_length(1_000)),
        field(&values.number("price_gold:int", "Costs, in gold").between(0, 1_000_000).required()),
        field(&values.number("stock:int-null", "In stock").help("Any number unless told.")),
        field(&values.number("per_user_limit:int-null", "At most so many for one member")),
    ]
}

async fn shop_page(app: &App, shell: Shell, cursor: Cursor, values: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let pending = PurchaseQuery { status: Some(PurchaseStatus::Paid), ..PurchaseQuery::default() };
    let page = cursor.page();
    let (items, waiting) =
        try_join!(ops::item_list(pool, guild, true, &page), ops::purchase_list(pool, guild, pending))?;
    let rows = items.items.iter().map(|item| {
        vec![
            link(item_at(&shell, item.id, ""), &item.name),
            text(format::number(item.price_gold)),
            text(item.stock.map_or_else(|| "Any number".to_owned(), format::number)),
            SHELF.seal(item.active),
        ]
    });
    let items = join([
        table("Items", &["Item", "#Gold", "#In stock", "State"], rows.collect(), "Nothing is for sale."),
        ui::more(shell.at("/staff/shop"), "", items.next.as_ref()),
    ]);
    let waiting = join([
        purchases_table(app, &shell, &waiting.items, "Nobody waits for anything.").await?,
        link(shell.at("/staff/shop/purchases"), "All purchases"),
    ]);
    let kinds = choices(&[
        (ItemKind::Custom.as_str(), "Something that staff hand over"),
        (ItemKind::Role.as_str(), "A role on Discord"),
        (ItemKind::Badge.as_str(), "A badge"),
    ]);
    let mut fields = controls(&values);
    fields.extend([
        field(
            &values.line("slug", "Short name").exact().required().help("Small letters, digits and dashes."),
        ),
        field(&values.choice("kind", "What it is", &kinds)),
        field(&values.line("role_id", "Role on Discord").exact().help("Its id, where it is one.")),
    ]);
    let new = form(&shell, &shell.at("/staff/shop"), fields, [button("make", "Put it up", "primary")]);
    Ok(Sheet::new(shell, "Shop")
        .of(values)
        .part("Waiting", waiting)
        .part("Items", items)
        .part("New item", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(shop_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewShopItem = typed.read()?;
        let made = ops::item_create(app.pool(), visit.guild_id(), new, visit.guild.author()).await?;
        Ok(led(visit.shell.at("/staff/shop"), format!("{} is for sale.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| shop_page(&app, visit.shell, Cursor::default(), form)).await
}

fn item_sheet(shell: Shell, item: ShopItem, told: Form) -> Sheet {
    let values = told.over(&item);
    let known = facts([
        ("What it is", text(format::word(item.kind.as_str()))),
        ("Short name", text(&item.slug)),
        ("Role on Discord", text(item.role_id.map_or_else(|| "–".to_owned(), |role| role.to_string()))),
        ("Since", format::time(&item.created_at)),
    ]);
    let own = item_at(&shell, item.id, "");
    let change = form(&shell, &own, controls(&values), [button("keep", "Keep", "primary")]);
    let active = item.active;
    let sheet = Sheet::new(shell, item.name)
        .below("/staff/shop", "Shop")
        .lead(SHELF.seal(active))
        .of(values)
        .part("What is known", known)
        .part("Change it", change);
    SHELF.put_on(sheet, &own, active)
}

async fn item_page(app: &App, shell: Shell, id: ShopItemId, told: Form) -> Result<Sheet, Problem> {
    let item = ops::item_get(app.pool(), shell.guild_id, id).await?;
    Ok(item_sheet(shell, item, told))
}

pub(super) async fn item(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<ItemPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(item_page(&app, visit.shell, path.item_id, Form::new()).await?))
}

pub(super) async fn item_update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(ItemPath { item_id: id }): Path<ItemPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let update = async {
        let edit: ShopItemEdit = typed.read()?;
        ops::item_update(app.pool(), visit.guild_id(), id, edit, visit.guild.author()).await?;
        Ok(led(item_at(&visit.shell, id, ""), SHELF.said(&typed)))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| item_page(&app, visit.shell, id, form)).await
}

pub(super) async fn purchases(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let query = PurchaseQuery { status: filter.status, cursor: filter.cursor, ..PurchaseQuery::default() };
    let page = ops::purchase_list(app.pool(), visit.guild_id(), query).await?;
    let shell = visit.shell;
    let path = shell.at("/staff/shop/purchases");
    let query = filter.status.map(|status| format!("status={}", status.as_str())).unwrap_or_default();
    let here = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let ways = [
        (path.clone(), "All"),
        (format!("{path}?status=paid"), "Waiting"),
        (format!("{path}?status=fulfilled"), "Handed over"),
        (format!("{path}?status=refunded"), "Given back"),
    ];
    let body = join([
        tabs("Which", &here, &ways),
        purchases_table(&app, &shell, &page.items, "There is none.").await?,
        ui::more(&path, query, page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "Purchases").below("/staff/shop", "Shop").part("Newest first", body)))
}

async fn purchase_page(app: &App, shell: Shell, id: PurchaseId, told: Form) -> Result<Sheet, Problem> {
    let bought = ops::purchase_get(app.pool(), shell.guild_id, id).await?;
    let names = Names::of(app, shell.guild_id, [bought.user_id]).await?;
    let known = facts([
        ("What", link(item_at(&shell, bought.item_id, ""), &bought.item_name)),
        ("How many", text(format::number(bought.quantity))),
        ("Who", names.member(&shell, &bought.user_id)),
        ("Gold", text(format::number(bought.price_gold))),
        ("Bought", format::time(&bought.created_at)),
        ("Settled", when(bought.settled_at.as_ref())),
    ]);
    let waits = bought.status == PurchaseStatus::Paid;
    let settle = actions([
        shell.button(&purchase_at(&shell, id, "/fulfil"), "Handed over", "primary"),
        shell.button(&purchase_at(&shell, id, "/refund"), "Give the gold back", ""),
    ]);
    Ok(Sheet::new(shell, format!("{} × {}", bought.quantity, bought.item_name))
        .below("/staff/shop", "Shop")
        .below("/staff/shop/purchases", "Purchases")
        .lead(state(bought.status))
        .of(told)
        .part("What is known", known)
        .part_if(waits, "Settle it", |_| settle))
}

pub(super) async fn purchase(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<PurchasePath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(purchase_page(&app, visit.shell, path.purchase_id, Form::new()).await?))
}

/// The purchase's page, with how it was settled or why not.
async fn settled(
    app: &App,
    shell: Shell,
    (id, typed): (PurchaseId, Typed),
    purchase: Result<Purchase, Error>,
    said: &str,
) -> Result<Response, Problem> {
    let outcome = purchase.map(|_| led(purchase_at(&shell, id, ""), said)).map_err(Problem::from);
    told(app, typed, outcome, |form| purchase_page(app, shell, id, form)).await
}

pub(super) async fn purchase_fulfil(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(PurchasePath { purchase_id: id }): Path<PurchasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let author = visit.guild.author();
    let purchase = ops::purchase_fulfil(app.pool(), visit.guild_id(), id, author).await;
    settled(&app, visit.shell, (id, typed), purchase, "It is handed over.").await
}

pub(super) async fn purchase_refund(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(PurchasePath { purchase_id: id }): Path<PurchasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let author = visit.guild.author();
    let purchase = ops::purchase_refund(app.pool(), visit.guild_id(), id, author).await;
    settled(&app, visit.shell, (id, typed), purchase, "The gold is back.").await
}
