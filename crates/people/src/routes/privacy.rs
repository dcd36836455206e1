//! A copy of what is known of a member, and forgetting them.

use access::openapi::{IdempotencyKey, InGuildPath, MemberPath};
use access::personal::Keepers;
use access::scope::CommunityWrite;
use access::{App, InGuild, Json, Path, Problems};
use axum::Extension;
use axum::extract::State;
use kernel::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::privacy::{self, Erased, MemberExport};

/// Copy all that is known of a member
///
/// For a member who asks for it. It is in the audit log.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/export", tag = "people",
    operation_id = "member_export", params(InGuildPath, MemberPath),
    responses((status = 200, body = MemberExport), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn export(
    State(app): State<App>,
    Extension(keepers): Extension<Keepers>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<MemberPath>,
) -> Result<Json<MemberExport>, Problem> {
    let export =
        privacy::member_export(app.pool(), &keepers, guild.guild_id, path.user_id, guild.by(), &guild.origin)
            .await?;
    Ok(Json(export))
}

/// Why somebody is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasure {
    /// For the audit log, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Forget a member
///
/// For a member who asks for it; there is no way back. Name, events, counters and preferences go; the journal and reactions to others'
/// messages stay under the bare number of the account, as others' figures rest upon them. Repeating it changes nothing more.
#[utoipa::path(post, path = "/guilds/{guild_id}/members/{user_id}/erasure", tag = "people",
    operation_id = "member_erase", params(InGuildPath, MemberPath, IdempotencyKey), request_body = Erasure,
    responses((status = 200, body = Erased), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn erase(
    State(app): State<App>,
    Extension(keepers): Extension<Keepers>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<MemberPath>,
    Json(erasure): Json<Erasure>,
) -> Result<Json<Erased>, Problem> {
    let (pool, guild_id) = (app.pool(), guild.guild_id);
    let erased = privacy::member_erase(
        pool,
        &keepers,
        guild_id,
        path.user_id,
        &erasure.reason,
        guild.by(),
        &guild.origin,
    )
    .await?;
    Ok(Json(erased))
}
