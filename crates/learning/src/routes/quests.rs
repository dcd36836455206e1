//! Quests: what learners see of them, and what authors do with them.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{LearningRead, LearningWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kernel::{Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{QuestPath, author, looker};
use crate::model::learner::QuestView;
use crate::model::quest::QuestDocument;
use crate::ops::{self, QuestSource};
use crate::store::{QuestSummary, Version};

/// A quest to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewQuest {
    /// Its short name, unique in the guild.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,99}$", example = "loops")]
    slug: String,
    /// The quest.
    quest: QuestDocument,
}

/// A quest's draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestDraft {
    /// The revision that was looked at; absent to overwrite whatever is there.
    #[serde(default)]
    revision: Option<i32>,
    /// The quest.
    quest: QuestDocument,
}

/// See a quest
///
/// As the member sees it who is named, if one is: how it stands, what is missing where it is locked, and their attempt.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/quests/{quest_id}", tag = "learning", operation_id = "learning_quest_get",
    params(InGuildPath, QuestPath, ActingMember),
    responses((status = 200, body = QuestView), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<LearningRead>,
    Path(path): Path<QuestPath>,
    headers: HeaderMap,
) -> Result<Json<QuestView>, Problem> {
    Ok(Json(ops::quest_view(app.pool(), guild.guild_id, looker(&guild, &headers)?, path.quest_id).await?))
}

/// List quests for authors
///
/// Drafts and retired ones too, in the order of their making.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/quests", tag = "learning",
    operation_id = "learning_quest_source_list", params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<QuestSummary>), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn sources(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<QuestSummary>>, Problem> {
    Ok(Json(ops::quest_list(app.pool(), guild.guild_id, &page).await?))
}

/// Make a quest
///
/// As a draft: learners see it once it is published. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/sources/quests", tag = "learning",
    operation_id = "learning_quest_create", params(InGuildPath, IdempotencyKey), request_body = NewQuest,
    responses((status = 201, body = QuestSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Json(new): Json<NewQuest>,
) -> Result<(StatusCode, Json<QuestSource>), Problem> {
    let made = ops::quest_create(app.pool(), guild.guild_id, &new.slug, &new.quest, author(&guild)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a quest as its authors do
///
/// The draft, else what is published, with its keys.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/quests/{quest_id}", tag = "learning",
    operation_id = "learning_quest_source_get", params(InGuildPath, QuestPath),
    responses((status = 200, body = QuestSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn source(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<QuestSource>, Problem> {
    Ok(Json(ops::quest_source(app.pool(), guild.guild_id, path.quest_id).await?))
}

/// Write a quest's draft
///
/// Over its draft, or beside what is published, which stays as it is until the draft is published. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/learning/sources/quests/{quest_id}", tag = "learning",
    operation_id = "learning_quest_put", params(InGuildPath, QuestPath), request_body = QuestDraft,
    responses((status = 200, body = QuestSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn put(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<QuestPath>,
    Json(draft): Json<QuestDraft>,
) -> Result<Json<QuestSource>, Problem> {
    let put = ops::quest_put(
        app.pool(),
        guild.guild_id,
        path.quest_id,
        draft.revision,
        &draft.quest,
        author(&guild),
    );
    Ok(Json(put.await?))
}

/// Retire a quest
///
/// Who is in it may finish; nobody begins it any more. Refused while others could never be opened without it. Written to the audit
/// log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/learning/sources/quests/{quest_id}", tag = "learning",
    operation_id = "learning_quest_retire", params(InGuildPath, QuestPath),
    responses((status = 200, body = QuestSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn retire(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<QuestSource>, Problem> {
    Ok(Json(ops::quest_retire(app.pool(), guild.guild_id, path.quest_id, author(&guild)).await?))
}

/// Publish a quest
///
/// Changes of wording count at once; what is graded makes another version: who is in the middle keeps theirs and may upgrade. Refused
/// where some quest could never be opened then. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/sources/quests/{quest_id}/publication", tag = "learning",
    operation_id = "learning_quest_publish", params(InGuildPath, QuestPath, IdempotencyKey),
    responses((status = 200, body = QuestSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn publish(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<QuestSource>, Problem> {
    let published = ops::quest_publish(app.pool(), guild.guild_id, path.quest_id, author(&guild)).await?;
    app.wake().outbox();
    Ok(Json(published))
}

/// List a quest's versions
///
/// The latest first, with how many attempts are of each.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/quests/{quest_id}/versions", tag = "learning",
    operation_id = "learning_quest_version_list", params(InGuildPath, QuestPath),
    responses((status = 200, body = Vec<Version>), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn versions(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<Vec<Version>>, Problem> {
    Ok(Json(ops::quest_versions(app.pool(), guild.guild_id, path.quest_id).await?))
}
