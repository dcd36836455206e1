//! Rules of automod, what they hit, and the escalation of warnings.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::{App, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::cases::StatisticsQuery;
use crate::automod::{Native, NewRule, Rule};
use crate::model::{Escalation, EscalationId, HitRow, HitStatistics, NewEscalation, RuleId};
use crate::ops;
use crate::ops::rules::{Replay, Replayed, Trial, Tried};
use crate::scopes::{ModerationRead, ModerationRules};

/// A rule in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RulePath {
    /// The rule.
    rule_id: RuleId,
}

/// A rung in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct EscalationPath {
    /// The rung.
    escalation_id: EscalationId,
}

/// List rules of automod
///
/// In the order in which they are tried; those that are off too.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/rules", tag = "moderation", operation_id = "rule_list",
    params(InGuildPath), responses((status = 200, body = Vec<Rule>), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
) -> Result<Json<Vec<Rule>>, Problem> {
    Ok(Json(ops::rules::rule_list(app.pool(), guild.guild_id).await?))
}

/// Make a rule of automod
///
/// It is compiled first: what is wrong with a pattern, a word or a domain is told by its place. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/rules", tag = "moderation", operation_id = "rule_create",
    params(InGuildPath, IdempotencyKey), request_body = NewRule,
    responses((status = 201, body = Rule), Problems), security(("api_key" = ["moderation:rules"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Json(rule): Json<NewRule>,
) -> Result<(StatusCode, Json<Rule>), Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let made = ops::rules::rule_create(app.pool(), guild.guild_id, rule, author).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a rule of automod
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/rules/{rule_id}", tag = "moderation", operation_id = "rule_get",
    params(InGuildPath, RulePath), responses((status = 200, body = Rule), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Path(path): Path<RulePath>,
) -> Result<Json<Rule>, Problem> {
    Ok(Json(ops::rules::rule_get(app.pool(), guild.guild_id, path.rule_id).await?))
}

/// Write a rule of automod anew
///
/// Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/moderation/rules/{rule_id}", tag = "moderation",
    operation_id = "rule_replace", params(InGuildPath, RulePath), request_body = NewRule,
    responses((status = 200, body = Rule), Problems), security(("api_key" = ["moderation:rules"])))]
pub(super) async fn replace(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Path(path): Path<RulePath>,
    Json(rule): Json<NewRule>,
) -> Result<Json<Rule>, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let rule = ops::rules::rule_replace(app.pool(), guild.guild_id, path.rule_id, rule, author).await?;
    app.wake().outbox();
    Ok(Json(rule))
}

/// Delete a rule of automod
///
/// Its hits and cases stay. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/moderation/rules/{rule_id}", tag = "moderation",
    operation_id = "rule_delete", params(InGuildPath, RulePath), responses((status = 204), Problems),
    security(("api_key" = ["moderation:rules"])))]
pub(super) async fn delete(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Path(path): Path<RulePath>,
) -> Result<StatusCode, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    ops::rules::rule_delete(app.pool(), guild.guild_id, path.rule_id, author).await?;
    app.wake().outbox();
    Ok(StatusCode::NO_CONTENT)
}

/// Try a rule of automod on samples
///
/// In memory: neither rule nor samples are kept.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/rules/try", tag = "moderation", operation_id = "rule_try",
    params(InGuildPath, IdempotencyKey), request_body = Trial,
    responses((status = 200, body = Vec<Tried>), Problems), security(("api_key" = ["moderation:rules"])))]
pub(super) async fn try_on(
    State(_): State<App>,
    _: InGuild<ModerationRules>,
    Json(trial): Json<Trial>,
) -> Result<Json<Vec<Tried>>, Problem> {
    Ok(Json(ops::rules::rule_try(trial)?))
}

/// Replay the record against a rule of automod
///
/// When who wrote and joined, and how old accounts were: what the rule would have matched.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/rules/replay", tag = "moderation",
    operation_id = "rule_replay", params(InGuildPath, IdempotencyKey), request_body = Replay,
    responses((status = 200, body = Replayed), Problems), security(("api_key" = ["moderation:rules"])))]
