//! Squads against a real PostgreSQL, a database per test; and over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod http;
mod membership;
mod pages;
mod weekly;
