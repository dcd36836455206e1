//! Access as its users meet it: requests and their answers, on a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod extractors;
mod guards;
mod house;
mod idempotency;
mod keys;
mod openapi;
mod settings;
