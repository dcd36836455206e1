//! The HTTP face: what members earned, seasons, achievements, awards.

mod members;

use access::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{achievements, awards, import, seasons};

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(members::get))
        .routes(routes!(members::leaderboard))
        .routes(routes!(members::guild_activity))
        .routes(routes!(members::member_activity))
        .routes(routes!(members::member_seasons))
        .merge(seasons::routes::router())
        .merge(achievements::routes::router())
        .merge(awards::routes::router())
        .merge(import::routes::router())
}
