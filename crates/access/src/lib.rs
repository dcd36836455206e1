//! Who may do what, and the web layer on which every slice's routes stand.
//!
//! Promises:
//! * A handler cannot forget its permission: it is the type of its extractor ([`InGuild`], [`AsMember`], [`Global`], [`Holder`]).
//! * A guild's key learns nothing of another guild, not even that it exists.
//! * A revoked key stops within a second on every node; using a key costs no query once it is cached.
//! * A request that carries an `Idempotency-Key` has its effect once, and its repetition the same answer.
//! * A setting changed by an administrator counts within a second on every node; reading it costs no query once cached.
//! * Every wrong request is answered with a [`kernel::Problem`] that names what is wrong.
//!
//! Map: [`scope`] what keys may do · [`actor`] who acts · [`keys`] API keys · [`web`] state, extractors, middleware ·
//! [`settings`] what administrators choose while it runs · [`routes`] the API of it all · [`audit`] the log of administrators' changes · [`openapi`] what handlers say of themselves · [`problems`] kinds.

pub mod actor;
pub mod audit;
mod error;
pub mod keys;
pub mod openapi;
pub mod problems;
pub mod routes;
pub mod scope;
pub mod settings;
pub mod web;

pub use actor::{Actor, By, Origin};
pub use audit::AuditEntry;
pub use openapi::Problems;
pub use scope::{Scope, Scopes};
pub use web::{App, AsMember, Global, Holder, HttpSettings, InGuild, Json, Path, Query};
