//! The HTTP face: `/api/v1/guilds/{guild_id}/moderation/…`, and `/api/v1/appeals/{token}` for whom a link was sent to.

mod appeals;
mod automod;
mod cases;
mod raids;

use access::App;
use kernel::problem::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{APPEAL_TOO_EARLY, CASE_IN_FORCE, OUT_OF_REACH};

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[CASE_IN_FORCE, OUT_OF_REACH, APPEAL_TOO_EARLY];

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(cases::list, cases::create))
        .routes(routes!(cases::get, cases::update))
        .routes(routes!(cases::void))
        .routes(routes!(cases::lift))
        .routes(routes!(cases::edits))
        .routes(routes!(cases::evidence, cases::evidence_add))
        .routes(routes!(cases::evidence_remove))
        .routes(routes!(cases::export))
        .routes(routes!(cases::own))
        .routes(routes!(cases::statistics))
        .routes(routes!(automod::list, automod::create))
        .routes(routes!(automod::get, automod::replace, automod::delete))
        .routes(routes!(automod::try_on))
        .routes(routes!(automod::replay))
        .routes(routes!(automod::native))
        .routes(routes!(automod::hits))
        .routes(routes!(automod::hit_statistics))
        .routes(routes!(automod::escalations, automod::escalation_create))
        .routes(routes!(automod::escalation_replace, automod::escalation_delete))
        .routes(routes!(appeals::list))
        .routes(routes!(appeals::get))
        .routes(routes!(appeals::note))
        .routes(routes!(appeals::decide))
        .routes(routes!(appeals::file))
        .routes(routes!(appeals::withdraw))
        .routes(routes!(appeals::open, appeals::file_by_link))
        .routes(routes!(raids::list, raids::start))
        .routes(routes!(raids::end))
        .routes(routes!(raids::release))
        .routes(routes!(raids::failed))
        .routes(routes!(raids::send_again))
}
