//! Files of quests: for learners as far as they may see what names them, for authors those of the draft.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::{LearningRead, LearningWrite};
use access::web::{file_response, not_modified};
use access::{App, InGuild, Path, Problems, Query};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use kernel::{GuildId, Problem};
use serde::Deserialize;
use sqlx::PgPool;
use utoipa::IntoParams;

use super::looker;
use crate::ids::QuestId;
use crate::model::quest::QuestFile;
use crate::ops;

/// A file of a quest in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// The quest.
    quest_id: QuestId,
    /// The file's name.
    name: String,
}

/// Of which version a file is asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    /// The version: that of the member's attempt, else the one that is begun now, unless told.
    pub version: Option<i32>,
}

/// A file that was found as an answer, or that the asker has it already.
///
/// # Errors
/// It went meanwhile, or the database fails.
pub async fn quest_file_response(
    pool: &PgPool,
    guild: GuildId,
    headers: &HeaderMap,
    (name, file): (&str, &QuestFile),
) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", file.sha256);
    if let Some(same) = not_modified(headers, &tag) {
        return Ok(same);
    }
    let mut response = file_response(name, ops::file_content(pool, guild, file).await?);
    let tag = HeaderValue::from_str(&tag).map_err(|error| Problem::internal(&error))?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// Get a quest's file
///
/// As the member who is named, if one is: all files of the version that their attempt is of; of the version that is begun now, for
/// everybody who sees the quest, those that its description and resources name. The quest and the attempt list their files with
/// their addresses. Asked again with `If-None-Match`, it is sent only if it is another one.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/quests/{quest_id}/files/{name}", tag = "learning",
    operation_id = "learning_quest_file_get", params(InGuildPath, FilePath, FileQuery, ActingMember),
    responses((status = 200, description = "The file, of the kind that its name says.",
        content((String = "application/octet-stream"), (String = "text/plain"), (String = "text/csv"), (String = "image/png"),
            (String = "image/jpeg"), (String = "image/gif"), (String = "image/webp"), (String = "image/svg+xml"),
            (String = "application/pdf"), (String = "application/zip"), (String = "application/gzip"),
            (serde_json::Value = "application/json"))),
        (status = 304, description = "It is the file that the asker has."), Problems),
    security(("api_key" = ["learning:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<LearningRead>,
    Path(path): Path<FilePath>,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (pool, user, which) = (app.pool(), looker(&guild, &headers)?, (path.quest_id, query.version));
    let file = ops::file_find(pool, guild.guild_id, user, which, &path.name).await?;
    quest_file_response(pool, guild.guild_id, &headers, (&path.name, &file)).await
}

/// Get a quest's file as its authors have it
///
/// Of the draft, where there is one, else of what is published.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/quests/{quest_id}/files/{name}", tag = "learning",
    operation_id = "learning_quest_source_file_get", params(InGuildPath, FilePath),
    responses((status = 200, description = "The file, of the kind that its name says.",
        content((String = "application/octet-stream"), (String = "text/plain"), (String = "text/csv"), (String = "image/png"),
            (String = "image/jpeg"), (String = "image/gif"), (String = "image/webp"), (String = "image/svg+xml"),
            (String = "application/pdf"), (String = "application/zip"), (String = "application/gzip"),
            (serde_json::Value = "application/json"))),
        (status = 304, description = "It is the file that the asker has."), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn source(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<FilePath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = ops::file_source(app.pool(), guild.guild_id, path.quest_id, &path.name).await?;
    quest_file_response(app.pool(), guild.guild_id, &headers, (&path.name, &file)).await
}
