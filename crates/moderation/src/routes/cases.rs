//! Cases.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::{App, AsMember, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::model::{
    Case, CaseEdit, CaseEdited, Evidence, Moderator, NewCase, NewEvidence, Standing, Statistics,
};
use crate::ops::cases::{CaseQuery, moderator_of};
use crate::ops::{self};
use crate::scopes::{ModerationOwn, ModerationRead, ModerationWrite};

/// A case in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CasePath {
    /// The case's number in the guild.
    #[serde(deserialize_with = "kernel::number::deserialize")]
    #[param(value_type = i32, minimum = 1)]
    pub(super) case_number: i32,
}

/// Evidence of a case in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct EvidencePath {
    /// The case's number in the guild.
    #[serde(deserialize_with = "kernel::number::deserialize")]
    #[param(value_type = i32, minimum = 1)]
    case_number: i32,
    /// The evidence.
    evidence_id: Uuid,
}

/// Why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModerationReason)]
pub(super) struct Reason {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Who a request's sender is as a moderator.
pub(super) async fn moderator(app: &App, guild: &InGuild<impl access::Scope>) -> Result<Moderator, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(moderator_of(&mut conn, guild.guild_id, Author::new(guild.by(), &guild.origin)).await?)
}

/// List moderation cases
///
/// The latest first; by person, moderator, action, source, time, words of the reason, or only what is in force. So it is a member's history too.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/cases", tag = "moderation", operation_id = "case_list",
    params(InGuildPath, CaseQuery), responses((status = 200, body = Page<Case>), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(query): Query<CaseQuery>,
) -> Result<Json<Page<Case>>, Problem> {
    Ok(Json(ops::case_list(app.pool(), guild.guild_id, &query).await?))
}

/// Make a moderation case
///
/// A warning, time-out, kick, ban, unban, untimeout, note or purge. The member is told, and what is to be done on Discord is done in order. What somebody
/// else did a moment ago is refused with the number of their case. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/cases", tag = "moderation", operation_id = "case_make",
    params(InGuildPath, IdempotencyKey), request_body = NewCase,
    responses((status = 201, body = Case), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Json(new): Json<NewCase>,
) -> Result<(StatusCode, Json<Case>), Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    // How people rank on Discord is known to the bot alone; here their roles with us decide.
    let made = ops::case_make(app.pool(), guild.guild_id, new, &by, &Standing::default(), author).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a moderation case
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/cases/{case_number}", tag = "moderation",
    operation_id = "case_get", params(InGuildPath, CasePath), responses((status = 200, body = Case), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Path(path): Path<CasePath>,
) -> Result<Json<Case>, Problem> {
    Ok(Json(ops::case_get(app.pool(), guild.guild_id, path.case_number).await?))
}

/// Change a moderation case
///
/// Its reason; or its end, as long as it is in force. What was there before is kept among its edits. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/moderation/cases/{case_number}", tag = "moderation",
    operation_id = "case_edit", params(InGuildPath, CasePath), request_body = CaseEdit,
    responses((status = 200, body = Case), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn update(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<CasePath>,
    Json(edit): Json<CaseEdit>,
) -> Result<Json<Case>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let case = ops::case_edit(app.pool(), guild.guild_id, path.case_number, &edit, &by, author).await?;
    app.wake().outbox();
    Ok(Json(case))
}

/// Declare a moderation case void
///
/// It counts for nothing any more, and what it did on Discord is undone. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/cases/{case_number}/void", tag = "moderation",
    operation_id = "case_void", params(InGuildPath, CasePath, IdempotencyKey), request_body = Reason,
    responses((status = 200, body = Case), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn void(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<CasePath>,
    Json(why): Json<Reason>,
) -> Result<Json<Case>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let case = ops::case_void(app.pool(), guild.guild_id, path.case_number, &why.reason, &by, author).await?;
    app.wake().outbox();
    Ok(Json(case))
}

/// Lift a moderation case
///
/// A warning that stands, a time-out or a ban that is in force. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/cases/{case_number}/lift", tag = "moderation",
    operation_id = "case_lift", params(InGuildPath, CasePath, IdempotencyKey), request_body = Reason,
    responses((status = 200, body = Case), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn lift(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<CasePath>,
    Json(why): Json<Reason>,
) -> Result<Json<Case>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let case = ops::case_lift(app.pool(), guild.guild_id, path.case_number, &why.reason, &by, author).await?;
    app.wake().outbox();
    Ok(Json(case))
}

