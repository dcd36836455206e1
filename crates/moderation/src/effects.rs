//! What is to be done on Discord: asked for in the transaction that decides it, done by whoever speaks with Discord.
//!
//! Promises:
//! * Effects of one target ([`Target`]) are handed out one after another, in the order in which they were asked for; those of different
//!   targets at the same time.
//! * Each is leased with a fencing token. Whoever dies loses it to the others; whoever hung and lost it settles nothing
//!   ([`Done::Lost`]). So an effect may be begun twice: [`Leased::idempotency_key`] is a message's `nonce`.
//! * What can succeed later is tried again after a growing pause; what cannot is dead at once, with a reason that an administrator
//!   understands ([`answer`]). [`send_again`] brings it back.
//! * A direct message never holds up what follows it: it is tried once.
//!
//! Whoever carries them out calls [`claim`], does each, turns Discord's answer into an [`Outcome`] by [`answer`], and calls [`applied`]
//! or [`failed`]. They are woken by [`jobs::Wake::subscribe`] of [`QUEUE`], and look every few seconds besides.

mod answer;
mod model;
mod ops;
pub(crate) mod store;

pub use answer::{Outcome, answer};
pub use model::{Dead, Done, Effect, EffectKind, Leased, NewEffect, Payload, Receipt, Settled, Target};
pub use ops::{applied, claim, dead_list, failed, renew, send_again};

/// The queue's name, for wake-ups.
pub const QUEUE: &str = "moderation.effects";
