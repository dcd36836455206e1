//! Campaigns: contests of challenges that start, release, close, reward and expire by durable timers.
//!
//! What this slice promises:
//! - A transition, its journal row, the timer that caused it, the timer's execution row and the events it emits are one
//!   commit. Whatever dies at whatever instant, each happens once or not at all.
//! - `CREATED → RUNNING → CLOSED → REWARD_CLAIM → EXPIRED`, with shortcuts to `EXPIRED`; the database refuses the rest.
//! - Every transition works on a set of campaigns: a thousand campaigns that start in one second cost a few statements a
//!   batch, not a few statements each.
//! - A fee is paid once and refunded once; a reward is claimed once or lapses.
//!
//! | room | holds |
//! |---|---|
//! | [`model`] | settings as authors write them, the campaign as readers see it |
//! | [`rules`] | pure: what settings are valid, when timers are due, when a campaign expires |
//! | [`rehearsal`] | pure: a campaign gone through on paper |
//! | [`locks`] | the order of all locks, told once |
//! | [`lifecycle`] | the transitions, each for a set of campaigns |
//! | [`timers`] | the queue of campaign timers for the `jobs` engine |
//! | [`ops`] | what the faces call: one transaction each |
//! | [`authoring`] | a campaign as a folder or a bundle: read, check, import, export |
//! | [`operations`] | health and performance figures; [`schedules`]: the periodic jobs |
//! | [`audit`] | re-derives rewards and lifecycle from the journals |

pub mod audit;
pub mod authoring;
pub mod error;
mod events;
mod fees;
pub mod lifecycle;
pub mod locks;
pub mod model;
pub mod operations;
pub mod ops;
mod personal;
pub mod rehearsal;
mod routes;
pub mod rules;
pub mod schedules;
mod slice;
mod store;
pub mod timers;

pub use error::Error;
pub use routes::{PROBLEMS, router};
pub use slice::SLICE;
