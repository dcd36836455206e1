//! The HTTP face: `/api/v1/guilds/{guild_id}/learning/…`. Where it runs scripts, the server provides a [`sandbox::Sandbox`].

mod attempts;
mod banks;
mod files;
mod paths;
mod quests;
mod steps;

use access::scope::Scope;
use access::{App, InGuild};
use axum::http::HeaderMap;
use kernel::problem::Kind;
use kernel::{Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ids::{PathId, QuestId, StepId};
use crate::ops::Author;

pub use files::{FileQuery, quest_file_response};

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = crate::error::PROBLEMS;

/// A path in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PathPath {
    /// The learning path.
    path_id: PathId,
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

/// The member for whom somebody looks, where they say so.
fn looker<S: Scope>(guild: &InGuild<S>, headers: &HeaderMap) -> Result<Option<UserId>, Problem> {
    access::web::member_if_named(&guild.actor, headers)
}

fn author<S: Scope>(guild: &InGuild<S>) -> Author<'_> {
    Author { by: guild.by(), origin: &guild.origin }
}

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(paths::list))
        .routes(routes!(paths::get))
        .routes(routes!(paths::enrol))
        .routes(routes!(paths::sources, paths::create))
        .routes(routes!(paths::source, paths::put, paths::retire))
        .routes(routes!(paths::publish))
        .routes(routes!(paths::import))
        .routes(routes!(paths::export))
        .routes(routes!(banks::list, banks::create))
        .routes(routes!(banks::source, banks::put, banks::retire))
        .routes(routes!(quests::get))
        .routes(routes!(quests::sources, quests::create))
        .routes(routes!(quests::source, quests::put, quests::retire))
        .routes(routes!(quests::publish))
        .routes(routes!(quests::versions))
        .routes(routes!(files::get))
        .routes(routes!(files::source))
        .routes(routes!(attempts::begin))
        .routes(routes!(attempts::pause))
        .routes(routes!(attempts::resume))
        .routes(routes!(attempts::abandon))
        .routes(routes!(attempts::notes))
        .routes(routes!(attempts::upgrade_preview, attempts::upgrade))
        .routes(routes!(steps::open))
        .routes(routes!(steps::complete))
        .routes(routes!(steps::skip))
        .routes(routes!(steps::begin_try))
        .routes(routes!(steps::answer))
        .routes(routes!(steps::program))
}
