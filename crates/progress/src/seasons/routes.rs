//! The HTTP face: `/api/v1/guilds/{guild_id}/seasons…`.

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

use super::model::{NewSeason, RollSeason, Rolled, Season, SeasonEdit, Standing};
use super::ops;
use crate::ids::SeasonId;

/// The routes of seasons, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(roll))
        .routes(routes!(standings))
}

/// A season in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SeasonPath {
    /// The season.
    season_id: SeasonId,
}

/// List seasons
///
/// The latest first: planned, running and ended ones.
#[utoipa::path(get, path = "/guilds/{guild_id}/seasons", tag = "progress", operation_id = "season_list",
    params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<Season>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Season>>, Problem> {
    Ok(Json(ops::season_list(app.pool(), guild.guild_id, &page).await?))
}

/// Make a season
///
/// It starts when its time comes, at once if that is now and no other runs. Seasons of a guild do not overlap. Written to
/// the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/seasons", tag = "progress", operation_id = "season_create",
    params(InGuildPath, IdempotencyKey), request_body = NewSeason,
    responses((status = 201, body = Season), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewSeason>,
) -> Result<(StatusCode, Json<Season>), Problem> {
    let made = ops::season_create(app.pool(), guild.guild_id, new, guild.author()).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a season
#[utoipa::path(get, path = "/guilds/{guild_id}/seasons/{season_id}", tag = "progress",
    operation_id = "season_get", params(InGuildPath, SeasonPath),
    responses((status = 200, body = Season), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<SeasonPath>,
) -> Result<Json<Season>, Problem> {
    Ok(Json(ops::season_get(app.pool(), guild.guild_id, path.season_id).await?))
}

/// Change a season
///
/// One that is not over. When its end moves, a planned season that begins there moves along. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/seasons/{season_id}", tag = "progress",
    operation_id = "season_update", params(InGuildPath, SeasonPath), request_body = SeasonEdit,
    responses((status = 200, body = Season), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<SeasonPath>,
    Json(edit): Json<SeasonEdit>,
) -> Result<Json<Season>, Problem> {
    let season = ops::season_update(app.pool(), guild.guild_id, path.season_id, edit, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(season))
}

/// Remove a planned season
///
/// Refused once it has begun. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/seasons/{season_id}", tag = "progress",
    operation_id = "season_delete", params(InGuildPath, SeasonPath),
    responses((status = 204), Problems),
    security(("api_key" = ["community:write"])))]
async fn remove(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<SeasonPath>,
) -> Result<StatusCode, Problem> {
    ops::season_delete(app.pool(), guild.guild_id, path.season_id, guild.author()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Roll a season over
///
/// Before its end, which is moved to this instant: its standings are archived, and the next season starts. At its end
/// that happens by itself. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/seasons/{season_id}/roll", tag = "progress",
    operation_id = "season_roll", params(InGuildPath, SeasonPath, IdempotencyKey), request_body = RollSeason,
    responses((status = 200, body = Rolled), Problems),
    security(("api_key" = ["community:write"])))]
async fn roll(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<SeasonPath>,
    Json(roll): Json<RollSeason>,
) -> Result<Json<Rolled>, Problem> {
    let rolled = ops::season_roll(app.pool(), guild.guild_id, path.season_id, roll, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(rolled))
}

/// See a season's archived standings
///
/// By rank, as they were when it was rolled over.
#[utoipa::path(get, path = "/guilds/{guild_id}/seasons/{season_id}/standings", tag = "progress",
    operation_id = "season_standings", params(InGuildPath, SeasonPath, PageQuery),
    responses((status = 200, body = Page<Standing>), Problems),
    security(("api_key" = ["community:read"])))]
async fn standings(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<SeasonPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Standing>>, Problem> {
    Ok(Json(ops::season_standings(app.pool(), guild.guild_id, path.season_id, &page).await?))
}
