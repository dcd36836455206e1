//! Charts.

use access::openapi::{InGuildPath, MemberPath};
use access::scope::CommunityRead;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::Problem;

use crate::days::{self, DayFigures, DayQuery};

/// Get a chart of the guild's days
///
/// XP, stars and events by type for every day of the span, at most 366 days.
#[utoipa::path(get, path = "/guilds/{guild_id}/days", tag = "lake", operation_id = "day_figures",
    params(InGuildPath, DayQuery),
    responses((status = 200, body = Vec<DayFigures>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn guild_days(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<DayQuery>,
) -> Result<Json<Vec<DayFigures>>, Problem> {
    Ok(Json(days::days(app.pool(), guild.guild_id, None, &query).await?))
}

/// Get a chart of a member's days
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/days", tag = "lake",
    operation_id = "member_days", params(InGuildPath, MemberPath, DayQuery),
    responses((status = 200, body = Vec<DayFigures>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn member_days(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(query): Query<DayQuery>,
) -> Result<Json<Vec<DayFigures>>, Problem> {
    Ok(Json(days::days(app.pool(), guild.guild_id, Some(path.user_id), &query).await?))
}
