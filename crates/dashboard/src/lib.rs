//! Pages for members and for whoever has not signed in, rendered on the server; those for staff are in `staff`.
//!
//! A handler is the API's own guard, the slices' own `ops` and a template: there is no SQL here and no rule. What the API refuses, a
//! page refuses, in the same words. What pages stand in is `frame`.
//!
//! Map: [`router`] the routes; a folder an area, each template beside its handler.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "templates lend what they pass, however small it is")]

mod campaigns;
mod entry;
mod guild;
mod home;
mod learn;
mod open;
mod preview;
mod public;
mod set_up;
mod you;

use access::App;
use axum::Router;
use axum::routing::get;

/// The pages, and the files that all pages name.
pub fn router() -> Router<App> {
    Router::new()
        .route("/assets/{name}", get(frame::assets::file))
        .merge(entry::router())
        .merge(home::router())
        .merge(campaigns::router())
        .merge(guild::router())
        .merge(you::router())
        .merge(learn::router())
        .merge(public::router())
        .merge(set_up::router())
        .merge(open::router())
}
