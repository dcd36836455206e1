//! Badges, for who looks after them.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::{App, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};

use super::BadgePath;
use crate::model::{Badge, BadgeEdit, NewBadge, Picture};
use crate::ops;
use crate::scope::{CredentialsRead, CredentialsWrite};

/// List badges
///
/// In the order of their making.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/badges", tag = "credentials", operation_id = "badge_list",
    params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<Badge>), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CredentialsRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Badge>>, Problem> {
    Ok(Json(ops::badge_list(app.pool(), guild.guild_id, &page).await?))
}

/// Make a badge
///
/// For a learning path or for an achievement. Who has earned it already gets its credential within minutes. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/credentials/badges", tag = "credentials", operation_id = "badge_create",
    params(InGuildPath, IdempotencyKey), request_body = NewBadge,
    responses((status = 201, body = Badge), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Json(new): Json<NewBadge>,
) -> Result<(StatusCode, Json<Badge>), Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let made = ops::badge_create(app.pool(), guild.guild_id, &new, author).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a badge
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/badges/{badge_id}", tag = "credentials", operation_id = "badge_get",
    params(InGuildPath, BadgePath),
    responses((status = 200, body = Badge), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<CredentialsRead>,
    Path(path): Path<BadgePath>,
) -> Result<Json<Badge>, Problem> {
    Ok(Json(ops::badge_get(app.pool(), guild.guild_id, path.badge_id).await?))
}

/// Change a badge
///
/// What is left out stays as it is. What was issued stays as it was signed. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/credentials/badges/{badge_id}", tag = "credentials",
    operation_id = "badge_update", params(InGuildPath, BadgePath), request_body = BadgeEdit,
    responses((status = 200, body = Badge), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn update(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Path(path): Path<BadgePath>,
    Json(edit): Json<BadgeEdit>,
) -> Result<Json<Badge>, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    Ok(Json(ops::badge_update(app.pool(), guild.guild_id, path.badge_id, &edit, author).await?))
}

/// Give a badge its picture
///
/// A PNG, into which holders' credentials can be baked; null takes it away. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/credentials/badges/{badge_id}/image", tag = "credentials",
    operation_id = "badge_image_put", params(InGuildPath, BadgePath), request_body = Picture,
    responses((status = 200, body = Badge), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn image(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Path(path): Path<BadgePath>,
    Json(picture): Json<Picture>,
) -> Result<Json<Badge>, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    Ok(Json(ops::badge_image_put(app.pool(), guild.guild_id, path.badge_id, &picture, author).await?))
}
