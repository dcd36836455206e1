//! The HTTP face: `/api/v1/guilds/{guild_id}/multiplier-events…`.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{CommunityRead, CommunityWrite};
use access::web::Repeatable;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Factors, MultiplierEvent, MultiplierEventEdit, NewMultiplierEvent, Weighing};
use super::ops;
use crate::ids::MultiplierEventId;

/// The routes of timed events, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, call_off))
        .routes(routes!(weigh))
}

/// A timed event in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct EventPath {
    /// The timed event.
    event_id: MultiplierEventId,
}

/// List timed multipliers
///
/// Events such as a double-XP weekend, the latest made first.
#[utoipa::path(get, path = "/guilds/{guild_id}/multiplier-events", tag = "lake",
    operation_id = "multiplier_event_list", params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<MultiplierEvent>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MultiplierEvent>>, Problem> {
    Ok(Json(ops::event_list(app.pool(), guild.guild_id, &page).await?))
}

/// Multiply rewards for a while
///
/// Counts for what happens from its start until before its end, however late that becomes known. Events that overlap
/// multiply each other. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/multiplier-events", tag = "lake",
    operation_id = "multiplier_event_create", params(InGuildPath, IdempotencyKey),
    request_body = NewMultiplierEvent,
    responses((status = 201, body = MultiplierEvent), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewMultiplierEvent>,
) -> Result<(StatusCode, Json<MultiplierEvent>), Problem> {
    let made =
        ops::event_create(app.pool(), guild.guild_id, new, guild.author(), &Repeatable::current()).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a timed multiplier
#[utoipa::path(get, path = "/guilds/{guild_id}/multiplier-events/{event_id}", tag = "lake",
    operation_id = "multiplier_event_get", params(InGuildPath, EventPath),
    responses((status = 200, body = MultiplierEvent), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<EventPath>,
) -> Result<Json<MultiplierEvent>, Problem> {
    Ok(Json(ops::event_get(app.pool(), guild.guild_id, path.event_id).await?))
}

/// Change a timed multiplier
///
/// One that is not over. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/multiplier-events/{event_id}", tag = "lake",
    operation_id = "multiplier_event_update", params(InGuildPath, EventPath),
    request_body = MultiplierEventEdit,
    responses((status = 200, body = MultiplierEvent), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<EventPath>,
    Json(edit): Json<MultiplierEventEdit>,
) -> Result<Json<MultiplierEvent>, Problem> {
    Ok(Json(ops::event_update(app.pool(), guild.guild_id, path.event_id, edit, guild.author()).await?))
}

/// Call a timed multiplier off
///
/// One that runs ends now, and what it multiplied stays; one that has not begun never does. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/multiplier-events/{event_id}", tag = "lake",
    operation_id = "multiplier_event_call_off", params(InGuildPath, EventPath),
    responses((status = 200, body = MultiplierEvent), Problems),
    security(("api_key" = ["community:write"])))]
async fn call_off(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<EventPath>,
) -> Result<Json<MultiplierEvent>, Problem> {
    let event = ops::event_call_off(app.pool(), guild.guild_id, path.event_id, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(event))
}

/// Weigh an interaction
///
/// What its reward is multiplied by in a channel at a time, by what is configured now.
#[utoipa::path(get, path = "/guilds/{guild_id}/multipliers", tag = "lake", operation_id = "multiplier_weigh",
    params(InGuildPath, Weighing),
    responses((status = 200, body = Factors), Problems),
    security(("api_key" = ["community:read"])))]
async fn weigh(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(what): Query<Weighing>,
) -> Result<Json<Factors>, Problem> {
    Ok(Json(ops::weigh(app.pool(), guild.guild_id, what).await?))
}
