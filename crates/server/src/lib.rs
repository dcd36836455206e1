//! The HTTP face of all slices, and the process that runs them.
//!
//! Promises:
//! * [`build`] gives the whole face as a router that needs no socket: tests and the process use the same.
//! * [`run`] brings up whatever the settings and roles ask for, and takes it down in order: a stopped process lost no request
//!   in flight, left no timer half done, and said goodbye to the other nodes.
//! * Every error leaves as problem+json with a request id; nothing internal leaves with it.
//! * What is described in [`openapi`] is what is served: the document is made from the handlers.
//!
//! Map: [`settings`] what an operator may choose · `router` the face, `web` what every request passes through ·
//! `api` all slices' routes and their document · `events` server-sent events · `operations` for who runs the installation ·
//! `health` readiness and [`figures`] · `pages`, `reader`, `status` for people · `slices` every slice, listed once · `run` the process,
//! [`secrets`] that all nodes have one key, `listen` its sockets, `slim` the memory it gives back.

mod api;
mod events;
pub mod figures;
mod health;
mod listen;
mod operations;
mod pages;
mod reader;
mod router;
mod run;
pub mod secrets;
pub mod settings;
mod slices;
mod slim;
mod status;
mod web;

pub use router::{Services, build};
pub use run::{RunError, Server, Shutdown, run, signals};
pub use settings::{Role, Roles, Settings};
pub use slices::{SLICES, catalogue, settings_registry};

use utoipa::openapi::OpenApi;

/// The document of the whole API, as `questhall openapi` prints it and as it is checked in.
pub fn openapi() -> OpenApi {
    api::document(None)
}

/// A document as text, the same every time: indented, with a line feed at its end.
pub fn document_text(document: &OpenApi) -> String {
    // A document is made of texts and maps with text keys: it can always be written.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
