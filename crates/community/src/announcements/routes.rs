//! The HTTP face: `/api/v1/guilds/{guild_id}/announcements…`.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CommunityWrite;
use access::web::Repeatable;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Announcement, AnnouncementQuery, ChannelChoice, ChannelChoices, NewNotice};
use super::ops;
use crate::ids::AnnouncementId;

/// The routes of announcements, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(cancel))
        .routes(routes!(channels, choose))
}

/// An announcement in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AnnouncementPath {
    /// The announcement.
    announcement_id: AnnouncementId,
}

/// See the queue of announcements
///
/// Those that wait for their channel's turn (three a minute), and those that have gone; the latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/announcements", tag = "community",
    operation_id = "announcement_list", params(InGuildPath, AnnouncementQuery),
    responses((status = 200, body = Page<Announcement>), Problems),
    security(("api_key" = ["community:write"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Query(query): Query<AnnouncementQuery>,
) -> Result<Json<Page<Announcement>>, Problem> {
    Ok(Json(ops::announcement_list(app.pool(), guild.guild_id, query).await?))
}

/// Announce something
///
/// In one's own words, when the channel's turn has come. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/announcements", tag = "community",
    operation_id = "announcement_create", params(InGuildPath, IdempotencyKey), request_body = NewNotice,
    responses((status = 201, body = Announcement), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewNotice>,
) -> Result<(StatusCode, Json<Announcement>), Problem> {
    let made =
        ops::notice_create(app.pool(), guild.guild_id, new, guild.author(), &Repeatable::current()).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(made)))
}

/// Take an announcement back
///
/// One that still waits. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/announcements/{announcement_id}", tag = "community",
    operation_id = "announcement_cancel", params(InGuildPath, AnnouncementPath),
    responses((status = 200, body = Announcement), Problems),
    security(("api_key" = ["community:write"])))]
async fn cancel(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<AnnouncementPath>,
) -> Result<Json<Announcement>, Problem> {
    let (pool, id) = (app.pool(), path.announcement_id);
    Ok(Json(ops::announcement_cancel(pool, guild.guild_id, id, guild.author()).await?))
}

/// See where announcements go
#[utoipa::path(get, path = "/guilds/{guild_id}/announcement-channels", tag = "community",
    operation_id = "announcement_channel_list", params(InGuildPath),
    responses((status = 200, body = ChannelChoices), Problems),
    security(("api_key" = ["community:write"])))]
async fn channels(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
) -> Result<Json<ChannelChoices>, Problem> {
    Ok(Json(ops::channel_list(app.pool(), guild.guild_id).await?))
}

/// Choose where a kind of announcement goes
///
/// A kind for which no channel is chosen is announced only where a thing names its own. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/announcement-channels", tag = "community",
    operation_id = "announcement_channel_put", params(InGuildPath), request_body = ChannelChoice,
    responses((status = 200, body = ChannelChoices), Problems),
    security(("api_key" = ["community:write"])))]
async fn choose(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(choice): Json<ChannelChoice>,
) -> Result<Json<ChannelChoices>, Problem> {
    Ok(Json(ops::channel_put(app.pool(), guild.guild_id, choice, guild.author()).await?))
}
