//! Bytes against a real PostgreSQL, a database per test; and over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod daily;
mod http;
mod ledger;
mod ops;
mod reports;
mod role_rewards;
mod transfers;
mod weekly;
