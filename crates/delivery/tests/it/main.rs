//! Events that leave the house, against real sockets and a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod addresses;
mod api;
mod bad_days;
mod deliver;
mod endpoint;
mod house;
mod lake;
mod nats;
mod nodes;
