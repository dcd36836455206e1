//! Durable work against a real PostgreSQL, with as many nodes as a test likes in one process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod crash;
mod engine;
mod leases;
mod outbox;
mod pausing;
mod restored;
mod schedules;
mod speed;
mod support;
mod timers;
mod waking;
