//! What is handed in for review.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{LearningGrade, LearningPlay};
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{StepPath, author};
use crate::ids::SubmissionId;
use crate::model::submission::{HandedIn, Judgement, Submission, Work};
use crate::ops;

/// A submission in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SubmissionPath {
    /// What was handed in.
    submission_id: SubmissionId,
}

/// Which submissions to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SubmissionQuery {
    /// Whether to list those that are judged too.
    #[serde(default)]
    #[param(required = false, default = false)]
    all: bool,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// Hand something in
///
/// For a step that a reviewer judges. While it waits, nothing else can be handed in for it.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/submissions", tag = "learning",
    operation_id = "learning_submission_create", params(InGuildPath, StepPath, ActingMember, IdempotencyKey), request_body = Work,
    responses((status = 201, body = HandedIn), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn create(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
    Json(work): Json<Work>,
) -> Result<(StatusCode, Json<HandedIn>), Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    let done = ops::submission_create(app.pool(), guild, user, path.quest_id, path.step_id, &work).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(done)))
}

/// List what was handed in
///
/// The oldest first: what waits, and with `all` what is judged too.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/submissions", tag = "learning",
    operation_id = "learning_submission_list", params(InGuildPath, SubmissionQuery),
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

/// Judge what was handed in
///
/// By points for each criterion of the rubric, or where there is none by passing it or not. It completes the step if it passes. Once judged
/// it stays judged. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/submissions/{submission_id}/judgement", tag = "learning",
    operation_id = "learning_submission_judge", params(InGuildPath, SubmissionPath, IdempotencyKey), request_body = Judgement,
    responses((status = 200, body = Submission), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn judge(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<SubmissionPath>,
    Json(judgement): Json<Judgement>,
) -> Result<Json<Submission>, Problem> {
    let done =
        ops::submission_judge(app.pool(), guild.guild_id, path.submission_id, &judgement, author(&guild))
            .await?;
    app.wake().outbox();
    Ok(Json(done))
}
