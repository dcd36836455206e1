//! Steps: opened, confirmed, skipped, tried.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::LearningPlay;
use access::web::Provided;
use access::{App, AsMember, Json, Path, Problems};
use axum::extract::State;
use kernel::Problem;
use sandbox::Sandbox;

use super::StepPath;
use crate::StepDesk;
use crate::ids::Subject;
use crate::model::coding::CodeAnswer;
use crate::model::learner::{AttemptView, Confirmation, ProgramResult, QuizAnswers, QuizResult, QuizTry};
use crate::ops;

/// Open a step
///
/// Doing it again changes nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/opening", tag = "learning",
    operation_id = "learning_step_open", params(InGuildPath, StepPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn open(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done =
        ops::step_open(app.pool(), member.guild_id, member.user_id, path.quest_id, path.step_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Confirm a step
///
/// One that is completed by confirming: reading, video, interactive, discussion, reflection; with a note where it asks for one. Doing it again changes nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/completion", tag = "learning",
    operation_id = "learning_step_complete", params(InGuildPath, StepPath, ActingMember, IdempotencyKey), request_body = Confirmation,
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn complete(
    Provided(desk): Provided<StepDesk>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
    Json(body): Json<Confirmation>,
) -> Result<Json<AttemptView>, Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    Ok(Json(desk.complete(guild, user, path.quest_id, path.step_id, body).await?))
}

/// Leave out an optional step
///
/// Doing it again changes nothing; it can still be completed.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/skip", tag = "learning",
    operation_id = "learning_step_skip", params(InGuildPath, StepPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn skip(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done =
        ops::step_skip(app.pool(), member.guild_id, member.user_id, path.quest_id, path.step_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Begin a try at a quiz
///
/// Or go on with the one that is open. Questions and choices come under ids of this try, without their key. Where the quiz has a time limit, it begins to run.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/tries", tag = "learning",
    operation_id = "learning_try_begin", params(InGuildPath, StepPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = QuizTry), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn begin_try(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
) -> Result<Json<QuizTry>, Problem> {
    let done = ops::try_begin(
        app.pool(),
        member.guild_id,
        member.user_id,
        path.quest_id,
        Subject::Step(path.step_id),
    )
    .await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Hand in a try at a quiz
///
/// It is graded at once, and completes the step if it passes. Ids that are unknown, repeated or of another try are refused, and so are answers to nothing at all; then no try is used. What each question brought is told once the quiz is passed or no tries are left.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/answers", tag = "learning",
    operation_id = "learning_try_answer", params(InGuildPath, StepPath, ActingMember, IdempotencyKey), request_body = QuizAnswers,
    responses((status = 200, body = QuizResult), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn answer(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
    Json(body): Json<QuizAnswers>,
) -> Result<Json<QuizResult>, Problem> {
    let done = ops::try_answer(
        app.pool(),
        member.guild_id,
        member.user_id,
        path.quest_id,
        Subject::Step(path.step_id),
        &body.answers,
    )
    .await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Hand in a program
///
/// It runs against the step's tests in the jail, and completes the step if it passes all. Of hidden tests only their number is told.
/// A failure of ours uses no try and is answered 503.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/steps/{step_id}/programs", tag = "learning",
    operation_id = "learning_program_run", params(InGuildPath, StepPath, ActingMember, IdempotencyKey),
    request_body = CodeAnswer,
    responses((status = 200, body = ProgramResult), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn program(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<StepPath>,
    sandbox: Result<Provided<Sandbox>, Problem>,
    Json(body): Json<CodeAnswer>,
) -> Result<Json<ProgramResult>, Problem> {
    // Only now: what is wrong with the body is said also where no scripts run.
    let Provided(sandbox) = sandbox?;
    let (guild, user) = (member.guild_id, member.user_id);
    let step = Subject::Step(path.step_id);
    let done = ops::program_run(app.pool(), &sandbox, guild, user, path.quest_id, step, &body.code).await?;
    app.wake().outbox();
    Ok(Json(done))
}
