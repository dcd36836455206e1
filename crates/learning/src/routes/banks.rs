//! Banks: questions that quizzes of any quest draw from, for authors alone.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::LearningWrite;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::author;
use crate::model::bank::{BankDocument, BankSource, BankSummary, NamedBank};
use crate::ops;

/// A bank in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct BankPath {
    /// The bank, by its short name.
    bank_slug: String,
}

/// A bank as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BankDraft {
    /// The revision that was looked at; absent to overwrite whatever is there.
    #[serde(default)]
    revision: Option<i32>,
    /// The bank.
    bank: BankDocument,
}

/// List question banks
///
/// Retired ones too, by their short names.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/banks", tag = "learning", operation_id = "learning_bank_list",
    params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<BankSummary>), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BankSummary>>, Problem> {
    Ok(Json(ops::bank_list(app.pool(), guild.guild_id, &page).await?))
}

/// Make a question bank
///
/// Quizzes draw from it by its short name. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/learning/sources/banks", tag = "learning", operation_id = "learning_bank_create",
    params(InGuildPath, IdempotencyKey), request_body = NamedBank,
    responses((status = 201, body = BankSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Json(new): Json<NamedBank>,
) -> Result<(StatusCode, Json<BankSource>), Problem> {
    let made = ops::bank_create(app.pool(), guild.guild_id, &new, author(&guild)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// See a question bank
///
/// With its keys, and the published quests that draw from it.
#[utoipa::path(get, path = "/guilds/{guild_id}/learning/sources/banks/{bank_slug}", tag = "learning",
    operation_id = "learning_bank_get", params(InGuildPath, BankPath),
    responses((status = 200, body = BankSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn source(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<BankPath>,
) -> Result<Json<BankSource>, Problem> {
    Ok(Json(ops::bank_source(app.pool(), guild.guild_id, &path.bank_slug).await?))
}

/// Write a question bank
///
/// Quests that draw from it take the change when they are published again, each as another version. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/learning/sources/banks/{bank_slug}", tag = "learning",
    operation_id = "learning_bank_put", params(InGuildPath, BankPath), request_body = BankDraft,
    responses((status = 200, body = BankSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn put(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<BankPath>,
    Json(draft): Json<BankDraft>,
) -> Result<Json<BankSource>, Problem> {
    let (slug, by) = (&path.bank_slug, author(&guild));
    Ok(Json(ops::bank_put(app.pool(), guild.guild_id, slug, draft.revision, &draft.bank, by).await?))
}

/// Retire a question bank
///
/// Nothing is published any more that draws from it. Refused while something published does. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/learning/sources/banks/{bank_slug}", tag = "learning",
    operation_id = "learning_bank_retire", params(InGuildPath, BankPath),
    responses((status = 200, body = BankSource), Problems),
    security(("api_key" = ["learning:write"])))]
pub(super) async fn retire(
    State(app): State<App>,
    guild: InGuild<LearningWrite>,
    Path(path): Path<BankPath>,
) -> Result<Json<BankSource>, Problem> {
    Ok(Json(ops::bank_retire(app.pool(), guild.guild_id, &path.bank_slug, author(&guild)).await?))
}
