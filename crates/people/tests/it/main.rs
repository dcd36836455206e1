//! Members, their names and roles, against a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod http;
mod members;
mod preferences;
mod roles;
