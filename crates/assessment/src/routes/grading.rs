//! For those who grade: what was handed in, claims, judgements.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::LearningGrade;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{SubmissionPath, author};
use crate::model::submission::{Judgement, Next, Override, Submission, SubmissionDetails};
use crate::ops;

/// Which submissions to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SubmissionQuery {
    /// Whether to list also those that are judged, or that peers are at.
    #[serde(default)]
    #[param(required = false, default = false)]
    all: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List what was handed in
///
/// The oldest first: what waits for those who grade, and with `all` the rest, too.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/submissions", tag = "assessment",
    operation_id = "assessment_submission_list", params(InGuildPath, SubmissionQuery),
    responses((status = 200, body = Page<Submission>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Query(query): Query<SubmissionQuery>,
) -> Result<Json<Page<Submission>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::submission_list(app.pool(), guild.guild_id, query.all, &page).await?))
}

/// See a submission
///
/// With its grades and why they changed, and what peers wrote.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/submissions/{submission_id}", tag = "assessment",
    operation_id = "assessment_submission_get", params(InGuildPath, SubmissionPath),
    responses((status = 200, body = SubmissionDetails), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<SubmissionPath>,
) -> Result<Json<SubmissionDetails>, Problem> {
    Ok(Json(ops::submission_details(app.pool(), guild.guild_id, path.submission_id).await?))
}

/// Take the next one
///
/// Claims what waits longest and nobody has, for 30 minutes; what you have claimed already comes first.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/claims", tag = "assessment",
    operation_id = "assessment_claim_next", params(InGuildPath, IdempotencyKey),
    responses((status = 200, body = Next), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn next(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
) -> Result<Json<Next>, Problem> {
    Ok(Json(ops::submission_next(app.pool(), guild.guild_id, author(&guild)).await?))
}

/// Claim a submission
///
/// For 30 minutes; again, to renew it. Then others are told that somebody is at it.
#[utoipa::path(put, path = "/guilds/{guild_id}/assessment/submissions/{submission_id}/claim", tag = "assessment",
    operation_id = "assessment_claim", params(InGuildPath, SubmissionPath),
    responses((status = 200, body = Submission), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn claim(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<SubmissionPath>,
) -> Result<Json<Submission>, Problem> {
    let done = ops::submission_claim(app.pool(), guild.guild_id, path.submission_id, author(&guild)).await?;
    Ok(Json(done))
}

/// Give up a claim
///
/// Your own; another's stays.
#[utoipa::path(delete, path = "/guilds/{guild_id}/assessment/submissions/{submission_id}/claim", tag = "assessment",
    operation_id = "assessment_claim_release", params(InGuildPath, SubmissionPath),
    responses((status = 204), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn release(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<SubmissionPath>,
) -> Result<StatusCode, Problem> {
    ops::claim_release(app.pool(), guild.guild_id, path.submission_id, author(&guild)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Judge a submission
///
/// By points for each criterion of the rubric, or where there is none by passing it or not. A penalty for being late is taken off. Once
/// judged it is changed by an override alone. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/submissions/{submission_id}/judgement", tag = "assessment",
    operation_id = "assessment_submission_judge", params(InGuildPath, SubmissionPath, IdempotencyKey), request_body = Judgement,
    responses((status = 200, body = Submission), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn judge(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    Json(judgement): Json<Judgement>,
) -> Result<Json<Submission>, Problem> {
    let (id, author) = (path.submission_id, author(&guild));
    let done = ops::submission_judge(app.pool(), guild.guild_id, id, &judgement, author).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Override a grade
///
/// Of a submission that is graded, with a reason. What was passed stays passed; what passes now brings what it lacked. Written to the
/// submission's history and to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/submissions/{submission_id}/override", tag = "assessment",
    operation_id = "assessment_submission_override", params(InGuildPath, SubmissionPath, IdempotencyKey), request_body = Override,
    responses((status = 200, body = Submission), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn overrule(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    Json(change): Json<Override>,
) -> Result<Json<Submission>, Problem> {
    let (id, author) = (path.submission_id, author(&guild));
    let done = ops::submission_override(app.pool(), guild.guild_id, id, &change, author).await?;
    app.wake().outbox();
    Ok(Json(done))
}
