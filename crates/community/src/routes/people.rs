//! Leaderboards, feeds, charts, names, preferences; a copy of what is known of a member, and forgetting them.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{CommunityPlay, CommunityRead, CommunityWrite};
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::members::MemberPath;
use crate::people::{
    self, Activity, ActivityQuery, DayFigures, DayQuery, Erased, LeaderboardQuery, MemberExport,
    MemberSeason, Named, Placed, Preferences,
};

/// See the leaderboard
///
/// Of all time by XP, or of a season by stars. Bots and who left are not on it.
#[utoipa::path(get, path = "/guilds/{guild_id}/leaderboard", tag = "community", operation_id = "member_leaderboard",
    params(InGuildPath, LeaderboardQuery),
    responses((status = 200, body = Page<Placed>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn leaderboard(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<LeaderboardQuery>,
) -> Result<Json<Page<Placed>>, Problem> {
    Ok(Json(people::leaderboard(app.pool(), guild.guild_id, &query).await?))
}

/// See what was earned in the guild
///
/// The journal of XP, stars and gold, newest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/activity", tag = "community", operation_id = "activity_list",
    params(InGuildPath, ActivityQuery),
    responses((status = 200, body = Page<Activity>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn guild_activity(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Page<Activity>>, Problem> {
    Ok(Json(people::activity(app.pool(), guild.guild_id, None, &query).await?))
}

/// See what a member earned
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/activity", tag = "community",
    operation_id = "member_activity", params(InGuildPath, MemberPath, ActivityQuery),
    responses((status = 200, body = Page<Activity>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn member_activity(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Page<Activity>>, Problem> {
    Ok(Json(people::activity(app.pool(), guild.guild_id, Some(path.user_id), &query).await?))
}

/// See what a member did in each season
///
/// The latest first: XP, stars, counts and rank by stars.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/seasons", tag = "community",
    operation_id = "member_seasons", params(InGuildPath, MemberPath, PageQuery),
    responses((status = 200, body = Page<MemberSeason>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn member_seasons(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberSeason>>, Problem> {
    Ok(Json(people::member_seasons(app.pool(), guild.guild_id, path.user_id, &page).await?))
}

/// Get a chart of the guild's days
///
/// XP, stars and events by type for every day of the span, at most 366 days.
#[utoipa::path(get, path = "/guilds/{guild_id}/days", tag = "community", operation_id = "day_figures",
    params(InGuildPath, DayQuery),
    responses((status = 200, body = Vec<DayFigures>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn guild_days(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<DayQuery>,
) -> Result<Json<Vec<DayFigures>>, Problem> {
    Ok(Json(people::days(app.pool(), guild.guild_id, None, &query).await?))
}

/// Get a chart of a member's days
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/days", tag = "community",
    operation_id = "member_days", params(InGuildPath, MemberPath, DayQuery),
    responses((status = 200, body = Vec<DayFigures>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn member_days(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(query): Query<DayQuery>,
) -> Result<Json<Vec<DayFigures>>, Problem> {
    Ok(Json(people::days(app.pool(), guild.guild_id, Some(path.user_id), &query).await?))
}

/// Whose names.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesQuery {
    /// Members' ids with commas between them, at most 200.
    #[param(example = "175928847299117063,175928847299117064")]
    user_ids: String,
}

/// Get members' names
///
/// Those who left included; who is no member is left out.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/names", tag = "community", operation_id = "member_names",
    params(InGuildPath, NamesQuery),
    responses((status = 200, body = Vec<Named>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn names(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<NamesQuery>,
) -> Result<Json<Vec<Named>>, Problem> {
    let ids: Result<Vec<UserId>, _> = query.user_ids.split(',').map(|id| id.trim().parse()).collect();
    let ids = ids.map_err(|error: kernel::id::ParseIdError| Problem::field("user_ids", error.to_string()))?;
    Ok(Json(people::names(app.pool(), guild.guild_id, &ids).await?))
}

/// See one's preferences
#[utoipa::path(get, path = "/guilds/{guild_id}/preferences", tag = "community", operation_id = "preferences_get",
    params(InGuildPath),
    responses((status = 200, body = Preferences), Problems),
    security(("api_key" = ["community:play"])))]
pub(super) async fn preferences(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
) -> Result<Json<Preferences>, Problem> {
    Ok(Json(people::preferences_get(app.pool(), member.guild_id, member.user_id).await?))
}

/// Change one's preferences
///
/// What is left out is announced.
#[utoipa::path(put, path = "/guilds/{guild_id}/preferences", tag = "community", operation_id = "preferences_put",
    params(InGuildPath), request_body = Preferences,
    responses((status = 200, body = Preferences), Problems),
    security(("api_key" = ["community:play"])))]
pub(super) async fn put_preferences(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Json(wanted): Json<Preferences>,
) -> Result<Json<Preferences>, Problem> {
    Ok(Json(people::preferences_put(app.pool(), member.guild_id, member.user_id, wanted).await?))
}

/// Copy all that is known of a member
///
/// For a member who asks for it. It is in the audit log.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/export", tag = "community",
    operation_id = "member_export", params(InGuildPath, MemberPath),
    responses((status = 200, body = MemberExport), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn export(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<MemberPath>,
) -> Result<Json<MemberExport>, Problem> {
    let export =
        people::member_export(app.pool(), guild.guild_id, path.user_id, guild.by(), &guild.origin).await?;
    Ok(Json(export))
}

/// Why somebody is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasure {
    /// For the audit log, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Forget a member
///
/// For a member who asks for it; there is no way back. Name, events, counters and preferences go; the journal and reactions to others'
/// messages stay under the bare number of the account, as others' figures rest upon them. Repeating it changes nothing more.
#[utoipa::path(post, path = "/guilds/{guild_id}/members/{user_id}/erasure", tag = "community",
    operation_id = "member_erase", params(InGuildPath, MemberPath, IdempotencyKey), request_body = Erasure,
    responses((status = 200, body = Erased), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn erase(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<MemberPath>,
    Json(erasure): Json<Erasure>,
) -> Result<Json<Erased>, Problem> {
    let (pool, guild_id) = (app.pool(), guild.guild_id);
    let erased =
        people::member_erase(pool, guild_id, path.user_id, &erasure.reason, guild.by(), &guild.origin)
            .await?;
    Ok(Json(erased))
}