/// See what was changed of a moderation case
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/cases/{case_number}/edits", tag = "moderation",
    operation_id = "case_edits", params(InGuildPath, CasePath),
    responses((status = 200, body = Vec<CaseEdited>), Problems), security(("api_key" = ["moderation:read"])))]
pub(super) async fn edits(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Path(path): Path<CasePath>,
) -> Result<Json<Vec<CaseEdited>>, Problem> {
    Ok(Json(ops::case_edits(app.pool(), guild.guild_id, path.case_number).await?))
}

/// List the evidence of a moderation case
///
/// What was taken back is marked so.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/cases/{case_number}/evidence", tag = "moderation",
    operation_id = "case_evidence_list", params(InGuildPath, CasePath),
    responses((status = 200, body = Vec<Evidence>), Problems), security(("api_key" = ["moderation:read"])))]
pub(super) async fn evidence(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Path(path): Path<CasePath>,
) -> Result<Json<Vec<Evidence>>, Problem> {
    Ok(Json(ops::evidence_list(app.pool(), guild.guild_id, path.case_number).await?))
}

/// Add evidence to a moderation case
///
/// Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/cases/{case_number}/evidence", tag = "moderation",
    operation_id = "case_evidence_add", params(InGuildPath, CasePath, IdempotencyKey), request_body = NewEvidence,
    responses((status = 201, body = Vec<Evidence>), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn evidence_add(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<CasePath>,
    Json(new): Json<NewEvidence>,
) -> Result<(StatusCode, Json<Vec<Evidence>>), Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let all = ops::evidence_add(app.pool(), guild.guild_id, path.case_number, new, &by, author).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(all)))
}

/// Take evidence of a moderation case back
///
/// It stays in the case, marked so. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/moderation/cases/{case_number}/evidence/{evidence_id}", tag = "moderation",
    operation_id = "case_evidence_remove", params(InGuildPath, EvidencePath),
    responses((status = 200, body = Vec<Evidence>), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn evidence_remove(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<EvidencePath>,
) -> Result<Json<Vec<Evidence>>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let (number, evidence) = (path.case_number, path.evidence_id);
    let all = ops::evidence_remove(app.pool(), guild.guild_id, number, evidence, &by, author).await?;
    app.wake().outbox();
    Ok(Json(all))
}

/// Export moderation cases as CSV
///
/// A page of those that a list would show, as a table; `Questhall-Next` has the cursor of the next page, where there is one.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/cases.csv", tag = "moderation", operation_id = "case_export",
    params(InGuildPath, CaseQuery), responses((status = 200, body = String, content_type = "text/csv"), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn export(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(query): Query<CaseQuery>,
) -> Result<Response, Problem> {
    let page = ops::case_list(app.pool(), guild.guild_id, &query).await?;
    let mut headers = axum::http::HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Some(next) = page.next.as_deref().and_then(|next| next.parse().ok()) {
        headers.insert("questhall-next", next);
    }
    Ok((headers, ops::cases::csv(&page.items)).into_response())
}

/// List the moderation cases about oneself
///
/// The latest first; without notes, and without who made them.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/own-cases", tag = "moderation", operation_id = "case_list_own",
    params(InGuildPath, ActingMember, PageQuery), responses((status = 200, body = Page<Case>), Problems),
    security(("api_key" = ["moderation:own"])))]
pub(super) async fn own(
    State(app): State<App>,
    member: AsMember<ModerationOwn>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Case>>, Problem> {
    Ok(Json(ops::cases::case_list_own(app.pool(), member.guild_id, member.user_id, &page).await?))
}

/// Of which time, and by what.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct StatisticsQuery {
    /// From when on.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub(super) since: DateTime<Utc>,
    /// Until when.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub(super) until: DateTime<Utc>,
    /// By rule of automod instead of by moderator.
    #[serde(default)]
    #[param(required = false, default = false)]
    by_rule: bool,
}

/// Count moderation cases
///
/// Of a time, by moderator and action, or by rule and action; with how many were voided, released or lifted on appeal.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/statistics", tag = "moderation",
    operation_id = "case_statistics", params(InGuildPath, StatisticsQuery),
    responses((status = 200, body = Vec<Statistics>), Problems), security(("api_key" = ["moderation:read"])))]
pub(super) async fn statistics(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Vec<Statistics>>, Problem> {
    let (since, until) = (query.since, query.until);
    Ok(Json(ops::statistics(app.pool(), guild.guild_id, since, until, query.by_rule).await?))
}
