//! The HTTP face: `/api/v1/guilds/{guild_id}/squads…`.

mod membership;
mod pages;
mod squads;

use access::App;
use kernel::problem::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{SQUAD_FULL, SQUAD_LOCKED};

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[SQUAD_FULL, SQUAD_LOCKED];

/// The routes of this slice, to be nested under `/api/v1`.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(squads::list, squads::create))
        .routes(routes!(squads::get, squads::update, squads::deactivate))
        .routes(routes!(pages::leaderboard))
        .routes(routes!(pages::page))
        .routes(routes!(pages::observed))
        .routes(routes!(membership::list, membership::assign))
        .routes(routes!(membership::remove))
        .routes(routes!(membership::join))
        .routes(routes!(membership::change))
        .routes(routes!(membership::leave))
}
