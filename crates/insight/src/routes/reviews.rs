//! Spaced reviews.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::LearningPlay;
use access::{App, AsMember, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;
use learning::ids::StepId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::{ReviewAnswer, ReviewAnswered, ReviewDue, ReviewSettings};
use crate::ops;

/// A step in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct StepPath {
    /// The step.
    step_id: StepId,
}

/// List what is to be looked at again
///
/// What one passed and is due now, the longest due first, as far as today's number leaves room; nothing unless one asked for reviews.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/reviews", tag = "insight", operation_id = "insight_review_list",
    params(InGuildPath, ActingMember),
    responses((status = 200, body = Vec<ReviewDue>), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn list(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
) -> Result<Json<Vec<ReviewDue>>, Problem> {
    Ok(Json(ops::reviews_due(app.pool(), member.guild_id, member.user_id).await?))
}

/// Ask for reviews
///
/// Of the quizzes and programs that one passed, before and from now on; so many a day at most.
#[utoipa::path(put, path = "/guilds/{guild_id}/insight/reviews", tag = "insight", operation_id = "insight_reviews_put",
    params(InGuildPath, ActingMember), request_body = ReviewSettings,
    responses((status = 200, body = ReviewSettings), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn put(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Json(settings): Json<ReviewSettings>,
) -> Result<Json<ReviewSettings>, Problem> {
    Ok(Json(ops::reviews_put(app.pool(), member.guild_id, member.user_id, settings).await?))
}

/// Want no more reviews
///
/// What was answered is kept, should one ask for them again.
#[utoipa::path(delete, path = "/guilds/{guild_id}/insight/reviews", tag = "insight", operation_id = "insight_reviews_delete",
    params(InGuildPath, ActingMember),
    responses((status = 204), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn delete(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
) -> Result<StatusCode, Problem> {
    ops::reviews_delete(app.pool(), member.guild_id, member.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answer a review
///
/// How well one remembered it, which says when it is asked again. Refused before it is due.
#[utoipa::path(post, path = "/guilds/{guild_id}/insight/reviews/{step_id}/answers", tag = "insight",
    operation_id = "insight_review_answer", params(InGuildPath, StepPath, ActingMember, IdempotencyKey), request_body = ReviewAnswer,
    responses((status = 200, body = ReviewAnswered), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn answer(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
    Json(answer): Json<ReviewAnswer>,
) -> Result<Json<ReviewAnswered>, Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    Ok(Json(ops::review_answer(app.pool(), guild, user, path.step_id, answer.rating).await?))
}
