//! The database layer against real PostgreSQL servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod backfill;
mod migrate;
mod pool;
mod pooler;
mod private;
mod schema_details;
mod sharding;
mod testing;
mod tls;
mod transaction;
