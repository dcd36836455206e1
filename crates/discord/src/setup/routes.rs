//! Setting a guild up from what Discord has of it.

use access::openapi::InGuildPath;
use access::scope::{RolesRead, RolesWrite};
use access::web::Provided;
use access::{App, InGuild, Json, Problems};
use axum::extract::State;
use kernel::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{SetupState, Start};
use crate::bot::Bot;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, put, delete))
}

/// See how the guild is set up from Discord
///
/// Categories and roles that were taken over from Discord and follow it, what the bot lacks there, when Discord was asked last, and why that
/// failed, if it did.
#[utoipa::path(get, path = "/guilds/{guild_id}/discord/setup", tag = "discord", operation_id = "discord_setup_get",
    params(InGuildPath), responses((status = 200, body = SetupState), Problems),
    security(("api_key" = ["roles:read"])))]
pub(crate) async fn get(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    guild: InGuild<RolesRead>,
) -> Result<Json<SetupState>, Problem> {
    Ok(Json(super::state(app.pool(), guild.guild_id, bot.is_some()).await?))
}

/// Set the guild up from Discord
///
/// What `/setup` does: takes over categories and roles, has everything announced in one channel for which none was chosen, and has all of it follow
/// Discord from then on. Once it is set up, Discord is asked again at once. It is noted, and done by a node with a bot within seconds: `sync` tells
/// what became of it. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/discord/setup", tag = "discord", operation_id = "discord_setup_start",
    params(InGuildPath), request_body = Start, responses((status = 200, body = SetupState), Problems),
    security(("api_key" = ["roles:write"])))]
pub(crate) async fn put(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    guild: InGuild<RolesWrite>,
    Json(how): Json<Start>,
) -> Result<Json<SetupState>, Problem> {
    super::start(app.pool(), guild.guild_id, how, guild.author()).await?;
    Ok(Json(super::state(app.pool(), guild.guild_id, bot.is_some()).await?))
}

/// Have nothing follow Discord any more
///
/// What was taken over stays as it is. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/discord/setup", tag = "discord", operation_id = "discord_setup_stop",
    params(InGuildPath), responses((status = 200, body = SetupState), Problems),
    security(("api_key" = ["roles:write"])))]
pub(crate) async fn delete(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    guild: InGuild<RolesWrite>,
) -> Result<Json<SetupState>, Problem> {
    super::stop(app.pool(), guild.guild_id, guild.author()).await?;
    Ok(Json(super::state(app.pool(), guild.guild_id, bot.is_some()).await?))
}
