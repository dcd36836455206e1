//! What learners think of a quest.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::LearningPlay;
use access::{App, AsMember, Json, Path, Problems};
use axum::extract::State;
use kernel::Problem;

use super::QuestPath;
use crate::model::Opinion;
use crate::ops;

/// See what one said of a quest
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/quests/{quest_id}/opinion", tag = "insight",
    operation_id = "insight_opinion_get", params(InGuildPath, QuestPath, ActingMember),
    responses((status = 200, body = Opinion), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn get(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<Opinion>, Problem> {
    Ok(Json(ops::opinion_get(app.pool(), member.guild_id, member.user_id, path.quest_id).await?))
}

/// Say what one thinks of a quest
///
/// Of one that was begun, in place of what was said before. Its authors and instructors see means, and no names.
#[utoipa::path(put, path = "/guilds/{guild_id}/insight/quests/{quest_id}/opinion", tag = "insight",
    operation_id = "insight_opinion_put", params(InGuildPath, QuestPath, ActingMember), request_body = Opinion,
    responses((status = 200, body = Opinion), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn put(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
    Json(opinion): Json<Opinion>,
) -> Result<Json<Opinion>, Problem> {
    let said = ops::opinion_put(app.pool(), member.guild_id, member.user_id, path.quest_id, &opinion);
    Ok(Json(said.await?))
}
