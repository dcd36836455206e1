//! Assessment against a real PostgreSQL, over HTTP: each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod grading;
mod peers;
mod quests;
mod regrades;
mod stage;
mod steps;
