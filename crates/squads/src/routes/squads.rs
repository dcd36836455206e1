//! Squads of a guild.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{SquadsRead, SquadsWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem, SquadId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::{NewSquad, Squad, SquadEdit};
use crate::ops;

/// A squad in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SquadPath {
    /// The squad.
    pub(super) squad_id: SquadId,
}

/// Which squads to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SquadQuery {
    /// Whether to list retired squads too.
    #[serde(default)]
    #[param(required = false, default = false)]
    with_retired: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List squads
///
/// In the order of their making.
#[utoipa::path(get, path = "/guilds/{guild_id}/squads", tag = "squads", operation_id = "squad_list",
    params(InGuildPath, SquadQuery),
    responses((status = 200, body = Page<Squad>), Problems),
    security(("api_key" = ["squads:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<SquadsRead>,
    Query(query): Query<SquadQuery>,
) -> Result<Json<Page<Squad>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::squad_list(app.pool(), guild.guild_id, query.with_retired, &page).await?))
}

/// Make a squad
///
/// Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/squads", tag = "squads", operation_id = "squad_create",
    params(InGuildPath, IdempotencyKey), request_body = NewSquad,
    responses((status = 201, body = Squad), Problems),
    security(("api_key" = ["squads:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<SquadsWrite>,
    Json(squad): Json<NewSquad>,
) -> Result<(StatusCode, Json<Squad>), Problem> {
    let made = ops::squad_create(app.pool(), guild.guild_id, squad, guild.by(), &guild.origin).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a squad
#[utoipa::path(get, path = "/guilds/{guild_id}/squads/{squad_id}", tag = "squads", operation_id = "squad_get",
    params(InGuildPath, SquadPath),
    responses((status = 200, body = Squad), Problems),
    security(("api_key" = ["squads:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<SquadsRead>,
    Path(path): Path<SquadPath>,
) -> Result<Json<Squad>, Problem> {
    Ok(Json(ops::squad_get(app.pool(), guild.guild_id, path.squad_id).await?))
}

/// Change a squad
///
/// What is left out stays as it is; null clears. A lower `max_members` sends nobody away. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/squads/{squad_id}", tag = "squads",
    operation_id = "squad_update", params(InGuildPath, SquadPath), request_body = SquadEdit,
    responses((status = 200, body = Squad), Problems),
    security(("api_key" = ["squads:write"])))]
pub(super) async fn update(
    State(app): State<App>,
    guild: InGuild<SquadsWrite>,
    Path(path): Path<SquadPath>,
    Json(edit): Json<SquadEdit>,
) -> Result<Json<Squad>, Problem> {
    let by = guild.by();
    Ok(Json(ops::squad_update(app.pool(), guild.guild_id, path.squad_id, edit, by, &guild.origin).await?))
}

/// Retire a squad
///
/// Its members are in none then, and join their next one free; its history stays. Refused while it takes part in a
/// running campaign that forbids changes. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/squads/{squad_id}", tag = "squads",
    operation_id = "squad_deactivate", params(InGuildPath, SquadPath),
    responses((status = 200, body = Squad), Problems),
    security(("api_key" = ["squads:write"])))]
pub(super) async fn deactivate(
    State(app): State<App>,
    guild: InGuild<SquadsWrite>,
    Path(path): Path<SquadPath>,
) -> Result<Json<Squad>, Problem> {
    let by = guild.by();
    let squad = ops::squad_deactivate(app.pool(), guild.guild_id, path.squad_id, by, &guild.origin).await?;
    app.wake().outbox();
    Ok(Json(squad))
}
