//! Moderation: cases, what follows from them, automod, appeals, and what is to be done on Discord. No client of Discord is in here: whoever
//! speaks with it hands over what happened ([`automod`], [`ops`]) and carries out what is asked for ([`effects`]).
//!
//! Promises:
//! * Cases are numbered per guild without gaps, never deleted, and what is changed of them is kept. At most one ban and one time-out of a
//!   person is in force; an old end never lifts a newer case.
//! * A case, its effects on Discord, its timer and its events are one transaction: whatever dies at whatever instant, none is lost and none
//!   comes twice.
//! * What two moderators do in the same moment is done once, and the second is told the number.
//! * Who is out of reach is not acted upon, as far as roles are known; what Discord refuses fails with a reason that people understand.
//! * What members write is judged in memory and kept nowhere; hits are explained by where, steps and figures.
//!
//! Map: [`model`] the types · [`rules`] what may be asked for, who reaches whom, escalation · [`automod`] judging · [`effects`] what is to be
//! done on Discord · `store` SQL · [`ops`] transactions the faces call · [`settings`] · [`error`] · [`routes`] the HTTP face ·
//! `audit` cases held against Discord · `jobs` what runs by the clock · `personal` what is kept of members.

pub mod automod;
pub mod effects;
pub mod error;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
pub mod scopes;
pub mod settings;

mod audit;
mod events;
mod jobs;
mod personal;
mod slice;
mod store;

pub use error::Error;
pub use routes::{PROBLEMS, router};
pub use settings::ModerationSettings;
pub use slice::SLICE;
