//! What multiplies rewards: the weights of categories, and timed events such as a double-XP weekend.
//!
//! Promises:
//! * Whether a timed event counts is decided by when the interaction happened, however late it becomes known: start
//!   included, end not. Calling off one that runs ends it at that instant; what it multiplied stays.
//! * Timed events that overlap multiply each other, and the category's weight multiplies with them.
//! * A change is in force on every node within a second: ingest keeps what it read for half of one.
//!
//! * Everybody hears when one is planned, begins, ends, or is called off: each once, by a durable timer.
//!
//! Map: [`model`] the types · [`active`] the factors of an interaction · `turn` beginnings and ends · [`ops`] transactions the faces call · `store`
//! SQL · [`routes`] the HTTP face.

pub mod active;
pub mod model;
pub mod ops;
pub mod routes;

mod store;
mod turn;

pub use active::{Multipliers, Weighed};
pub use model::{MultiplierEvent, MultiplierEventEdit, NewMultiplierEvent};
pub(crate) use ops::factors_of;
pub use ops::multipliers_of;
pub(crate) use turn::handlers;

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "multiplier.scheduled" Everyone "rewards are going to be multiplied for a while" {
        event_id: Integer = 4, "the timed event";
        name: Text = "Double XP weekend", "its name";
        xp_multiplier: Number = 2.0, "factor on XP";
        star_multiplier: Number = 1.0, "factor on stars";
        starts_at: Time = "2026-12-05T00:00:00Z", "its start";
        ends_at: Time = "2026-12-07T00:00:00Z", "its end";
    }
    "multiplier.started" Everyone "rewards are multiplied from now on" {
        event_id: Integer = 4, "the timed event";
        name: Text = "Double XP weekend", "its name";
        xp_multiplier: Number = 2.0, "factor on XP";
        star_multiplier: Number = 1.0, "factor on stars";
        starts_at: Time = "2026-12-05T00:00:00Z", "its start";
        ends_at: Time = "2026-12-07T00:00:00Z", "its end";
    }
    "multiplier.ended" Everyone "a timed event is over" {
        event_id: Integer = 4, "the timed event";
        name: Text = "Double XP weekend", "its name";
        xp_multiplier: Number = 2.0, "factor on XP";
        star_multiplier: Number = 1.0, "factor on stars";
        starts_at: Time = "2026-12-05T00:00:00Z", "its start";
        ends_at: Time = "2026-12-07T00:00:00Z", "its end";
    }
    "multiplier.called_off" Everyone "a timed event was called off, or ended before its time" {
        event_id: Integer = 4, "the timed event";
        name: Text = "Double XP weekend", "its name";
    }
}
