//! The HTTP face: `/api/v1/guilds/{guild_id}/lake…`, charts, categories, multipliers.

mod days;
mod lake;

use access::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{categories, multipliers};

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(lake::ingest, lake::list))
        .routes(routes!(lake::explain))
        .routes(routes!(lake::health))
        .routes(routes!(lake::what_if))
        .routes(routes!(days::guild_days))
        .routes(routes!(days::member_days))
        .merge(categories::routes::router())
        .merge(multipliers::routes::router())
}
