//! The HTTP face: `/api/v1/guilds/{guild_id}/members…`.

mod lake;
mod life;
mod members;
mod people;
mod roles;

use access::App;
use kernel::problem::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] =
    &[crate::shop::NOT_ENOUGH_GOLD, crate::shop::SOLD_OUT, crate::skills::SKILL_CYCLE];

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(members::list))
        .routes(routes!(members::get, members::put))
        .routes(routes!(people::leaderboard))
        .routes(routes!(people::guild_activity))
        .routes(routes!(people::member_activity))
        .routes(routes!(people::member_seasons))
        .routes(routes!(people::guild_days))
        .routes(routes!(people::member_days))
        .routes(routes!(people::names))
        .routes(routes!(people::preferences, people::put_preferences))
        .routes(routes!(people::export))
        .routes(routes!(people::erase))
        .routes(routes!(lake::ingest, lake::list))
        .routes(routes!(lake::explain))
        .routes(routes!(lake::health))
        .merge(life::router())
        .routes(routes!(roles::list))
        .routes(routes!(roles::report))
}
