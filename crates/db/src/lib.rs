//! The database: where it is, how connections to it are kept, and how its schema comes to be.
//!
//! Promises:
//! * [`Database::open`] either returns a database that answered, of a version we support, or an [`OpenError`] whose
//!   sentence says what to do. With no URL it brings up a PostgreSQL of its own ([`private`]).
//! * [`migrate::Schema::run`] may be called by any number of nodes at once; each migration runs once.
//! * A transaction handed to [`retry`] is repeated only when PostgreSQL itself said that it left no trace.
//!
//! SQL here is not checked at compile time, unlike everywhere else: this crate brings the schema into being, so it must
//! compile where there is none yet. Tests run every statement instead.
//!
//! Map: [`settings`] what the operator may choose · [`pool`] connections · [`private`] our own PostgreSQL ·
//! [`migrate`] the schema · [`backfill`] long rewrites of rows while the service runs · [`errors`] what a database
//! error means · `testing` (feature) a database per test.

pub mod backfill;
pub mod errors;
pub mod migrate;
pub mod open;
pub mod pool;
pub mod private;
pub mod settings;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transaction;

pub use errors::{AffectedError, constraint, ensure_affected, is_connection_lost, is_retryable};
pub use open::{Database, OpenError};
pub use settings::{Settings, SettingsError};
pub use transaction::{acquire, begin, begin_reading, now, retry};
