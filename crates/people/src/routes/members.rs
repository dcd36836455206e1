//! Members of a guild.

use access::openapi::{InGuildPath, MemberPath};
use access::scope::{CommunityRead, CommunityWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};

use crate::model::{Member, MemberEdit};
use crate::ops;

/// List the members of a guild
///
/// By id, those who left included.
#[utoipa::path(get, path = "/guilds/{guild_id}/members", tag = "people", operation_id = "member_list",
    params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<Member>), Problems),
    security(("api_key" = ["community:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Member>>, Problem> {
    Ok(Json(ops::member_list(app.pool(), guild.guild_id, &page).await?))
}

/// Add or change a member
///
/// Makes the person known and a member of the guild, also if they had left, and writes what is said about them; what is
/// left out stays as it is. Repeating it changes nothing.
#[utoipa::path(put, path = "/guilds/{guild_id}/members/{user_id}", tag = "people", operation_id = "member_put",
    params(InGuildPath, MemberPath), request_body = MemberEdit,
    responses((status = 200, body = Member), Problems),
    security(("api_key" = ["community:write"])))]
pub(super) async fn put(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<MemberPath>,
    Json(edit): Json<MemberEdit>,
) -> Result<Json<Member>, Problem> {
    let done =
        ops::member_put(app.pool(), guild.guild_id, path.user_id, &edit, guild.by(), &guild.origin).await?;
    Ok(Json(done))
}
