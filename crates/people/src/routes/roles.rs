//! Discord roles that follow the rules, for whoever talks to Discord.

use access::openapi::InGuildPath;
use access::scope::{CommunityRead, CommunityWrite};
use access::{App, InGuild, Json, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::roles::{self, MemberRole, RoleReport, RoleReportTaken};

/// Which roles to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleQuery {
    /// Whether to list those as well that Discord is known to have.
    #[serde(default)]
    #[param(required = false, default = false)]
    with_confirmed: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List Discord roles to be given or taken away
///
/// What squads and rewards of the economy want of members' roles and Discord is not known to have yet, by member and role.
/// Each is announced by a `member.role` event too, again and again until it is reported.
#[utoipa::path(get, path = "/guilds/{guild_id}/member-roles", tag = "people", operation_id = "member_role_list",
    params(InGuildPath, RoleQuery),
    responses((status = 200, body = Page<MemberRole>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<RoleQuery>,
) -> Result<Json<Page<MemberRole>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(roles::list(app.pool(), guild.guild_id, !query.with_confirmed, &page).await?))
}

/// Report what became of Discord roles
///
/// From whoever talks to Discord. Outcomes of versions that are no longer the last ones count for nothing; repeating a
/// report changes nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/member-roles/report", tag = "people",
    operation_id = "member_role_report", params(InGuildPath), request_body = RoleReport,
    responses((status = 200, body = RoleReportTaken), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn report(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(report): Json<RoleReport>,
) -> Result<Json<RoleReportTaken>, Problem> {
    Ok(Json(roles::report(app.pool(), guild.guild_id, &report).await?))
}
