//! Challenges: inputs, submissions, leaderboards.

pub mod error;
pub mod model;
pub mod rules;
mod store;
pub mod submissions;

pub use error::{Error, PROBLEMS};
