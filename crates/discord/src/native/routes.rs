//! Having Discord's own `AutoMod` judge what it can of a guild's rules.

use access::openapi::InGuildPath;
use access::web::Provided;
use access::{App, InGuild, Json, Problems};
use axum::extract::State;
use kernel::Problem;
use moderation::scopes::{ModerationRead, ModerationRules};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::NativeState;
use crate::bot::Bot;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, put, delete))
}

/// See what Discord itself judges of the rules
///
/// Which rules it can judge and whether it has them as they are now, which it cannot, when Discord was told last, and why that failed, if it did.
#[utoipa::path(get, path = "/guilds/{guild_id}/discord/automod", tag = "discord", operation_id = "discord_automod_get",
    params(InGuildPath), responses((status = 200, body = NativeState), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(crate) async fn get(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    guild: InGuild<ModerationRead>,
) -> Result<Json<NativeState>, Problem> {
    Ok(Json(super::state(app.pool(), guild.guild_id, bot.is_some()).await?))
}

/// Have Discord itself judge what it can of the rules
///
/// What `/automod native on:yes` does: rules of words, patterns and mentions that delete and do nothing else are handed over, and follow their
/// changes from then on. Once it has them, Discord is looked at again at once. It is noted, and done by a node with a bot within seconds: `sync`
/// tells what became of it. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/discord/automod", tag = "discord", operation_id = "discord_automod_start",
    params(InGuildPath), responses((status = 200, body = NativeState), Problems),
    security(("api_key" = ["moderation:rules"])))]
pub(crate) async fn put(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    guild: InGuild<ModerationRules>,
) -> Result<Json<NativeState>, Problem> {
    super::start(app.pool(), guild.guild_id, guild.author()).await?;
    Ok(Json(super::state(app.pool(), guild.guild_id, bot.is_some()).await?))
}

/// Have Discord itself judge none of the rules
///
/// What it was told is taken back, by a node with a bot within seconds; rules that somebody else made there stay. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/discord/automod", tag = "discord", operation_id = "discord_automod_stop",
    params(InGuildPath), responses((status = 200, body = NativeState), Problems),
    security(("api_key" = ["moderation:rules"])))]
pub(crate) async fn delete(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    guild: InGuild<ModerationRules>,
) -> Result<Json<NativeState>, Problem> {
    super::stop(app.pool(), guild.guild_id, guild.author()).await?;
    Ok(Json(super::state(app.pool(), guild.guild_id, bot.is_some()).await?))
}
