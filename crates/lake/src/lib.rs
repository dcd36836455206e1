//! The event lake: what happened on Discord, counted and rewarded once, and what multiplies rewards.
//!
//! Promises: see [`ingest`], the one way in. Everything that is counted can be counted again from the lake, as far back as it reaches,
//! and [`audit`] does so.
//!
//! Map: [`ingest`] events in · [`browse`] what is known of them, why they earned what they did, how the lake fares; its retention ·
//! [`trial`] what something would earn · [`what_if`] what the last days would have earned · [`days`] charts · [`categories`] groups of channels, [`multipliers`] what multiplies rewards ·
//! `fresh` what a guild configured, kept for a moment · [`jobs`](mod@jobs) what runs by the clock · [`audit`] re-derivation ·
//! [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod audit;
pub mod browse;
pub mod categories;
pub mod days;
pub mod error;
pub mod ids;
pub mod ingest;
pub mod jobs;
pub mod multipliers;
pub mod routes;
pub mod trial;
pub mod what_if;

mod events;
mod fresh;
mod personal;
mod slice;

pub use error::Error;
pub use routes::router;
pub use slice::SLICE;
