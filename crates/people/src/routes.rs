//! The HTTP face: `/api/v1/guilds/{guild_id}/members…`.

mod members;
mod names;
mod notices;
mod privacy;
mod roles;

use access::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(members::list))
        .routes(routes!(members::put))
        .routes(routes!(names::names))
        .routes(routes!(names::preferences, names::put_preferences))
        .routes(routes!(notices::list))
        .routes(routes!(notices::seen))
        .routes(routes!(privacy::export))
        .routes(routes!(privacy::erase))
        .routes(routes!(roles::list))
        .routes(routes!(roles::report))
}
