//! The HTTP face: `/api/v1/guilds/{guild_id}/skills…`.

use access::openapi::{IdempotencyKey, InGuildPath, MemberPath};
use access::scope::{CommunityRead, CommunityWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{MemberSkill, NewSkill, Skill, SkillEdit, SkillReward, SkillTree, TreeQuery};
use super::ops;
use crate::ids::SkillId;

/// The routes of skills, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(tree))
        .routes(routes!(get, update, retire))
        .routes(routes!(of_member))
        .routes(routes!(rewards))
}

/// A skill in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SkillPath {
    /// The skill.
    skill_id: SkillId,
}

/// Which skills to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SkillQuery {
    /// Whether to list retired ones too.
    #[serde(default)]
    #[param(required = false, default = false)]
    with_retired: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List skills
#[utoipa::path(get, path = "/guilds/{guild_id}/skills", tag = "community", operation_id = "skill_list",
    params(InGuildPath, SkillQuery),
    responses((status = 200, body = Page<Skill>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<SkillQuery>,
) -> Result<Json<Page<Skill>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::skill_list(app.pool(), guild.guild_id, query.with_retired, &page).await?))
}

/// Make a skill
///
/// What it builds on may not lead back to it: a circle is refused, naming it. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/skills", tag = "community", operation_id = "skill_create",
    params(InGuildPath, IdempotencyKey), request_body = NewSkill,
    responses((status = 201, body = Skill), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewSkill>,
) -> Result<(StatusCode, Json<Skill>), Problem> {
    Ok((StatusCode::CREATED, Json(ops::skill_create(app.pool(), guild.guild_id, new, guild.author()).await?)))
}

/// See the skill tree
///
/// What others build on comes first; with a member's points, if one is named.
#[utoipa::path(get, path = "/guilds/{guild_id}/skill-tree", tag = "community", operation_id = "skill_tree",
    params(InGuildPath, TreeQuery),
    responses((status = 200, body = SkillTree), Problems),
    security(("api_key" = ["community:read"])))]
async fn tree(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<TreeQuery>,
) -> Result<Json<SkillTree>, Problem> {
    Ok(Json(ops::skill_tree(app.pool(), guild.guild_id, query.member_id).await?))
}

/// See a skill
#[utoipa::path(get, path = "/guilds/{guild_id}/skills/{skill_id}", tag = "community", operation_id = "skill_get",
    params(InGuildPath, SkillPath),
    responses((status = 200, body = Skill), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<SkillPath>,
) -> Result<Json<Skill>, Problem> {
    Ok(Json(ops::skill_get(app.pool(), guild.guild_id, path.skill_id).await?))
}

/// Change a skill
///
/// What is left out stays as it is; what it builds on is replaced as a whole. Members' levels follow its figures. Written
/// to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/skills/{skill_id}", tag = "community",
    operation_id = "skill_update", params(InGuildPath, SkillPath), request_body = SkillEdit,
    responses((status = 200, body = Skill), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<SkillPath>,
    Json(edit): Json<SkillEdit>,
) -> Result<Json<Skill>, Problem> {
    Ok(Json(ops::skill_update(app.pool(), guild.guild_id, path.skill_id, edit, guild.author()).await?))
}

/// Retire a skill
///
/// What members have of it stays. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/skills/{skill_id}", tag = "community",
    operation_id = "skill_retire", params(InGuildPath, SkillPath),
    responses((status = 200, body = Skill), Problems),
    security(("api_key" = ["community:write"])))]
async fn retire(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<SkillPath>,
) -> Result<Json<Skill>, Problem> {
    Ok(Json(ops::skill_retire(app.pool(), guild.guild_id, path.skill_id, guild.author()).await?))
}

/// See a member's skills
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/skills", tag = "community",
    operation_id = "member_skill_list", params(InGuildPath, MemberPath, PageQuery),
    responses((status = 200, body = Page<MemberSkill>), Problems),
    security(("api_key" = ["community:read"])))]
async fn of_member(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberSkill>>, Problem> {
    Ok(Json(ops::member_skill_list(app.pool(), guild.guild_id, path.user_id, &page).await?))
}

/// See what completions brought a member
///
/// The ledger of reward cascades, the latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/skill-rewards", tag = "community",
    operation_id = "member_skill_reward_list", params(InGuildPath, MemberPath, PageQuery),
    responses((status = 200, body = Page<SkillReward>), Problems),
    security(("api_key" = ["community:read"])))]
async fn rewards(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SkillReward>>, Problem> {
    Ok(Json(ops::reward_list(app.pool(), guild.guild_id, path.user_id, &page).await?))
}
