//! The pages, a folder an area.

mod campaigns;
mod entry;
mod guild;
mod home;
mod learn;
mod open;
mod public;
mod set_up;
mod staff;
mod you;

use access::App;
use axum::Router;
use axum::routing::get;

use crate::assets;

/// All pages, and the files that they name.
pub fn router() -> Router<App> {
    Router::new()
        .route("/assets/{name}", get(assets::file))
        .merge(entry::router())
        .merge(home::router())
        .merge(campaigns::router())
        .merge(guild::router())
        .merge(you::router())
        .merge(learn::router())
        .merge(public::router())
        .merge(set_up::router())
        .merge(open::router())
        .merge(staff::router())
}
