//! The HTTP face: a file per family. A handler finds, acts and answers; rules live in `ops` and below.
//!
//! The server lays an extension under these routes: the [`sandbox::Sandbox`] that checks scripts.

mod bundles;
mod campaigns;
mod history;
mod participation;
mod rewards;
mod transitions;

use access::App;
use kernel::CampaignId;
use kernel::problem::Kind;
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{CAMPAIGN_STATE, CLAIM, REGISTRATION};

/// The kinds of problem of this slice.
pub const PROBLEMS: &[Kind] = &[CAMPAIGN_STATE, REGISTRATION, CLAIM];

/// A campaign in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CampaignPath {
    /// The campaign.
    campaign_id: CampaignId,
}

/// Schemas that only queries name: those of bodies come with their routes.
#[derive(OpenApi)]
#[openapi(components(schemas(history::MetricType)))]
struct QuerySchemas;

/// The routes of this slice.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(QuerySchemas::openapi())
        .routes(routes!(campaigns::create, campaigns::list))
        .routes(routes!(campaigns::get, campaigns::update, campaigns::delete))
        .routes(routes!(transitions::publish))
        .routes(routes!(transitions::start))
        .routes(routes!(transitions::close))
        .routes(routes!(transitions::open_rewards))
        .routes(routes!(transitions::cancel))
        .routes(routes!(participation::register, participation::list))
        .routes(routes!(participation::own, participation::withdraw))
        .routes(routes!(participation::tester_list))
        .routes(routes!(participation::tester_add, participation::tester_remove))
        .routes(routes!(rewards::claim, rewards::list))
        .routes(routes!(rewards::own))
        .routes(routes!(history::rehearsal))
        .routes(routes!(history::timers))
        .routes(routes!(history::guild_timers))
        .routes(routes!(history::retry))
        .routes(routes!(history::state_log))
        .routes(routes!(history::metrics))
        .routes(routes!(history::guild_health))
        .routes(routes!(history::health))
        .routes(routes!(bundles::import))
        .routes(routes!(bundles::import_into))
        .routes(routes!(bundles::export))
        .routes(routes!(bundles::check))
}
