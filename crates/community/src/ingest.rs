//! The way into the event lake: one path for every source.
//!
//! Map: `event` what comes in, and what is refused · `changes` what a batch changed about members.

mod changes;
mod event;

pub use changes::{Changes, MemberChange, Moved, SeasonChange};
pub use event::{Event, EventType, Fault, MAX_EVENT_BYTES, Payload};
