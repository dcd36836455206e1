//! Files of a quest: pictures of its texts, and what one takes along.

use access::scope::LearningRead;
use access::{App, Path, Query};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use frame::visit::Visit;
use kernel::Problem;
use learning::ids::QuestId;
use learning::routes::{FileQuery, quest_file_response};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FilePath {
    quest_id: QuestId,
    name: String,
}

pub(super) async fn get(
    State(app): State<App>,
    visit: Visit<LearningRead>,
    Path(path): Path<FilePath>,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (pool, guild, which) = (app.pool(), visit.guild_id(), (path.quest_id, query.version));
    let file = learning::ops::file_find(pool, guild, visit.shell.member, which, &path.name).await?;
    quest_file_response(pool, guild, &headers, (&path.name, &file)).await
}
