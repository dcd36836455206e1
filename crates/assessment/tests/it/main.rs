//! Assessment against a real PostgreSQL, over HTTP: each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "deadlines are set beside the real time, which the database has"
)]
#![expect(clippy::unnecessary_wraps, reason = "bodies as requests take them")]

mod grading;
mod peers;
mod quests;
mod regrades;
mod stage;
mod steps;
