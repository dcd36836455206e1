//! What to do next.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::LearningPlay;
use access::{App, AsMember, Json, Path, Problems, Query};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::QuestPath;
use crate::model::Recommendation;
use crate::ops::{self, Likeness};

/// How many to recommend.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RecommendationQuery {
    /// How many quests at most: 1 to 50, 10 unless told.
    #[param(minimum = 1, maximum = 50, default = 10)]
    limit: Option<usize>,
}

/// List recommendations
///
/// Quests to do next, the best first, each with its reasons: published, open to the member, not begun, not dismissed.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/recommendations", tag = "insight",
    operation_id = "insight_recommendation_list", params(InGuildPath, RecommendationQuery, ActingMember),
    responses((status = 200, body = Vec<Recommendation>), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn list(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    likeness: Option<Extension<Likeness>>,
    Query(query): Query<RecommendationQuery>,
) -> Result<Json<Vec<Recommendation>>, Problem> {
    let limit = query.limit.unwrap_or(10);
    if !(1..=50).contains(&limit) {
        return Err(Problem::field("limit", "must be 1 to 50"));
    }
    let likeness = likeness.as_ref().map(|Extension(likeness)| likeness);
    let all = ops::recommendations(app.pool(), member.guild_id, member.user_id, limit, likeness).await?;
    Ok(Json(all))
}

/// Dismiss a recommendation
///
/// The quest is recommended to the member no more. Doing it again changes nothing.
#[utoipa::path(put, path = "/guilds/{guild_id}/insight/recommendations/{quest_id}/dismissal", tag = "insight",
    operation_id = "insight_dismissal_put", params(InGuildPath, QuestPath, ActingMember),
    responses((status = 204), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn dismiss(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<StatusCode, Problem> {
    ops::dismiss(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a dismissal back
///
/// The quest may be recommended again. Doing it again changes nothing.
#[utoipa::path(delete, path = "/guilds/{guild_id}/insight/recommendations/{quest_id}/dismissal", tag = "insight",
    operation_id = "insight_dismissal_delete", params(InGuildPath, QuestPath, ActingMember),
    responses((status = 204), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn undismiss(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<StatusCode, Problem> {
    ops::undismiss(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
