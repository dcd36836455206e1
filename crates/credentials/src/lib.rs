//! Credentials: Open Badges 3.0 for completed learning paths and for achievements.
//!
//! Promises:
//! * Whoever earned what an active badge is for gets its credential once, by the reader of the outbox or by the job that finds what it
//!   missed; one that was revoked is not issued again by itself.
//! * Credentials are VC-JWTs, signed by a key of the guild's own ([`rules::keys`]). A key that was replaced is never used again, and stays
//!   published, so that what it signed can be verified. Private keys are sealed ([`access::Vault`]) and are in no answer.
//! * A bit of a revocation list is given out once, and a revocation is never taken back, also when the holder is forgotten: every issue
//!   and revocation of a guild holds the lock of its row ([`store::issuer_lock`]), and the database refuses the rest.
//! * Anybody can verify a credential without signing in, and is told nothing else about anybody.
//!
//! Map: [`model`] the types · [`rules`] documents, keys, pictures, lists: pure · [`store`] SQL · [`ops`] transactions the faces call ·
//! [`jobs`](mod@jobs) what issues by itself · [`audit`] re-derivation · [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod audit;
pub mod error;
pub mod ids;
pub mod jobs;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
pub mod scope;
pub mod store;

mod events;
mod personal;
mod slice;

pub use error::Error;
pub use routes::{PROBLEMS, router};
pub use slice::SLICE;
pub use store::{KeyForeign, key_heads, keys_foreign, keys_reseal};
