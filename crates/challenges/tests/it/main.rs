//! The slice against a real PostgreSQL, a database per test.

mod audits;
mod hints;
mod leaderboards;
mod races;
mod submissions;
mod world;
