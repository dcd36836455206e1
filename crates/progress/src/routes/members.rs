//! Members with their standing, leaderboards, the journal.

use access::openapi::{InGuildPath, MemberPath};
use access::scope::CommunityRead;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};

use crate::activity::{self, Activity, ActivityQuery};
use crate::leaderboard::{self, LeaderboardQuery, Placed};
use crate::member_seasons::{self, MemberSeason};
use crate::profile::{self, Profile};

/// See a member
///
/// With rank by XP, and the XP that the next level takes.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}", tag = "progress", operation_id = "member_get",
    params(InGuildPath, MemberPath),
    responses((status = 200, body = Profile), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(profile::member_profile(app.pool(), guild.guild_id, path.user_id).await?))
}

/// See the leaderboard
///
/// Of all time by XP, or of a season by stars. Bots and who left are not on it.
#[utoipa::path(get, path = "/guilds/{guild_id}/leaderboard", tag = "progress", operation_id = "member_leaderboard",
    params(InGuildPath, LeaderboardQuery),
    responses((status = 200, body = Page<Placed>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn leaderboard(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<LeaderboardQuery>,
) -> Result<Json<Page<Placed>>, Problem> {
    Ok(Json(leaderboard::leaderboard(app.pool(), guild.guild_id, &query).await?))
}

/// See what was earned in the guild
///
/// The journal of XP, stars and gold, newest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/activity", tag = "progress", operation_id = "activity_list",
    params(InGuildPath, ActivityQuery),
    responses((status = 200, body = Page<Activity>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn guild_activity(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Page<Activity>>, Problem> {
    Ok(Json(activity::activity(app.pool(), guild.guild_id, None, &query).await?))
}

/// See what a member earned
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/activity", tag = "progress",
    operation_id = "member_activity", params(InGuildPath, MemberPath, ActivityQuery),
    responses((status = 200, body = Page<Activity>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn member_activity(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Page<Activity>>, Problem> {
    Ok(Json(activity::activity(app.pool(), guild.guild_id, Some(path.user_id), &query).await?))
}

/// See what a member did in each season
///
/// The latest first: XP, stars, counts and rank by stars.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/seasons", tag = "progress",
    operation_id = "member_seasons", params(InGuildPath, MemberPath, PageQuery),
    responses((status = 200, body = Page<MemberSeason>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn member_seasons(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberSeason>>, Problem> {
    Ok(Json(member_seasons::member_seasons(app.pool(), guild.guild_id, path.user_id, &page).await?))
}
