//! The slice against a real PostgreSQL, a database per test.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audits;
mod borrowed;
mod hints;
mod languages;
mod leaderboards;
mod pages;
mod parts;
mod races;
mod rejudging;
mod submissions;
mod world;
