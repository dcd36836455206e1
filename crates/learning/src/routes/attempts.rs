//! Attempts: begun, put aside, taken up, given up, upgraded.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::LearningPlay;
use access::{App, AsMember, Json, Path, Problems};
use axum::extract::State;
use kernel::Problem;

use super::QuestPath;
use crate::model::learner::{AttemptView, Notes, UpgradePreview};
use crate::ops;

/// Begin a quest
///
/// One that is open, or one that was abandoned anew. Beginning what is begun changes nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt", tag = "learning",
    operation_id = "learning_attempt_begin", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn begin(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done = ops::attempt_begin(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Put an attempt aside
///
/// It stays as it is; resume it to go on.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/pause", tag = "learning",
    operation_id = "learning_attempt_pause", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn pause(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done = ops::attempt_pause(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Take up a paused attempt
///
/// Where it was left.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/resume", tag = "learning",
    operation_id = "learning_attempt_resume", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn resume(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done = ops::attempt_resume(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Give an attempt up
///
/// It can be begun anew, with all its steps; what it brought stays, and is not paid again.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/abandon", tag = "learning",
    operation_id = "learning_attempt_abandon", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn abandon(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done = ops::attempt_abandon(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Write notes on an attempt
///
/// The learner's own; nobody else sees them.
#[utoipa::path(put, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/notes", tag = "learning",
    operation_id = "learning_attempt_notes_put", params(InGuildPath, QuestPath, ActingMember), request_body = Notes,
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn notes(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
    Json(body): Json<Notes>,
) -> Result<Json<AttemptView>, Problem> {
    let done = ops::attempt_notes_put(
        app.pool(),
        member.guild_id,
        member.user_id,
        path.quest_id,
        body.notes.as_deref(),
    )
    .await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// See what an upgrade would change
///
/// Of an attempt of an earlier version, to the one that is begun now.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/upgrade", tag = "learning",
    operation_id = "learning_attempt_upgrade_preview", params(InGuildPath, QuestPath, ActingMember),
    responses((status = 200, body = UpgradePreview), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn upgrade_preview(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<UpgradePreview>, Problem> {
    let done = ops::upgrade_preview(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Upgrade an attempt
///
/// To the version that is begun now; what is done stays done.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/quests/{quest_id}/attempt/upgrade", tag = "learning",
    operation_id = "learning_attempt_upgrade", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = AttemptView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn upgrade(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<AttemptView>, Problem> {
    let done = ops::attempt_upgrade(app.pool(), member.guild_id, member.user_id, path.quest_id).await?;
    app.wake().outbox();
    Ok(Json(done))
}
