//! Who may do what, and the web layer on which every slice's routes stand.
//!
//! Promises:
//! * A handler cannot forget its permission: it is the type of its extractor ([`InGuild`], [`AsMember`], [`Global`], [`Holder`]).
//! * A guild's key learns nothing of another guild, not even that it exists.
//! * A revoked key stops within a second on every node; using a key costs no query once it is cached.
//! * A request that carries an `Idempotency-Key` has its effect once, and its repetition the same answer.
//! * A setting changed by an administrator counts within a second on every node; reading it costs no query once cached.
//! * Every wrong request is answered with a [`kernel::Problem`] that names what is wrong.
//! * A role that Discord takes away stops counting within minutes, also when Discord does not answer.
//! * Other sites cannot act with a visitor's cookie, nor plant one; an ended session stops within a second too.
//!
//! Map: [`scope`] what may be done · [`role`] who may do it · [`actor`] who acts · [`keys`] API keys · [`sessions`] and [`sign_in`] people
//! with browsers · [`roles`] who has which role, [`operators`] who runs the installation · [`rate_limit`] how much anybody may send · [`web`] state, extractors, middleware ·
//! [`settings`] what administrators choose while it runs · [`routes`] the API of it all · [`audit`] the log of administrators' changes, [`author`] who made them · [`operations`] what operators of the whole do · [`weekly`] audits · [`slice`](mod@slice) what a slice is made of · [`openapi`] what handlers say of themselves · [`problems`] kinds · [`sight`] who sees which event ·
//! [`personal`] copies of what is known of a member, and forgetting · [`staff`] names that imitate those who run a guild · [`vault`] secrets that are kept sealed · `testing` (feature) routes to knock at.

pub mod actor;
pub mod audit;
pub mod author;
mod error;
pub mod keys;
pub mod openapi;
pub mod operations;
pub mod operators;
pub mod personal;
pub mod problems;
pub mod rate_limit;
pub mod role;
pub mod roles;
pub mod routes;
pub mod scope;
pub mod sessions;
pub mod settings;
pub mod sight;
pub mod sign_in;
pub mod slice;
pub mod staff;
#[cfg(feature = "testing")]
pub mod testing;
mod upkeep;
pub mod vault;
pub mod web;
pub mod weekly;

pub use actor::{Actor, Bearer, By, Origin, Person};
pub use audit::AuditEntry;
pub use author::Author;
pub use openapi::Problems;
pub use role::Role;
pub use scope::{Scope, Scopes};
pub use slice::{Means, SLICE, Slice};
pub use vault::{Vault, VaultError};
pub use web::{App, AsMember, Global, Holder, HttpSettings, InGuild, Json, Path, Query};
