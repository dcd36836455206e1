//! Assessments as learners meet them: tries, programs, what they hand in.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{LearningPlay, LearningRead};
use access::web::Provided;
use access::{App, AsMember, InGuild, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;
use learning::ids::Subject;
use learning::model::coding::CodeAnswer;
use learning::model::learner::{ProgramResult, QuizAnswers, QuizResult, QuizTry};
use sandbox::Sandbox;

use super::{AssessmentPath, QuestPath, StepPath};
use crate::model::submission::HandedIn;
use crate::model::view::{AssessmentView, Waiting};
use crate::model::work::Work;
use crate::ops;

/// List a quest's assessments
///
/// With how you stand with each, what you handed in, and what you may be told of it. Rubrics are shown when their author lets you see
/// them; feedback once you owe no reviews.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments", tag = "assessment",
    operation_id = "assessment_list", params(InGuildPath, QuestPath, ActingMember),
    responses((status = 200, body = Vec<AssessmentView>), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    member: AsMember<LearningRead>,
    Path(path): Path<QuestPath>,
) -> Result<Json<Vec<AssessmentView>>, Problem> {
    Ok(Json(ops::assessment_list(app.pool(), member.guild_id, member.user_id, path.quest_id).await?))
}

/// Begin a try at a quiz
///
/// Of an assessment of the quest that you have begun; or go on with the try that is open. Its time, where it has a limit, runs by the
/// server's clock.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/tries", tag = "assessment",
    operation_id = "assessment_try_begin", params(InGuildPath, AssessmentPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = QuizTry), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn begin(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<AssessmentPath>,
) -> Result<Json<QuizTry>, Problem> {
    let subject = Subject::Assessment(path.assessment_id);
    let done =
        learning::ops::try_begin(app.pool(), member.guild_id, member.user_id, path.quest_id, subject).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Hand in a try at a quiz
///
/// It is graded at once, and passes the assessment if it passes. What is wrong with the answers uses no try.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/answers", tag = "assessment",
    operation_id = "assessment_try_answer", params(InGuildPath, AssessmentPath, ActingMember, IdempotencyKey), request_body = QuizAnswers,
    responses((status = 200, body = QuizResult), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn answer(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<AssessmentPath>,
    Json(body): Json<QuizAnswers>,
) -> Result<Json<QuizResult>, Problem> {
    let subject = Subject::Assessment(path.assessment_id);
    let (guild, user) = (member.guild_id, member.user_id);
    let done =
        learning::ops::try_answer(app.pool(), guild, user, path.quest_id, subject, &body.answers).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Hand in a program
///
/// It runs against the tests in the jail, and passes the assessment if it passes all. Of hidden tests only their number is told. A
/// failure of ours uses no try and is answered 503.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/programs", tag = "assessment",
    operation_id = "assessment_program_run", params(InGuildPath, AssessmentPath, ActingMember, IdempotencyKey),
    request_body = CodeAnswer,
    responses((status = 200, body = ProgramResult), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn program(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<AssessmentPath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    Json(body): Json<CodeAnswer>,
) -> Result<Json<ProgramResult>, Problem> {
    // Only now: what is wrong with the body is said also where no scripts run.
    let Provided(sandbox) = sandbox?;
    let (guild, user) = (member.guild_id, member.user_id);
    let subject = Subject::Assessment(path.assessment_id);
    let done =
        learning::ops::program_run(app.pool(), &sandbox, guild, user, path.quest_id, subject, &body.code)
            .await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Hand in what people judge
///
/// While it waits, nothing else can be handed in for the same. Late is what arrives after your own deadline; what that costs and until
/// when it is taken, the assessment says.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/submissions",
    tag = "assessment", operation_id = "assessment_submission_create",
    params(InGuildPath, AssessmentPath, ActingMember, IdempotencyKey), request_body = Work,
    responses((status = 201, body = HandedIn), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn hand_in(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<AssessmentPath>,
    Json(work): Json<Work>,
) -> Result<(StatusCode, Json<HandedIn>), Problem> {
    let subject = Subject::Assessment(path.assessment_id);
    let (guild, user) = (member.guild_id, member.user_id);
    let done = ops::submission_create(app.pool(), guild, user, path.quest_id, subject, &work).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(done)))
}

/// Hand something in for a step
///
/// For a Submission step. While it waits, nothing else can be handed in for it.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/steps/{step_id}/submissions", tag = "assessment",
    operation_id = "assessment_step_submission_create", params(InGuildPath, StepPath, ActingMember, IdempotencyKey),
    request_body = Work,
    responses((status = 201, body = HandedIn), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn hand_in_step(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
    Json(work): Json<Work>,
) -> Result<(StatusCode, Json<HandedIn>), Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    let step = Subject::Step(path.step_id);
    let done = ops::submission_create(app.pool(), guild, user, path.quest_id, step, &work).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(done)))
}

/// See how long hand-ins wait
///
/// Nine of ten are graded within so many hours, by the last 90 days; those that still wait count with what they have waited.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/waiting", tag = "assessment",
    operation_id = "assessment_waiting", params(InGuildPath),
    responses((status = 200, body = Waiting), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn waiting(
    State(app): State<App>,
    guild: InGuild<LearningRead>,
) -> Result<Json<Waiting>, Problem> {
    Ok(Json(ops::waiting(app.pool(), guild.guild_id).await?))
}
