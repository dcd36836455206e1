//! Categories: groups of channels, and what interactions in them are worth.
//!
//! Promises: a channel is in one category at most, so that an event's category is never ambiguous (by a unique key); a
//! category that is removed gives its channels free and keeps its past.
//!
//! Map: [`model`] the types · [`ops`] transactions the faces call · `store` SQL · [`routes`] the HTTP face. What the
//! factors come to for an event is [`crate::multipliers`]'.

pub mod model;
pub mod ops;
pub mod routes;

mod store;

pub use model::{Category, CategoryEdit, Interaction, MovedChannel, NewCategory, Weight};
