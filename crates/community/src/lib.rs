//! What a guild does together: the quest board, the shop, announcements, skills; and a member's right to a copy of what is known of
//! them, and to be forgotten.
//!
//! Promises: each module's own. What they pay is journalled by [`progress::grant`], once.
//!
//! Map: [`board`], [`shop`], [`announcements`], [`skills`] · [`privacy`] copies and forgetting · [`jobs`](mod@jobs) what runs by the
//! clock, and readers of the outbox · [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod announcements;
pub mod board;
pub mod error;
pub mod ids;
pub mod jobs;
pub mod privacy;
pub mod routes;
pub mod shop;
pub mod skills;

pub use error::Error;
pub use routes::{PROBLEMS, router};
