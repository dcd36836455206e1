//! Setting an installation up, and whatever guild: a page that can be opened again and again. Each step is an operation that there is
//! anyway, and says by looking whether it is done.
//!
//! Whoever comes by the one-time link that `questhall up` prints says who they are, and is an operator from then on.

mod begin;
mod steps;

use access::App;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/demo", get(begin::demo))
        .route("/set-up", get(begin::show))
        .route("/set-up/begin", post(begin::begin))
        .route("/set-up/guilds", post(steps::guild))
        .route("/set-up/guilds/{guild_id}", get(steps::show))
        .route("/set-up/guilds/{guild_id}/staff", post(steps::staff))
        .route("/set-up/guilds/{guild_id}/preset", post(steps::preset))
        .route("/set-up/guilds/{guild_id}/campaign", post(steps::campaign))
        .route("/set-up/guilds/{guild_id}/public", post(steps::public))
}
