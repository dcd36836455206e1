//! The lake and what multiplies rewards, against a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod audit;
mod days;
mod house;
mod http;
mod ingest;
mod multipliers;
mod order;
mod rollover;
