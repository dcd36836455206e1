//! Interactions: what members do with the bot's commands, buttons, menus and forms, by HTTP or by the gateway alike.
//!
//! Promises:
//! * Only what Discord signed is taken, while it is fresh, and once: whichever face it comes by.
//! * Everybody is answered within 1.5 s: with the answer, or with a promise of one that is kept.
//! * Buttons, menus and forms carry what they are about, signed: they work after a restart, on every node, and only for whom
//!   they were made.

pub mod custom_id;
mod face;
pub mod model;
pub mod reply;
pub mod routes;
pub mod verify;

pub(crate) use face::{arrived, forget_old};
pub use model::Interaction;
pub use reply::Reply;
