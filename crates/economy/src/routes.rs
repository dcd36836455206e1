//! The HTTP face: `/api/v1/guilds/{guild_id}/economy/…`.

mod accounts;
mod config;
mod daily;
mod payments;
mod reports;

use access::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accounts::balance))
        .routes(routes!(accounts::leaderboard))
        .routes(routes!(accounts::history))
        .routes(routes!(reports::export))
        .routes(routes!(reports::list))
        .routes(routes!(reports::get, reports::make))
        .routes(routes!(daily::claim))
        .routes(routes!(payments::transfer))
        .routes(routes!(payments::award))
        .routes(routes!(config::get, config::put))
}
