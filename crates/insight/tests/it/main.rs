//! Insight against a real PostgreSQL, over HTTP: each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod figures;
mod items;
mod ratings;
mod stage;
