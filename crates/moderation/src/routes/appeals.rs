//! Appeals: staff decide them; whom a case is about files them, signed in or by a link.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::{App, AsMember, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::cases::{CasePath, moderator};
use crate::model::{
    Appeal, AppealId, AppealStatus, AppealThread, Appealable, Decision, LastAppeal, Statement,
};
use crate::ops;
use crate::scopes::{ModerationOwn, ModerationRead, ModerationWrite};

/// An appeal in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct AppealPath {
    /// The appeal.
    appeal_id: AppealId,
}

/// A link's token in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TokenPath {
    /// What the link that was sent ends with.
    token: String,
}

/// Which appeals to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AppealQuery {
    /// Only of this status.
    #[param(inline)]
    status: Option<AppealStatus>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// What staff say.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAppealNote {
    /// 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    body: String,
}

/// List appeals
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/appeals", tag = "moderation", operation_id = "appeal_list",
    params(InGuildPath, AppealQuery), responses((status = 200, body = Page<Appeal>), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(query): Query<AppealQuery>,
) -> Result<Json<Page<Appeal>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::appeal_list(app.pool(), guild.guild_id, query.status, &page).await?))
}

/// See an appeal, with what staff say of it
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/appeals/{appeal_id}", tag = "moderation",
    operation_id = "appeal_get", params(InGuildPath, AppealPath),
    responses((status = 200, body = AppealThread), Problems), security(("api_key" = ["moderation:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Path(path): Path<AppealPath>,
) -> Result<Json<AppealThread>, Problem> {
    Ok(Json(ops::appeal_get(app.pool(), guild.guild_id, path.appeal_id).await?))
}

/// Say something of an appeal among staff
///
/// Written to the audit log, without the words.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/appeals/{appeal_id}/notes", tag = "moderation",
    operation_id = "appeal_note", params(InGuildPath, AppealPath, IdempotencyKey), request_body = NewAppealNote,
    responses((status = 201, body = AppealThread), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn note(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<AppealPath>,
    Json(note): Json<NewAppealNote>,
) -> Result<(StatusCode, Json<AppealThread>), Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let thread =
        ops::appeal_note(app.pool(), guild.guild_id, path.appeal_id, &note.body, &by, author).await?;
    Ok((StatusCode::CREATED, Json(thread)))
}

/// Decide an appeal
///
/// With a reason, which the member is told. When it is accepted the case is undone, on Discord too. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/appeals/{appeal_id}/decision", tag = "moderation",
    operation_id = "appeal_decide", params(InGuildPath, AppealPath, IdempotencyKey), request_body = Decision,
    responses((status = 200, body = Appeal), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn decide(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<AppealPath>,
    Json(decision): Json<Decision>,
) -> Result<Json<Appeal>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let appeal =
        ops::appeal_decide(app.pool(), guild.guild_id, path.appeal_id, &decision, &by, author).await?;
    app.wake().outbox();
    Ok(Json(appeal))
}

/// Appeal a case about oneself
///
/// Once per cooldown.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/own-cases/{case_number}/appeals", tag = "moderation",
    operation_id = "appeal_file", params(InGuildPath, CasePath, ActingMember, IdempotencyKey), request_body = Statement,
    responses((status = 201, body = LastAppeal), Problems), security(("api_key" = ["moderation:own"])))]
pub(super) async fn file(
    State(app): State<App>,
    member: AsMember<ModerationOwn>,
    Path(path): Path<CasePath>,
    Json(said): Json<Statement>,
) -> Result<(StatusCode, Json<LastAppeal>), Problem> {
    let (guild, user) = (member.guild_id, member.user_id);
    let appeal = ops::appeal_file(app.pool(), guild, user, path.case_number, &said.statement).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(theirs(appeal))))
}

/// Take an appeal of one's own back
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/own-appeals/{appeal_id}/withdraw", tag = "moderation",
    operation_id = "appeal_withdraw", params(InGuildPath, AppealPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = LastAppeal), Problems), security(("api_key" = ["moderation:own"])))]
pub(super) async fn withdraw(
    State(app): State<App>,
    member: AsMember<ModerationOwn>,
    Path(path): Path<AppealPath>,
) -> Result<Json<LastAppeal>, Problem> {
    let appeal = ops::appeal_withdraw(app.pool(), member.guild_id, member.user_id, path.appeal_id).await?;
    Ok(Json(theirs(appeal)))
}

/// See the case that a link is about
///
/// For whom the link was sent to: who is banned cannot reach the guild any more.
#[utoipa::path(get, path = "/appeals/{token}", tag = "moderation", operation_id = "appeal_open", params(TokenPath),
    responses((status = 200, body = Appealable), Problems), security(()))]
pub(super) async fn open(
    State(app): State<App>,
    Path(path): Path<TokenPath>,
) -> Result<Json<Appealable>, Problem> {
    Ok(Json(ops::appeal_open(app.pool(), &path.token).await?))
}

/// Appeal the case that a link is about
///
/// Once per cooldown.
#[utoipa::path(post, path = "/appeals/{token}", tag = "moderation", operation_id = "appeal_file_by_link",
    params(TokenPath), request_body = Statement, responses((status = 201, body = LastAppeal), Problems), security(()))]
pub(super) async fn file_by_link(
    State(app): State<App>,
    Path(path): Path<TokenPath>,
    Json(said): Json<Statement>,
) -> Result<(StatusCode, Json<LastAppeal>), Problem> {
    let appeal = ops::appeal_file_by_link(app.pool(), &path.token, &said.statement).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(theirs(appeal))))
}

/// As the member sees it.
fn theirs(appeal: Appeal) -> LastAppeal {
    LastAppeal {
        statement: appeal.statement,
        status: appeal.status,
        decision_reason: appeal.decision_reason,
        next_allowed_at: appeal.next_allowed_at,
        created_at: appeal.created_at,
    }
}
