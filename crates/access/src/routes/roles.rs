//! Roles over the API: who has which, and which Discord roles confer one.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::openapi::{InGuildPath, Problems};
use crate::role::Role;
use crate::roles::{self, Grant, Mapping};
use crate::scope::{RolesRead, RolesWrite};
use crate::web::{App, InGuild, Json, Path, Query};

/// Which grants to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantQuery {
    /// Only this user's.
    user_id: Option<UserId>,
    /// Only of this role.
    role: Option<Role>,
    /// How many to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// A role of a user in a guild.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct GrantPath {
    /// The guild: its Discord id.
    #[serde(rename = "guild_id")]
    _guild_id: GuildId,
    /// Who has the role.
    user_id: UserId,
    /// The role.
    #[param(value_type = Role)]
    role: String,
}

/// A Discord role and what it confers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MappingPath {
    /// The guild: its Discord id.
    #[serde(rename = "guild_id")]
    _guild_id: GuildId,
    /// The Discord role.
    #[param(value_type = String)]
    discord_role_id: UserId,
    /// The role that it confers.
    #[param(value_type = Role)]
    role: String,
}

/// Until when a role counts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantBody {
    /// From when it does not count any more. Left out, for ever.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    expires_at: Option<DateTime<Utc>>,
}

/// Lists who has which role in a guild, by user.
#[utoipa::path(get, path = "/guilds/{guild_id}/roles", tag = "roles", operation_id = "role_list",
    params(InGuildPath, GrantQuery), responses((status = 200, body = Page<Grant>), Problems),
    security(("api_key" = ["roles:read"])))]
pub(super) async fn grant_list(
    State(app): State<App>,
    guild: InGuild<RolesRead>,
    Query(query): Query<GrantQuery>,
) -> Result<Json<Page<Grant>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(app.pool()).await?;
    let grants =
        roles::grant_list(&mut conn, guild.guild_id, query.user_id, query.role, after, limit).await?;
    Ok(Json(grants))
}

/// Grants a role. Nobody grants one that may do more than they may themselves.
#[utoipa::path(put, path = "/guilds/{guild_id}/roles/{user_id}/{role}", tag = "roles", operation_id = "role_grant",
    params(GrantPath), request_body = Option<GrantBody>,
    responses((status = 200, body = Grant), Problems), security(("api_key" = ["roles:write"])))]
pub(super) async fn grant_put(
    State(app): State<App>,
    guild: InGuild<RolesWrite>,
    Path(path): Path<GrantPath>,
    body: Option<Json<GrantBody>>,
) -> Result<Json<Grant>, Problem> {
    let Json(body) = body.unwrap_or_default();
    let mut tx = db::begin(app.pool()).await?;
    let grant = roles::grant_put(
        &mut tx,
        guild.by(),
        &guild.origin,
        guild.guild_id,
        path.user_id,
        Role::named(&path.role)?,
        body.expires_at,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(grant))
}

/// Takes a role away. Within a second it counts nowhere; one that follows Discord comes back at the next sign-in.
#[utoipa::path(delete, path = "/guilds/{guild_id}/roles/{user_id}/{role}", tag = "roles", operation_id = "role_take",
    params(GrantPath), responses((status = 204, description = "Taken away."), Problems),
    security(("api_key" = ["roles:write"])))]
pub(super) async fn grant_remove(
    State(app): State<App>,
    guild: InGuild<RolesWrite>,
    Path(path): Path<GrantPath>,
) -> Result<StatusCode, Problem> {
    let mut tx = db::begin(app.pool()).await?;
    roles::grant_remove(
        &mut tx,
        guild.by(),
        &guild.origin,
        guild.guild_id,
        path.user_id,
        Role::named(&path.role)?,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists which Discord roles confer which of ours; at most 100.
#[utoipa::path(get, path = "/guilds/{guild_id}/role-mappings", tag = "roles", operation_id = "role_mapping_list",
    params(InGuildPath), responses((status = 200, body = Vec<Mapping>), Problems),
    security(("api_key" = ["roles:read"])))]
pub(super) async fn mapping_list(
    State(app): State<App>,
    guild: InGuild<RolesRead>,
) -> Result<Json<Vec<Mapping>>, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(Json(roles::mapping_list(&mut conn, guild.guild_id).await?))
}

/// Has a Discord role confer one of ours on whoever signs in with it.
#[utoipa::path(put, path = "/guilds/{guild_id}/role-mappings/{discord_role_id}/{role}", tag = "roles",
    operation_id = "role_mapping_put", params(MappingPath),
    responses((status = 204, description = "It does."), Problems), security(("api_key" = ["roles:write"])))]
pub(super) async fn mapping_put(
    State(app): State<App>,
    guild: InGuild<RolesWrite>,
    Path(path): Path<MappingPath>,
) -> Result<StatusCode, Problem> {
    let mut tx = db::begin(app.pool()).await?;
    let role = path.discord_role_id.get();
    roles::mapping_put(&mut tx, guild.by(), &guild.origin, guild.guild_id, role, Role::named(&path.role)?)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a Discord role confer one of ours no more.
#[utoipa::path(delete, path = "/guilds/{guild_id}/role-mappings/{discord_role_id}/{role}", tag = "roles",
    operation_id = "role_mapping_remove", params(MappingPath),
    responses((status = 204, description = "It does not."), Problems), security(("api_key" = ["roles:write"])))]
pub(super) async fn mapping_remove(
    State(app): State<App>,
    guild: InGuild<RolesWrite>,
    Path(path): Path<MappingPath>,
) -> Result<StatusCode, Problem> {
    let mut tx = db::begin(app.pool()).await?;
    let role = path.discord_role_id.get();
    roles::mapping_remove(&mut tx, guild.by(), &guild.origin, guild.guild_id, role, Role::named(&path.role)?)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
