//! Access as its users meet it: requests and their answers, on a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod discord;
mod extractors;
mod guards;
mod house;
mod idempotency;
mod keys;
mod limits;
mod log;
mod openapi;
mod people;
mod roles;
mod settings;
mod vault;
