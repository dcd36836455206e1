//! Sessions of people who signed in with a browser. The cookie holds 256 random bits, the database their hash.
//!
//! Promises: a session ends by idling, by age, by signing out, and then counts nowhere after a second; signing in always
//! makes a new token, so that nobody can plant one; an unsafe request needs a token that no other site can read ([`csrf`]).

pub mod cookie;
pub mod csrf;
mod model;
pub mod ops;
mod policy;
mod store;

pub use model::{NewSession, SessionInfo};
pub use ops::{session_end, session_end_all, session_end_by_token, session_list, session_start};
pub use policy::SessionPolicy;
pub(crate) use store::{live_by_hash, touch};
pub use store::{oauth_states_clean, sessions_clean};
