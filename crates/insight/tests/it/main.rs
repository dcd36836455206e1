//! Insight against a real PostgreSQL, over HTTP: each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![expect(clippy::disallowed_methods, reason = "days are counted from the real one, which the database has")]
#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "small whole numbers and their exact quotients"
)]

// It declares the events of the cascade.
use community as _;

mod figures;
mod items;
mod ratings;
mod recommendations;
mod reviews;
mod stage;
