//! What a guild does together: the quest board, the shop, announcements, skills.
//!
//! Promises: each module's own. What they pay is journalled by [`progress::grant`], once.
//!
//! Map: [`board`], [`shop`], [`announcements`], [`skills`] · [`jobs`](mod@jobs) what runs by the
//! clock, and readers of the outbox · [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod announcements;
pub mod board;
pub mod error;
pub mod ids;
pub mod jobs;
pub mod routes;
pub mod shop;
pub mod skills;

mod personal;
mod slice;

pub use error::Error;
pub use routes::{PROBLEMS, router};
pub use slice::SLICE;
