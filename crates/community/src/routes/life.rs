//! The routes of what a guild's life is made of, each in its own module.

use access::App;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    achievements, announcements, awards, board, categories, import, multipliers, seasons, shop, skills,
};

/// All of them, to be nested under `/api/v1`.
pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(seasons::routes::router())
        .merge(categories::routes::router())
        .merge(multipliers::routes::router())
        .merge(achievements::routes::router())
        .merge(board::routes::router())
        .merge(shop::routes::router())
        .merge(awards::routes::router())
        .merge(announcements::routes::router())
        .merge(skills::routes::router())
        .merge(import::routes::router())
}
