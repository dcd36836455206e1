//! The HTTP face: `/api/v1/guilds/{guild_id}/shop…`.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{CommunityPlay, CommunityRead, CommunityWrite};
use access::web::Repeatable;
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewPurchase, NewShopItem, Purchase, PurchaseQuery, ShopItem, ShopItemEdit};
use super::ops;
use crate::ids::{PurchaseId, ShopItemId};

/// The routes of the shop, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(buy))
        .routes(routes!(my_purchases))
        .routes(routes!(purchases))
        .routes(routes!(purchase))
        .routes(routes!(fulfil))
        .routes(routes!(refund))
}

/// An item in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ItemPath {
    /// The item.
    item_id: ShopItemId,
}

/// A purchase in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PurchasePath {
    /// The purchase.
    purchase_id: PurchaseId,
}

/// Which items to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ItemQuery {
    /// Whether to list what was taken off the shelf too.
    #[serde(default)]
    #[param(required = false, default = false)]
    with_removed: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List what the shop sells
#[utoipa::path(get, path = "/guilds/{guild_id}/shop/items", tag = "community", operation_id = "shop_item_list",
    params(InGuildPath, ItemQuery),
    responses((status = 200, body = Page<ShopItem>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<ItemQuery>,
) -> Result<Json<Page<ShopItem>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::item_list(app.pool(), guild.guild_id, query.with_removed, &page).await?))
}

/// Put something on the shelf
///
/// Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/shop/items", tag = "community",
    operation_id = "shop_item_create", params(InGuildPath, IdempotencyKey), request_body = NewShopItem,
    responses((status = 201, body = ShopItem), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewShopItem>,
) -> Result<(StatusCode, Json<ShopItem>), Problem> {
    Ok((StatusCode::CREATED, Json(ops::item_create(app.pool(), guild.guild_id, new, guild.author()).await?)))
}

/// See something on the shelf
#[utoipa::path(get, path = "/guilds/{guild_id}/shop/items/{item_id}", tag = "community",
    operation_id = "shop_item_get", params(InGuildPath, ItemPath),
    responses((status = 200, body = ShopItem), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<ItemPath>,
) -> Result<Json<ShopItem>, Problem> {
    Ok(Json(ops::item_get(app.pool(), guild.guild_id, path.item_id).await?))
}

/// Change something on the shelf
///
/// What is left out stays as it is; null clears. What was bought stays as it was bought. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/shop/items/{item_id}", tag = "community",
    operation_id = "shop_item_update", params(InGuildPath, ItemPath), request_body = ShopItemEdit,
    responses((status = 200, body = ShopItem), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<ItemPath>,
    Json(edit): Json<ShopItemEdit>,
) -> Result<Json<ShopItem>, Problem> {
    Ok(Json(ops::item_update(app.pool(), guild.guild_id, path.item_id, edit, guild.author()).await?))
}

/// Take something off the shelf
///
/// Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/shop/items/{item_id}", tag = "community",
    operation_id = "shop_item_remove", params(InGuildPath, ItemPath),
    responses((status = 200, body = ShopItem), Problems),
    security(("api_key" = ["community:write"])))]
async fn remove(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<ItemPath>,
) -> Result<Json<ShopItem>, Problem> {
    Ok(Json(ops::item_remove(app.pool(), guild.guild_id, path.item_id, guild.author()).await?))
}

/// Buy something
///
/// For gold. Refused with `not-enough-gold` or `sold-out`; what happens, happens once with an `Idempotency-Key`.
#[utoipa::path(post, path = "/guilds/{guild_id}/shop/items/{item_id}/purchases", tag = "community",
    operation_id = "shop_item_buy", params(InGuildPath, ItemPath, ActingMember, IdempotencyKey),
    request_body = NewPurchase,
    responses((status = 201, body = Purchase), Problems),
    security(("api_key" = ["community:play"])))]
async fn buy(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Path(path): Path<ItemPath>,
    Json(new): Json<NewPurchase>,
) -> Result<(StatusCode, Json<Purchase>), Problem> {
    let repeatable = Repeatable::current();
    let (guild, user) = (member.guild_id, member.user_id);
    let bought = ops::item_buy(app.pool(), guild, path.item_id, user, new, &repeatable).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(bought)))
}

/// See one's purchases
///
/// The latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/shop/purchases/mine", tag = "community",
    operation_id = "shop_purchase_mine", params(InGuildPath, ActingMember, PageQuery),
    responses((status = 200, body = Page<Purchase>), Problems),
    security(("api_key" = ["community:play"])))]
async fn my_purchases(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Purchase>>, Problem> {
    let query = PurchaseQuery {
        status: None,
        buyer_id: Some(member.user_id),
        limit: page.limit,
        cursor: page.cursor,
    };
    Ok(Json(ops::purchase_list(app.pool(), member.guild_id, query).await?))
}

/// List purchases
///
/// The latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/shop/purchases", tag = "community",
    operation_id = "shop_purchase_list", params(InGuildPath, PurchaseQuery),
    responses((status = 200, body = Page<Purchase>), Problems),
    security(("api_key" = ["community:write"])))]
async fn purchases(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Query(query): Query<PurchaseQuery>,
) -> Result<Json<Page<Purchase>>, Problem> {
    Ok(Json(ops::purchase_list(app.pool(), guild.guild_id, query).await?))
}

/// See a purchase
#[utoipa::path(get, path = "/guilds/{guild_id}/shop/purchases/{purchase_id}", tag = "community",
    operation_id = "shop_purchase_get", params(InGuildPath, PurchasePath),
    responses((status = 200, body = Purchase), Problems),
    security(("api_key" = ["community:write"])))]
async fn purchase(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<PurchasePath>,
) -> Result<Json<Purchase>, Problem> {
    Ok(Json(ops::purchase_get(app.pool(), guild.guild_id, path.purchase_id).await?))
}

/// Note that a purchase was handed over
///
/// Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/shop/purchases/{purchase_id}/fulfil", tag = "community",
    operation_id = "shop_purchase_fulfil", params(InGuildPath, PurchasePath, IdempotencyKey),
    responses((status = 200, body = Purchase), Problems),
    security(("api_key" = ["community:write"])))]
async fn fulfil(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<PurchasePath>,
) -> Result<Json<Purchase>, Problem> {
    let done = ops::purchase_fulfil(app.pool(), guild.guild_id, path.purchase_id, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Refund a purchase
///
/// The gold goes back to the buyer, the item to the stock; once. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/shop/purchases/{purchase_id}/refund", tag = "community",
    operation_id = "shop_purchase_refund", params(InGuildPath, PurchasePath, IdempotencyKey),
    responses((status = 200, body = Purchase), Problems),
    security(("api_key" = ["community:write"])))]
async fn refund(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<PurchasePath>,
) -> Result<Json<Purchase>, Problem> {
    let done = ops::purchase_refund(app.pool(), guild.guild_id, path.purchase_id, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(done))
}
