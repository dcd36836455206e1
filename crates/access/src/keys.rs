//! API keys: 256 random bits that are shown once and stored as a SHA-256, as Stripe's and GitHub's are. A key needs no
//! slow hash: nobody guesses 256 bits, and every request pays for the hash.
//!
//! Promises: a revoked or expired key is refused within a second on every node ([`cache`]); using a key never writes to
//! the database in the request; nobody hands on more than they hold, or for longer, or takes it from who holds more ([`ops`]);
//! streams end with the key, or role, that they were opened by ([`vigil`]).

pub mod cache;
mod model;
pub mod ops;
mod policy;
pub mod rules;
mod store;
mod token;
pub mod vigil;

pub use cache::KeyCache;
pub use model::{Key, KeyError, NewKey, Revoked};
pub use ops::{key_create, key_get, key_list, key_revoke, key_rotate};
pub use policy::KeyPolicy;
pub use token::{Hash, PlainKey, hex, unhex};
pub(crate) use token::{SESSION_PREFIX, hash, is_key, random};
pub use vigil::{Vigil, Vigils};
