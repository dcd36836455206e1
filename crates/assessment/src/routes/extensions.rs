//! Deadlines of single learners.

use access::openapi::InGuildPath;
use access::scope::LearningGrade;
use access::{App, InGuild, Json, Path, Problems};
use axum::extract::State;
use kernel::{Problem, UserId};
use learning::ids::{AssessmentId, QuestId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{AssessmentPath, author};
use crate::model::extension::{Extension, NewExtension};
use crate::ops;

/// A learner's deadline in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ExtensionPath {
    /// The quest.
    quest_id: QuestId,
    /// The assessment.
    assessment_id: AssessmentId,
    /// The learner.
    user_id: UserId,
}

/// List deadlines of single learners
///
/// The earliest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/extensions",
    tag = "assessment", operation_id = "assessment_extension_list", params(InGuildPath, AssessmentPath),
    responses((status = 200, body = Vec<Extension>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<AssessmentPath>,
) -> Result<Json<Vec<Extension>>, Problem> {
    let (quest, assessment) = (path.quest_id, path.assessment_id);
    Ok(Json(ops::extension_list(app.pool(), guild.guild_id, quest, assessment).await?))
}

/// Extend a learner's deadline
///
/// The later of this and the assessment's own holds, also for what they have handed in already: its penalty is worked out anew. They must
/// have begun the quest. Written to the audit log.
#[utoipa::path(put, path = "/guilds/{guild_id}/assessment/quests/{quest_id}/assessments/{assessment_id}/extensions/{user_id}",
    tag = "assessment", operation_id = "assessment_extension_put", params(InGuildPath, ExtensionPath), request_body = NewExtension,
    responses((status = 200, body = Extension), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn put(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<ExtensionPath>,
    Json(new): Json<NewExtension>,
) -> Result<Json<Extension>, Problem> {
    let ExtensionPath { quest_id, assessment_id, user_id } = path;
    let author = author(&guild);
    let done = ops::extension_put(app.pool(), guild.guild_id, quest_id, assessment_id, user_id, &new, author)
        .await?;
    app.wake().outbox();
    Ok(Json(done))
}
