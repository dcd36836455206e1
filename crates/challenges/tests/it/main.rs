//! The slice against a real PostgreSQL, a database per test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audits;
mod hints;
mod leaderboards;
mod races;
mod submissions;
mod world;