pub(super) async fn replay(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Json(replay): Json<Replay>,
) -> Result<Json<Replayed>, Problem> {
    Ok(Json(ops::rules::rule_replay(app.pool(), guild.guild_id, replay).await?))
}

/// Get rules of automod as rules of Discord's
///
/// What of words, patterns and mentions Discord's own `AutoMod` can judge, and what it cannot.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/rules/native", tag = "moderation",
    operation_id = "rule_native", params(InGuildPath), responses((status = 200, body = Native), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn native(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
) -> Result<Json<Native>, Problem> {
    Ok(Json(ops::rules::rules_native(app.pool(), guild.guild_id).await?))
}

/// Which hits to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HitQuery {
    /// Only of this rule.
    rule_id: Option<RuleId>,
    /// Only of this member.
    user_id: Option<UserId>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List what automod hit
///
/// The latest first, each with where it was seen, by which steps, and the figures; nothing of what was written.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/hits", tag = "moderation", operation_id = "hit_list",
    params(InGuildPath, HitQuery), responses((status = 200, body = Page<HitRow>), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn hits(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(query): Query<HitQuery>,
) -> Result<Json<Page<HitRow>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::hit_list(app.pool(), guild.guild_id, query.rule_id, query.user_id, &page).await?))
}

/// Count what automod hit
///
/// Of a time, by rule; what was hit while a rule was tried stands by itself.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/hits/statistics", tag = "moderation",
    operation_id = "hit_statistics", params(InGuildPath, StatisticsQuery),
    responses((status = 200, body = Vec<HitStatistics>), Problems), security(("api_key" = ["moderation:read"])))]
pub(super) async fn hit_statistics(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Vec<HitStatistics>>, Problem> {
    Ok(Json(ops::hit_statistics(app.pool(), guild.guild_id, query.since, query.until).await?))
}

/// List the escalation of warnings
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/escalations", tag = "moderation",
    operation_id = "escalation_list", params(InGuildPath),
    responses((status = 200, body = Vec<Escalation>), Problems), security(("api_key" = ["moderation:read"])))]
pub(super) async fn escalations(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
) -> Result<Json<Vec<Escalation>>, Problem> {
    Ok(Json(ops::rules::escalation_list(app.pool(), guild.guild_id).await?))
}

/// Make a rung of the escalation
///
/// So many warnings in so many days bring an action. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/escalations", tag = "moderation",
    operation_id = "escalation_create", params(InGuildPath, IdempotencyKey), request_body = NewEscalation,
    responses((status = 201, body = Escalation), Problems), security(("api_key" = ["moderation:rules"])))]
pub(super) async fn escalation_create(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Json(new): Json<NewEscalation>,
) -> Result<(StatusCode, Json<Escalation>), Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let made = ops::rules::escalation_write(app.pool(), guild.guild_id, None, new, author).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Write a rung of the escalation anew
///
/// Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/moderation/escalations/{escalation_id}", tag = "moderation",
    operation_id = "escalation_replace", params(InGuildPath, EscalationPath), request_body = NewEscalation,
    responses((status = 200, body = Escalation), Problems), security(("api_key" = ["moderation:rules"])))]
pub(super) async fn escalation_replace(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Path(path): Path<EscalationPath>,
    Json(new): Json<NewEscalation>,
) -> Result<Json<Escalation>, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let id = Some(path.escalation_id);
    Ok(Json(ops::rules::escalation_write(app.pool(), guild.guild_id, id, new, author).await?))
}

/// Delete a rung of the escalation
///
/// The cases that it made stay. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/moderation/escalations/{escalation_id}", tag = "moderation",
    operation_id = "escalation_delete", params(InGuildPath, EscalationPath), responses((status = 204), Problems),
    security(("api_key" = ["moderation:rules"])))]
pub(super) async fn escalation_delete(
    State(app): State<App>,
    guild: InGuild<ModerationRules>,
    Path(path): Path<EscalationPath>,
) -> Result<StatusCode, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    ops::rules::escalation_delete(app.pool(), guild.guild_id, path.escalation_id, author).await?;
    Ok(StatusCode::NO_CONTENT)
}
