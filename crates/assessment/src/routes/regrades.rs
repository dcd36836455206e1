//! Regrades.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::LearningGrade;
use access::{App, InGuild, Json, Path, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use super::author;
use crate::ids::RegradeId;
use crate::model::regrade::{NewRegrade, Regrade, RegradePreview};
use crate::ops;

/// A regrade in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RegradePath {
    /// The regrade.
    regrade_id: RegradeId,
}

/// See what a regrade would change
///
/// A dry run: answers and parameters as they are stored, by the key of another version. Changes nothing.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/regrades/preview", tag = "assessment",
    operation_id = "assessment_regrade_preview", params(InGuildPath), request_body = NewRegrade,
    responses((status = 200, body = RegradePreview), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn preview(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Json(new): Json<NewRegrade>,
) -> Result<Json<RegradePreview>, Problem> {
    Ok(Json(ops::regrade_preview(app.pool(), guild.guild_id, &new).await?))
}

/// Regrade
///
/// A job does it, in batches. What passes now brings what it lacked, once; nothing is lowered unless you say so, and what was passed stays
/// passed. Written to the history of each grade that changes, and to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/assessment/regrades", tag = "assessment",
    operation_id = "assessment_regrade_create", params(InGuildPath, IdempotencyKey), request_body = NewRegrade,
    responses((status = 202, body = Regrade), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn create(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Json(new): Json<NewRegrade>,
) -> Result<(StatusCode, Json<Regrade>), Problem> {
    let done = ops::regrade_create(app.pool(), guild.guild_id, &new, author(&guild)).await?;
    Ok((StatusCode::ACCEPTED, Json(done)))
}

/// List regrades
///
/// The latest 200, the latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/regrades", tag = "assessment",
    operation_id = "assessment_regrade_list", params(InGuildPath),
    responses((status = 200, body = Vec<Regrade>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
) -> Result<Json<Vec<Regrade>>, Problem> {
    Ok(Json(ops::regrade_list(app.pool(), guild.guild_id).await?))
}

/// See how far a regrade is
///
/// Tries looked at, changed, and passed by it.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/regrades/{regrade_id}", tag = "assessment",
    operation_id = "assessment_regrade_get", params(InGuildPath, RegradePath),
    responses((status = 200, body = Regrade), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<RegradePath>,
) -> Result<Json<Regrade>, Problem> {
    Ok(Json(ops::regrade_get(app.pool(), guild.guild_id, path.regrade_id).await?))
}
