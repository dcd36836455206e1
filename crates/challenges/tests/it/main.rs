//! The slice against a real PostgreSQL, a database per test.

mod races;
mod submissions;
mod world;
