//! Who is in a squad: joining, moving, leaving.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{SquadsPlay, SquadsRead, SquadsWrite};
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem, SquadId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::squads::SquadPath;
use crate::model::{Assignment, MembershipChange, SquadMember};
use crate::ops;

/// A squad and one of its members in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SquadMemberPath {
    /// The squad.
    squad_id: SquadId,
    /// The member: a Discord user's id.
    user_id: UserId,
}

/// List the members of a squad
#[utoipa::path(get, path = "/guilds/{guild_id}/squads/{squad_id}/members", tag = "squads",
    operation_id = "squad_member_list", params(InGuildPath, SquadPath, PageQuery),
    responses((status = 200, body = Page<SquadMember>), Problems),
    security(("api_key" = ["squads:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<SquadsRead>,
    Path(path): Path<SquadPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SquadMember>>, Problem> {
    Ok(Json(ops::member_list(app.pool(), guild.guild_id, path.squad_id, &page).await?))
}

/// Put a member into a squad
///
/// From another one or none, for nothing; there must be room. Refused while either squad takes part in a running campaign
/// that forbids changes, unless it is forced. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/squads/{squad_id}/members", tag = "squads",
    operation_id = "squad_member_assign", params(InGuildPath, SquadPath, IdempotencyKey), request_body = Assignment,
    responses((status = 200, body = MembershipChange), Problems),
    security(("api_key" = ["squads:write"])))]
pub(super) async fn assign(
    State(app): State<App>,
    guild: InGuild<SquadsWrite>,
    Path(path): Path<SquadPath>,
    Json(assignment): Json<Assignment>,
) -> Result<Json<MembershipChange>, Problem> {
    let by = guild.by();
    let change =
        ops::member_assign(app.pool(), guild.guild_id, path.squad_id, &assignment, by, &guild.origin).await?;
    app.wake().outbox();
    Ok(Json(change))
}

/// Take a member out of a squad
///
/// Also while a campaign runs. They join their next squad free. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/squads/{squad_id}/members/{user_id}", tag = "squads",
    operation_id = "squad_member_remove", params(InGuildPath, SquadMemberPath),
    responses((status = 200, body = MembershipChange), Problems),
    security(("api_key" = ["squads:write"])))]
pub(super) async fn remove(
    State(app): State<App>,
    guild: InGuild<SquadsWrite>,
    Path(path): Path<SquadMemberPath>,
) -> Result<Json<MembershipChange>, Problem> {
    let SquadMemberPath { squad_id, user_id } = path;
    let by = guild.by();
    let change = ops::member_remove(app.pool(), guild.guild_id, squad_id, user_id, by, &guild.origin).await?;
    app.wake().outbox();
    Ok(Json(change))
}

/// Join a squad
///
/// Free the first time, and after a removal; after leaving of one's own accord it costs the squad's `switch_cost`.
#[utoipa::path(post, path = "/guilds/{guild_id}/squads/{squad_id}/join", tag = "squads",
    operation_id = "squad_join", params(InGuildPath, SquadPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = MembershipChange), Problems),
    security(("api_key" = ["squads:play"])))]
pub(super) async fn join(
    State(app): State<App>,
    member: AsMember<SquadsPlay>,
    Path(path): Path<SquadPath>,
) -> Result<Json<MembershipChange>, Problem> {
    let change = ops::squad_join(app.pool(), member.guild_id, member.user_id, path.squad_id).await?;
    app.wake().outbox();
    Ok(Json(change))
}

/// Move to a squad
///
/// From the one the member is in; costs the `switch_cost` of the one they move to. Refused while either takes part in a
/// running campaign that forbids changes.
#[utoipa::path(post, path = "/guilds/{guild_id}/squads/{squad_id}/move", tag = "squads",
    operation_id = "squad_move", params(InGuildPath, SquadPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = MembershipChange), Problems),
    security(("api_key" = ["squads:play"])))]
pub(super) async fn change(
    State(app): State<App>,
    member: AsMember<SquadsPlay>,
    Path(path): Path<SquadPath>,
) -> Result<Json<MembershipChange>, Problem> {
    let change = ops::squad_move(app.pool(), member.guild_id, member.user_id, path.squad_id).await?;
    app.wake().outbox();
    Ok(Json(change))
}

/// Leave one's squad
///
/// Refused while it takes part in a running campaign that forbids changes.
#[utoipa::path(post, path = "/guilds/{guild_id}/squads/leave", tag = "squads", operation_id = "squad_leave",
    params(InGuildPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = MembershipChange), Problems),
    security(("api_key" = ["squads:play"])))]
pub(super) async fn leave(
    State(app): State<App>,
    member: AsMember<SquadsPlay>,
) -> Result<Json<MembershipChange>, Problem> {
    let change = ops::squad_leave(app.pool(), member.guild_id, member.user_id).await?;
    app.wake().outbox();
    Ok(Json(change))
}
