//! Credentials against a real PostgreSQL, over HTTP: each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod badges;
mod issuing;
mod keys;
mod personal;
mod revoking;
mod stage;
mod verifier;
