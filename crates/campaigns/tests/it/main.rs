//! Campaigns against a real PostgreSQL: each test has a database of its own, and time passes by moving the campaign's own
//! times into the past.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod authoring;
mod lifecycle;
mod registration;
mod rewards;
mod stage;
mod timers;
mod transitions;
