//! The rules of a guild's economy.

use access::openapi::InGuildPath;
use access::scope::{EconomyRead, EconomyWrite};
use access::{App, InGuild, Json, Problems};
use axum::extract::State;
use kernel::Problem;

use crate::model::{Config, ConfigEdit};
use crate::ops;

/// See the rules of the economy
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/config", tag = "economy",
    operation_id = "economy_config_get", params(InGuildPath),
    responses((status = 200, body = Config), Problems),
    security(("api_key" = ["economy:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<EconomyRead>,
) -> Result<Json<Config>, Problem> {
    Ok(Json(ops::config_get(app.pool(), guild.guild_id).await?))
}

/// Change the rules of the economy
///
/// What is left out stays as it is. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/economy/config", tag = "economy",
    operation_id = "economy_config_put", params(InGuildPath), request_body = ConfigEdit,
    responses((status = 200, body = Config), Problems),
    security(("api_key" = ["economy:write"])))]
pub(super) async fn put(
    State(app): State<App>,
    guild: InGuild<EconomyWrite>,
    Json(edit): Json<ConfigEdit>,
) -> Result<Json<Config>, Problem> {
    let config = ops::config_put(app.pool(), guild.guild_id, &edit, guild.by(), &guild.origin).await?;
    Ok(Json(config))
}
