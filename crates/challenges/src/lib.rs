//! Challenges: inputs, submissions, leaderboards.

pub mod audit;
pub mod catalogue;
pub mod error;
pub mod hints;
pub mod inputs;
pub mod leaderboard;
pub mod model;
pub mod rules;
pub mod standings;
mod store;
pub mod submissions;

pub use error::{Error, PROBLEMS};
pub use standings::{Snapshot, standings_snapshot};
pub use store::campaign_find;
pub use submissions::{Submission, SubmissionWriter, Verdict};
