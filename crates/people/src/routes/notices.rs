//! What happened for a member.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::{CommunityPlay, CommunityRead};
use access::{App, AsMember, Json, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{PageQuery, Problem};

use crate::notices::{self, Notices, SeenNotices};

/// See what happened for oneself
///
/// What others gave, decided or did for the member: achievements, grades, reviews to write, rewards, what moderators did; newest first, of
/// the last 30 days. Each takes the scope of its events; what happens from now on comes by the member's stream of events.
#[utoipa::path(get, path = "/guilds/{guild_id}/notifications", tag = "people", operation_id = "notification_list",
    params(InGuildPath, ActingMember, PageQuery),
    responses((status = 200, body = Notices), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    member: AsMember<CommunityRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Notices>, Problem> {
    let types = notices::types_for(&member.actor);
    Ok(Json(notices::notices(app.pool(), (member.guild_id, member.user_id), &types, &page).await?))
}

/// Say how far one has read
///
/// What is older than that counts as read. It never goes back.
#[utoipa::path(post, path = "/guilds/{guild_id}/notifications/seen", tag = "people", operation_id = "notification_seen",
    params(InGuildPath, ActingMember), request_body = SeenNotices,
    responses((status = 204, description = "It is kept."), Problems),
    security(("api_key" = ["community:play"])))]
pub(super) async fn seen(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Json(seen): Json<SeenNotices>,
) -> Result<StatusCode, Problem> {
    notices::notices_seen(app.pool(), member.guild_id, member.user_id, &seen).await?;
    Ok(StatusCode::NO_CONTENT)
}
