//! Coming in and going out: signing in, choosing a guild, in development looking as a member.

mod acting;
mod guilds;
mod sign_in;

pub(super) use guilds::may_make;

use access::App;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/", get(guilds::root))
        .route("/guilds", get(guilds::list))
        .route("/sign-in", get(sign_in::show).post(sign_in::local))
        .route("/sign-out", post(sign_in::out))
        .route("/theme", post(sign_in::choose_theme))
        .route("/language", post(sign_in::choose_language))
        .route("/g/{guild_id}/as", get(acting::choose).post(acting::act))
}
