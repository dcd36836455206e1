//! The HTTP face: `/api/v1/guilds/{guild_id}/achievements…`.

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

use super::model::{
    Achievement, AchievementEdit, Earner, GrantAchievement, NewAchievement, Progress, RevokeAchievement,
};
use super::ops;
use crate::ids::AchievementId;

/// The routes of achievements, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, retire))
        .routes(routes!(earners))
        .routes(routes!(grant))
        .routes(routes!(revoke))
        .routes(routes!(progress))
}

/// An achievement in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AchievementPath {
    /// The achievement.
    achievement_id: AchievementId,
}

/// Which achievements to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AchievementQuery {
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

/// List achievements
#[utoipa::path(get, path = "/guilds/{guild_id}/achievements", tag = "progress",
    operation_id = "achievement_list", params(InGuildPath, AchievementQuery),
    responses((status = 200, body = Page<Achievement>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<AchievementQuery>,
) -> Result<Json<Page<Achievement>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::achievement_list(app.pool(), guild.guild_id, query.with_retired, &page).await?))
}

/// Make an achievement
///
/// Whoever has reached it already gets it soon after. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/achievements", tag = "progress",
    operation_id = "achievement_create", params(InGuildPath, IdempotencyKey), request_body = NewAchievement,
    responses((status = 201, body = Achievement), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewAchievement>,
) -> Result<(StatusCode, Json<Achievement>), Problem> {
    let made = ops::achievement_create(app.pool(), guild.guild_id, new, guild.author()).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See an achievement
#[utoipa::path(get, path = "/guilds/{guild_id}/achievements/{achievement_id}", tag = "progress",
    operation_id = "achievement_get", params(InGuildPath, AchievementPath),
    responses((status = 200, body = Achievement), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<AchievementPath>,
) -> Result<Json<Achievement>, Problem> {
    Ok(Json(ops::achievement_get(app.pool(), guild.guild_id, path.achievement_id).await?))
}

/// Change an achievement
///
/// Who has it keeps it; whoever has reached it by the new threshold gets it soon after. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/achievements/{achievement_id}", tag = "progress",
    operation_id = "achievement_update", params(InGuildPath, AchievementPath), request_body = AchievementEdit,
    responses((status = 200, body = Achievement), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    Json(edit): Json<AchievementEdit>,
) -> Result<Json<Achievement>, Problem> {
    Ok(Json(
        ops::achievement_update(app.pool(), guild.guild_id, path.achievement_id, edit, guild.author())
            .await?,
    ))
}

/// Retire an achievement
///
/// Nobody earns it any more; who has it keeps it. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/achievements/{achievement_id}", tag = "progress",
    operation_id = "achievement_retire", params(InGuildPath, AchievementPath),
    responses((status = 200, body = Achievement), Problems),
    security(("api_key" = ["community:write"])))]
async fn retire(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<AchievementPath>,
) -> Result<Json<Achievement>, Problem> {
    Ok(Json(ops::achievement_retire(app.pool(), guild.guild_id, path.achievement_id, guild.author()).await?))
}

/// List who has an achievement
///
/// The latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/achievements/{achievement_id}/earners", tag = "progress",
    operation_id = "achievement_earner_list", params(InGuildPath, AchievementPath, PageQuery),
    responses((status = 200, body = Page<Earner>), Problems),
    security(("api_key" = ["community:read"])))]
async fn earners(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<AchievementPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Earner>>, Problem> {
    Ok(Json(ops::earner_list(app.pool(), guild.guild_id, path.achievement_id, &page).await?))
}

/// Grant an achievement by hand
///
/// With its XP and gold; also one that was revoked. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/achievements/{achievement_id}/grants", tag = "progress",
    operation_id = "achievement_grant", params(InGuildPath, AchievementPath, IdempotencyKey),
    request_body = GrantAchievement,
    responses((status = 200, body = Progress), Problems),
    security(("api_key" = ["community:write"])))]
async fn grant(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    Json(grant): Json<GrantAchievement>,
) -> Result<Json<Progress>, Problem> {
    let held = ops::achievement_grant(app.pool(), guild.guild_id, path.achievement_id, grant, guild.author())
        .await?;
    app.wake().outbox();
    Ok(Json(held))
}

/// Revoke an achievement
///
/// It is not earned again by itself. What was paid for it is taken back only when asked for. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/achievements/{achievement_id}/revocations", tag = "progress",
    operation_id = "achievement_revoke", params(InGuildPath, AchievementPath, IdempotencyKey),
    request_body = RevokeAchievement,
    responses((status = 200, body = Progress), Problems),
    security(("api_key" = ["community:write"])))]
async fn revoke(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    Json(revoke): Json<RevokeAchievement>,
) -> Result<Json<Progress>, Problem> {
    let held =
        ops::achievement_revoke(app.pool(), guild.guild_id, path.achievement_id, revoke, guild.author())
            .await?;
    app.wake().outbox();
    Ok(Json(held))
}

/// See a member's achievements
///
/// Those they have, and how far they are with the others.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/achievements", tag = "progress",
    operation_id = "member_achievement_list", params(InGuildPath, MemberPath, PageQuery),
    responses((status = 200, body = Page<Progress>), Problems),
    security(("api_key" = ["community:read"])))]
async fn progress(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<MemberPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Progress>>, Problem> {
    Ok(Json(ops::progress_list(app.pool(), guild.guild_id, path.user_id, &page).await?))
}
