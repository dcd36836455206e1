//! Reviews among learners.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{LearningGrade, LearningPlay};
use access::web::Provided;
use access::{App, AsMember, InGuild, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;

use super::{AssessmentPath, ReviewPath, author};
use crate::ReviewDesk;
use crate::model::peer::{Assigned, NewReview, Reviewed};
use crate::ops;

/// Ask for something to review
///
/// The review that you are at, or the one that is missing most. Where there is none, you are let off what you owe. You are not told whose
/// work it is.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/reviews", tag = "assessment",
    operation_id = "assessment_review_request", params(InGuildPath, AssessmentPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = Assigned), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn request(
    Provided(desk): Provided<ReviewDesk>,
    member: AsMember<LearningPlay>,
    Path(path): Path<AssessmentPath>,
) -> Result<Json<Assigned>, Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    Ok(Json(desk.request(guild, user, path.quest_id, path.assessment_id).await?))
}

/// Hand in a review
///
/// Points for each criterion and a word to the author, who is not told who you are.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/reviews/{review_id}", tag = "assessment",
    operation_id = "assessment_review_submit", params(InGuildPath, ReviewPath, ActingMember, IdempotencyKey), request_body = NewReview,
    responses((status = 200, body = Reviewed), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn submit(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<ReviewPath>,
    Json(review): Json<NewReview>,
) -> Result<Json<Reviewed>, Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    let done = ops::review_submit(app.pool(), guild, user, path.review_id, &review).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Decline a review
///
/// It goes to somebody else, and you are not given it again. What you owe you still owe.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/reviews/{review_id}/decline", tag = "assessment",
    operation_id = "assessment_review_decline", params(InGuildPath, ReviewPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = Reviewed), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn decline(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<ReviewPath>,
) -> Result<Json<Reviewed>, Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    let done = ops::review_decline(app.pool(), guild, user, path.review_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Strike a review out
///
/// It counts no more, and its author is not shown it; where the submission is not graded yet, its place is open again. Written to the audit
/// log.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/reviews/{review_id}/hide", tag = "assessment",
    operation_id = "assessment_review_hide", params(InGuildPath, ReviewPath, IdempotencyKey),
    responses((status = 204), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn hide(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<ReviewPath>,
) -> Result<StatusCode, Problem> {
    ops::review_hide(app.pool(), guild.guild_id, path.review_id, author(&guild)).await?;
    Ok(StatusCode::NO_CONTENT)
}
