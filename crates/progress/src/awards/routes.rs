//! The HTTP face: `/api/v1/guilds/{guild_id}/awards…`.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CommunityWrite;
use access::web::Repeatable;
use access::{App, InGuild, Json, Problems};
use axum::extract::State;
use kernel::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Awarded, NewAward, ops};

/// The routes of awards, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(award)).routes(routes!(revoke))
}

/// Award XP, gold and stars
///
/// To all members named, or to none. Levels and achievements follow. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/awards", tag = "progress", operation_id = "award_give",
    params(InGuildPath, IdempotencyKey), request_body = NewAward,
    responses((status = 200, body = Awarded), Problems),
    security(("api_key" = ["community:write"])))]
async fn award(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewAward>,
) -> Result<Json<Awarded>, Problem> {
    let (author, repeatable) = (guild.author(), Repeatable::current());
    let awarded = ops::award(app.pool(), guild.guild_id, new, author, &repeatable).await?;
    app.wake().outbox();
    Ok(Json(awarded))
}

/// Take XP, gold and stars back
///
/// From all members named, or from none; refused where one of them has less. Gold that a level paid stays. Written to the
/// audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/awards/revocations", tag = "progress",
    operation_id = "award_revoke", params(InGuildPath, IdempotencyKey), request_body = NewAward,
    responses((status = 200, body = Awarded), Problems),
    security(("api_key" = ["community:write"])))]
async fn revoke(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewAward>,
) -> Result<Json<Awarded>, Problem> {
    let (author, repeatable) = (guild.author(), Repeatable::current());
    let awarded = ops::revoke(app.pool(), guild.guild_id, new, author, &repeatable).await?;
    app.wake().outbox();
    Ok(Json(awarded))
}
