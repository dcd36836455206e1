//! The HTTP face: `/api/v1/guilds/{guild_id}/board…`.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{CommunityPlay, CommunityRead, CommunityWrite};
use access::web::Repeatable;
use access::{App, AsMember, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{BoardQuery, BoardQuest, BoardQuestEdit, NewBoardQuest};
use super::ops;
use crate::ids::BoardQuestId;

/// The routes of the quest board, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, remove))
        .routes(routes!(claim))
        .routes(routes!(unclaim))
        .routes(routes!(release))
        .routes(routes!(complete))
}

/// A quest of the board in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct QuestPath {
    /// The quest of the board.
    board_quest_id: BoardQuestId,
}

/// List the quest board
///
/// The latest first; what was taken off the board is left out.
#[utoipa::path(get, path = "/guilds/{guild_id}/board", tag = "community", operation_id = "board_quest_list",
    params(InGuildPath, BoardQuery),
    responses((status = 200, body = Page<BoardQuest>), Problems),
    security(("api_key" = ["community:read"])))]
async fn list(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Query(query): Query<BoardQuery>,
) -> Result<Json<Page<BoardQuest>>, Problem> {
    Ok(Json(ops::quest_list(app.pool(), guild.guild_id, query).await?))
}

/// Post a quest on the board
///
/// Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/board", tag = "community", operation_id = "board_quest_create",
    params(InGuildPath, IdempotencyKey), request_body = NewBoardQuest,
    responses((status = 201, body = BoardQuest), Problems),
    security(("api_key" = ["community:write"])))]
async fn create(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Json(new): Json<NewBoardQuest>,
) -> Result<(StatusCode, Json<BoardQuest>), Problem> {
    let made =
        ops::quest_create(app.pool(), guild.guild_id, new, guild.author(), &Repeatable::current()).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a quest of the board
#[utoipa::path(get, path = "/guilds/{guild_id}/board/{board_quest_id}", tag = "community",
    operation_id = "board_quest_get", params(InGuildPath, QuestPath),
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:read"])))]
async fn get(
    State(app): State<App>,
    guild: InGuild<CommunityRead>,
    Path(path): Path<QuestPath>,
) -> Result<Json<BoardQuest>, Problem> {
    Ok(Json(ops::quest_get(app.pool(), guild.guild_id, path.board_quest_id).await?))
}

/// Change a quest of the board
///
/// One that is not done. What is left out stays as it is; null clears. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/board/{board_quest_id}", tag = "community",
    operation_id = "board_quest_update", params(InGuildPath, QuestPath), request_body = BoardQuestEdit,
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:write"])))]
async fn update(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<QuestPath>,
    Json(edit): Json<BoardQuestEdit>,
) -> Result<Json<BoardQuest>, Problem> {
    Ok(Json(ops::quest_update(app.pool(), guild.guild_id, path.board_quest_id, edit, guild.author()).await?))
}

/// Take a quest off the board
///
/// Refused while somebody works on it. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/board/{board_quest_id}", tag = "community",
    operation_id = "board_quest_remove", params(InGuildPath, QuestPath),
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:write"])))]
async fn remove(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<BoardQuest>, Problem> {
    Ok(Json(ops::quest_remove(app.pool(), guild.guild_id, path.board_quest_id, guild.author()).await?))
}

/// Take on a quest
///
/// Of many who ask at once, one gets it.
#[utoipa::path(post, path = "/guilds/{guild_id}/board/{board_quest_id}/claim", tag = "community",
    operation_id = "board_quest_claim", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:play"])))]
async fn claim(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<BoardQuest>, Problem> {
    let quest = ops::quest_claim(app.pool(), member.guild_id, path.board_quest_id, member.user_id).await?;
    app.wake().outbox();
    Ok(Json(quest))
}

/// Give up a quest
///
/// One that the member took on; it is open again.
#[utoipa::path(post, path = "/guilds/{guild_id}/board/{board_quest_id}/unclaim", tag = "community",
    operation_id = "board_quest_unclaim", params(InGuildPath, QuestPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:play"])))]
async fn unclaim(
    State(app): State<App>,
    member: AsMember<CommunityPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Json<BoardQuest>, Problem> {
    let quest = ops::quest_unclaim(app.pool(), member.guild_id, path.board_quest_id, member.user_id).await?;
    app.wake().outbox();
    Ok(Json(quest))
}

/// Take a quest away from whoever took it on
///
/// It is open again. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/board/{board_quest_id}/release", tag = "community",
    operation_id = "board_quest_release", params(InGuildPath, QuestPath, IdempotencyKey),
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:write"])))]
async fn release(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<BoardQuest>, Problem> {
    let quest = ops::quest_release(app.pool(), guild.guild_id, path.board_quest_id, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(quest))
}

/// Accept a quest as done
///
/// Pays whoever took it on, once. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/board/{board_quest_id}/complete", tag = "community",
    operation_id = "board_quest_complete", params(InGuildPath, QuestPath, IdempotencyKey),
    responses((status = 200, body = BoardQuest), Problems),
    security(("api_key" = ["community:write"])))]
async fn complete(
    State(app): State<App>,
    guild: InGuild<CommunityWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Json<BoardQuest>, Problem> {
    let quest = ops::quest_complete(app.pool(), guild.guild_id, path.board_quest_id, guild.author()).await?;
    app.wake().outbox();
    Ok(Json(quest))
}
