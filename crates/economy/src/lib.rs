//! Bytes, the currency of a guild: balances, and the ledger they can be re-derived from.
//!
//! Promises:
//! * Every change of a balance is a row of `economy.bytes_transactions`, written with it in one statement. The house
//!   (user 0) is the other side of whatever is not between two members, so that a guild's balances, house included,
//!   always add up to zero; the house alone may be below zero.
//! * Amounts are whole and positive; nobody pays themselves; nobody's balance ever goes below zero, in whatever order
//!   concurrent payments arrive.
//! * A cause that carries a `dedupe_key` is posted once per guild.
//! * A transfer is refused by itself: the others of its batch do not notice.
//! * Whoever has received what a role reward takes is granted it once, in the transaction that brings it about.
//! * Whoever is first seen here receives the guild's starting balance, once. Bots receive nothing.
//!
//! Map: [`ledger`] posting, which other slices call · [`transfers`] between members, in batches · [`role_rewards`] roles for
//! what was received · [`model`] the types · [`rules`] what may be · [`store`] SQL ·
//! [`ops`] transactions the faces call · [`first_messages`] claims by writing · [`reports`] a day in figures · [`export`] the ledger as CSV · [`jobs`](mod@jobs) what
//! runs by the clock · [`audit`] re-derivation · [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod audit;
pub mod error;
pub mod export;
pub mod first_messages;
pub mod jobs;
pub mod ledger;
pub mod model;
pub mod ops;
pub mod reports;
pub mod role_rewards;
pub mod routes;
pub mod rules;
pub mod store;
pub mod transfers;

mod events;
mod personal;
mod slice;

pub use error::{Error, LedgerError, PROBLEMS};
pub use ledger::{accounts_ensure, post};
pub use model::{Kind, Posted, Posting, Reference};
pub use routes::router;
pub use slice::SLICE;
pub use transfers::TransferWriter;
