//! Paths: what learners see of them, and what authors do with them.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{LearningPlay, LearningRead, LearningWrite};
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kernel::{Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PathPath, author, looker};
use crate::authoring;
use crate::model::learner::PathView;
use crate::model::path::{Bundle, PathDocument};
use crate::ops::{self, PathSource, Published};
use crate::store::PathSummary;

/// A path to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPath {
    /// Its short name, unique in the guild.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,99}$", example = "rust-from-the-start")]
    slug: String,
    /// The path.
    path: PathDocument,
}

/// A path's draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PathDraft {
    /// The revision that was looked at; absent to overwrite whatever is there.
    #[serde(default)]
    revision: Option<i32>,
    /// The path.
    path: PathDocument,
}

/// How to import.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportQuery {
    /// Whether to leave everything as drafts instead of publishing it.
    #[serde(default)]
    #[param(required = false, default = false)]
    draft: bool,
}

/// List learning paths
///
/// The published ones, with how the member stands who is named, if one is.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/paths", tag = "learning", operation_id = "learning_path_list",
    params(InGuildPath, ActingMember),
    responses((status = 200, body = Vec<PathView>), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<LearningRead>,
    headers: HeaderMap,
) -> Result<Json<Vec<PathView>>, Problem> {
    Ok(Json(ops::paths_view(app.pool(), guild.guild_id, looker(&guild, &headers)?).await?))
}

/// See a learning path
///
/// With its chapters and quests, how the named member stands with each, and for locked ones what is missing.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/paths/{path_id}", tag = "learning", operation_id = "learning_path_get",
    params(InGuildPath, PathPath, ActingMember),
    responses((status = 200, body = PathView), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<LearningRead>,
    Path(path): Path<PathPath>,
    headers: HeaderMap,
) -> Result<Json<PathView>, Problem> {
    Ok(Json(ops::path_view(app.pool(), guild.guild_id, looker(&guild, &headers)?, path.path_id).await?))
}

/// Enrol in a learning path
///
/// What the member has completed of it counts. Doing it again changes nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/paths/{path_id}/enrolment", tag = "learning",
    operation_id = "learning_path_enrol", params(InGuildPath, PathPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = PathView), Problems),
    security(("api_key" = ["learning:play"])))]
pub(super) async fn enrol(
    State(app): State<App>,
    member: AsMember<LearningPlay>,
    Path(path): Path<PathPath>,
) -> Result<Json<PathView>, Problem> {
    let view = ops::path_enrol(app.pool(), member.guild_id, member.user_id, path.path_id).await?;
    app.wake().outbox();
    Ok(Json(view))
}

/// List learning paths for authors
///
/// Drafts and retired ones too, in the order of their making.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/paths", tag = "learning",
    operation_id = "learning_path_source_list", params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<PathSummary>), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn sources(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PathSummary>>, Problem> {
    Ok(Json(ops::path_list(app.pool(), guild.guild_id, &page).await?))
}

/// Make a learning path
///
/// As a draft: learners see it once it is published. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/sources/paths", tag = "learning",
    operation_id = "learning_path_create", params(InGuildPath, IdempotencyKey), request_body = NewPath,
    responses((status = 201, body = PathSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Json(new): Json<NewPath>,
) -> Result<(StatusCode, Json<PathSource>), Problem> {
    let made = ops::path_create(app.pool(), guild.guild_id, &new.slug, &new.path, author(&guild)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a learning path as its authors do
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/paths/{path_id}", tag = "learning",
    operation_id = "learning_path_source_get", params(InGuildPath, PathPath),
    responses((status = 200, body = PathSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn source(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Json<PathSource>, Problem> {
    Ok(Json(ops::path_source(app.pool(), guild.guild_id, path.path_id).await?))
}

/// Write a learning path's draft
///
/// Over its draft, or beside what is published, which stays as it is until the draft is published. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/learning/sources/paths/{path_id}", tag = "learning",
    operation_id = "learning_path_put", params(InGuildPath, PathPath), request_body = PathDraft,
    responses((status = 200, body = PathSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn put(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<PathPath>,
    Json(draft): Json<PathDraft>,
) -> Result<Json<PathSource>, Problem> {
    let put =
        ops::path_put(app.pool(), guild.guild_id, path.path_id, draft.revision, &draft.path, author(&guild));
    Ok(Json(put.await?))
}

/// Retire a learning path
///
/// Who is in it keeps what they did; nobody enrols any more. Refused while quests could never be opened without it. Written to the
/// audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/learning/sources/paths/{path_id}", tag = "learning",
    operation_id = "learning_path_retire", params(InGuildPath, PathPath),
    responses((status = 200, body = PathSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn retire(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Json<PathSource>, Problem> {
    Ok(Json(ops::path_retire(app.pool(), guild.guild_id, path.path_id, author(&guild)).await?))
}

/// Publish a learning path
///
/// Its quests must be published. Refused where some quest could never be opened then: each is named with what blocks it, and the
/// circle it waits in. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/sources/paths/{path_id}/publication", tag = "learning",
    operation_id = "learning_path_publish", params(InGuildPath, PathPath, IdempotencyKey),
    responses((status = 200, body = PathSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn publish(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Json<PathSource>, Problem> {
    let published = ops::path_publish(app.pool(), guild.guild_id, path.path_id, author(&guild)).await?;
    app.wake().outbox();
    Ok(Json(published))
}

/// Import a learning path
///
/// With its quests, all at once. Quests and paths are the same by their short names; what is as it was stays untouched. Written to
/// the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/import", tag = "learning", operation_id = "learning_import",
    params(InGuildPath, ImportQuery, IdempotencyKey), request_body = Bundle,
    responses((status = 200, body = Published), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn import(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Query(query): Query<ImportQuery>,
    Json(bundle): Json<Bundle>,
) -> Result<Json<Published>, Problem> {
    let done = ops::bundle_import(app.pool(), guild.guild_id, &bundle, !query.draft, author(&guild)).await?;
    app.wake().outbox();
    Ok(Json(done))
}

/// Export a learning path
///
/// With its quests, keys and all, as importing it again takes it.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/paths/{path_id}/export", tag = "learning",
    operation_id = "learning_export", params(InGuildPath, PathPath),
    responses((status = 200, body = Bundle), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn export(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<PathPath>,
) -> Result<Json<Bundle>, Problem> {
    Ok(Json(authoring::bundle_export(app.pool(), guild.guild_id, path.path_id).await?))
}
