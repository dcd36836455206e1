//! What is to be done on Discord: announcements, and roles that the rules give and take.
//!
//! Promises:
//! * What the outbox tells has one effect: a row of `discord.effects` is made in the transaction that moves the reader's cursor.
//! * Effects on one channel or one member happen one after the other, in the order of their causes; those on others are not held up.
//! * An effect whose node died is tried again by another. A message carries a nonce by which Discord knows it.
//! * What Discord refuses for good is kept with a reason, told, and can be sent again.

mod announce;
mod moderation;
pub mod ops;
mod queue;
pub mod routes;
mod store;
mod worker;

pub use self::moderation::moderate_once;
pub(crate) use self::moderation::spawn as spawn_moderation;
pub(crate) use queue::Queue;
pub use worker::work_once;
pub(crate) use worker::{clean, spawn};
