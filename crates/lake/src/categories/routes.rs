//! The HTTP face: `/api/v1/guilds/{guild_id}/categories…`.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{CommunityRead, CommunityWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Category, CategoryEdit, NewCategory};
use super::ops;
use crate::ids::CategoryId;

/// The routes of categories, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, remove))
}

/// A category in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CategoryPath {
    /// The category.
    category_id: CategoryId,
}

/// Which categories to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CategoryQuery {
    /// Whether to list removed ones too.
    #[serde(default)]
    #[param(required = false, default = false)]
    with_removed: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List categories of channels
#[utoipa::path(get, path = "/guilds/{guild_id}/categories", tag = "lake", operation_id = "category_list",
    params(InGuildPath, CategoryQuery),
    responses((status = 200, body = Page<Category>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<CategoryQuery>,
) -> Result<Json<Page<Category>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::category_list(app.pool(), guild.guild_id, query.with_removed, &page).await?))
}

/// Make a category of channels
///
/// A channel is in one category at most. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/categories", tag = "lake",
    operation_id = "category_create", params(InGuildPath, IdempotencyKey), request_body = NewCategory,
    responses((status = 201, body = Category), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewCategory>,
) -> Result<(StatusCode, Json<Category>), Problem> {
    let made = ops::category_create(app.pool(), guild.guild_id, new, guild.author()).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a category
#[utoipa::path(get, path = "/guilds/{guild_id}/categories/{category_id}", tag = "lake",
    operation_id = "category_get", params(InGuildPath, CategoryPath),
    responses((status = 200, body = Category), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<CategoryPath>,
) -> Result<Json<Category>, Problem> {
    Ok(Json(ops::category_get(app.pool(), guild.guild_id, path.category_id).await?))
}

/// Change a category
///
/// What is left out stays as it is; lists are replaced as a whole. In force on every node within a second. Written to the
/// audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/categories/{category_id}", tag = "lake",
    operation_id = "category_update", params(InGuildPath, CategoryPath), request_body = CategoryEdit,
    responses((status = 200, body = Category), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<CategoryPath>,
    Json(edit): Json<CategoryEdit>,
) -> Result<Json<Category>, Problem> {
    Ok(Json(ops::category_update(app.pool(), guild.guild_id, path.category_id, edit, guild.author()).await?))
}

/// Remove a category
///
/// Its channels are free then; what was counted in it stays. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/categories/{category_id}", tag = "lake",
    operation_id = "category_remove", params(InGuildPath, CategoryPath),
    responses((status = 200, body = Category), Problems),
    security(("api_key" = ["community:write"])))]
async fn remove(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<CategoryPath>,
) -> Result<Json<Category>, Problem> {
    Ok(Json(ops::category_remove(app.pool(), guild.guild_id, path.category_id, guild.author()).await?))
}
