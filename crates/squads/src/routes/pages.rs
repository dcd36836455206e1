//! A squad's page, the leaderboard of squads, and what Discord has of members' roles.

use access::openapi::{InGuildPath, MemberPath};
use access::scope::{CommunityWrite, SquadsRead};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::squads::SquadPath;
use crate::pages::{self, Measure, SquadPage, SquadRank};
use crate::roles::{self, ObservedRoles, RolesReconciled};

/// By what to compare.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaderboardQuery {
    /// By XP unless told.
    #[serde(default)]
    #[param(inline, required = false)]
    by: Measure,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List squads by what they have
///
/// Active ones by the XP or the bytes of their members in all, or by campaigns won; ties share a rank (1, 1, 3).
/// In guilds with more than 2,000 members in squads the figures are up to 15 seconds old.
#[utoipa::path(get, path = "/guilds/{guild_id}/squads/leaderboard", tag = "squads",
    operation_id = "squad_leaderboard", params(InGuildPath, LeaderboardQuery),
    responses((status = 200, body = Page<SquadRank>), Problems),
    security(("api_key" = ["squads:read"])))]
pub(super) async fn leaderboard(
    State(app): State<App>,
    guild: InGuild<SquadsRead>,
    Query(query): Query<LeaderboardQuery>,
) -> Result<Json<Page<SquadRank>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(pages::leaderboard(app.pool(), guild.guild_id, query.by, &page).await?))
}

/// See everything a squad's page shows
///
/// Its place among the guild's squads, its members with XP and bytes, and its campaigns with final ranks.
#[utoipa::path(get, path = "/guilds/{guild_id}/squads/{squad_id}/page", tag = "squads", operation_id = "squad_page",
    params(InGuildPath, SquadPath),
    responses((status = 200, body = SquadPage), Problems),
    security(("api_key" = ["squads:read"])))]
pub(super) async fn page(
    State(app): State<App>,
    guild: InGuild<SquadsRead>,
    Path(path): Path<SquadPath>,
) -> Result<Json<SquadPage>, Problem> {
    Ok(Json(pages::squad_page(app.pool(), guild.guild_id, path.squad_id).await?))
}

/// Tell which Discord roles a member has
///
/// From whoever talks to Discord. What differs from what ought to be is announced anew by `member.role` events: a role of
/// the rules that was taken by hand is given again, a squad's role that was given by hand is taken away.
#[utoipa::path(put, path = "/guilds/{guild_id}/member-roles/{user_id}", tag = "squads",
    operation_id = "member_role_observe", params(InGuildPath, MemberPath), request_body = ObservedRoles,
    responses((status = 200, body = RolesReconciled), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn observed(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<MemberPath>,
    Json(observed): Json<ObservedRoles>,
) -> Result<Json<RolesReconciled>, Problem> {
    let reconciled = roles::observe(app.pool(), guild.guild_id, path.user_id, &observed).await?;
    app.wake().outbox();
    Ok(Json(reconciled))
}
