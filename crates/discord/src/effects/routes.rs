//! Effects on Discord: what waits, what was given up, and sending that again.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CommunityWrite;
use access::{App, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::ops::{self, Effect};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry))
}

#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct EffectPath {
    /// The effect.
    discord_effect_id: Uuid,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EffectQuery {
    /// Only those that stand so: `pending`, `done` or `dead`.
    status: Option<String>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List effects on Discord
///
/// What was or is to be done there, the latest first. Those that are `dead` were given up, and say why.
#[utoipa::path(get, path = "/guilds/{guild_id}/discord/effects", tag = "discord", operation_id = "discord_effect_list",
    params(InGuildPath, EffectQuery),
    responses((status = 200, body = Page<Effect>), Problems),
    security(("api_key" = ["community:write"])))]
pub(crate) async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Query(query): Query<EffectQuery>,
) -> Result<Json<Page<Effect>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::effect_list(app.pool(), guild.guild_id, query.status.as_deref(), &page).await?))
}

/// Send an effect again
///
/// One that was given up. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/discord/effects/{discord_effect_id}/retry", tag = "discord",
    operation_id = "discord_effect_retry", params(InGuildPath, EffectPath, IdempotencyKey),
    responses((status = 200, body = Effect), Problems),
    security(("api_key" = ["community:write"])))]
pub(crate) async fn retry(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<EffectPath>,
) -> Result<Json<Effect>, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    Ok(Json(ops::effect_retry(app.pool(), guild.guild_id, path.discord_effect_id, author).await?))
}
