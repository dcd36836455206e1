//! The HTTP face: `/api/v1/guilds/{guild_id}/webhooks…`, and the catalogue of events.

mod catalogue;
mod deliveries;
mod webhooks;

use access::App;
use kernel::problem::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::WEBHOOK_LIMIT;

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[WEBHOOK_LIMIT];

/// The routes of this slice, to be nested under `/api/v1`. They take [`crate::Webhooks`] as an extension.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::update, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::ping))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::replay))
        .routes(routes!(catalogue::show))
}
