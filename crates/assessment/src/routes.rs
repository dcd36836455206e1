//! The HTTP face: `/api/v1/guilds/{guild_id}/assessment/…`. Where it runs scripts, the server provides a [`sandbox::Sandbox`].

mod extensions;
mod grading;
mod peers;
mod regrades;
mod tries;

use access::scope::Scope;
use access::{App, Author, InGuild};
use learning::ids::{AssessmentId, QuestId, StepId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ids::{ReviewId, SubmissionId};

/// An assessment in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AssessmentPath {
    /// The quest.
    quest_id: QuestId,
    /// The assessment.
    assessment_id: AssessmentId,
}

/// A quest in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct QuestPath {
    /// The quest.
    quest_id: QuestId,
}

/// A step in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct StepPath {
    /// The quest.
    quest_id: QuestId,
    /// The step.
    step_id: StepId,
}

/// A submission in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SubmissionPath {
    /// What was handed in.
    submission_id: SubmissionId,
}

/// A review in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ReviewPath {
    /// The review.
    review_id: ReviewId,
}

fn author<S: Scope>(guild: &InGuild<S>) -> Author<'_> {
    Author { by: guild.by(), origin: &guild.origin }
}

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(tries::list))
        .routes(routes!(tries::begin))
        .routes(routes!(tries::answer))
        .routes(routes!(tries::program))
        .routes(routes!(tries::hand_in))
        .routes(routes!(tries::hand_in_step))
        .routes(routes!(tries::waiting))
        .routes(routes!(grading::list))
        .routes(routes!(grading::get))
        .routes(routes!(grading::next))
        .routes(routes!(grading::claim, grading::release))
        .routes(routes!(grading::judge))
        .routes(routes!(grading::overrule))
        .routes(routes!(extensions::list))
        .routes(routes!(extensions::put))
        .routes(routes!(peers::request))
        .routes(routes!(peers::submit))
        .routes(routes!(peers::decline))
        .routes(routes!(peers::hide))
        .routes(routes!(regrades::preview))
        .routes(routes!(regrades::list, regrades::create))
        .routes(routes!(regrades::get))
}
