//! The HTTP face: `/api/v1/guilds/{guild_id}/xp/import`.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CommunityWrite;
use access::{App, InGuild, Json, Problems};
use axum::extract::State;
use kernel::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Imported, NewImport, ops};

/// The route of imports, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Import XP from another bot
///
/// Such as MEE6, from CSV or JSON. The same file again changes nothing; one with more XP brings the difference. With
/// `dry_run` it only says what would be done. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/xp/import", tag = "progress", operation_id = "xp_import",
    params(InGuildPath, IdempotencyKey), request_body = NewImport,
    responses((status = 200, body = Imported), Problems),
    security(("api_key" = ["community:write"])))]
async fn import(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewImport>,
) -> Result<Json<Imported>, Problem> {
    let done = ops::import(app.pool(), guild.guild_id, new, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(done))
}
