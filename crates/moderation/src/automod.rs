//! Automod: judges messages, names and joins by a guild's rules, in memory. What members wrote is looked at and forgotten; what is told of
//! a hit is where, by which steps, and figures ([`Hit::explanation`]).

mod message;
mod verdict;

pub use message::{Attachment, Body, Embed, Member, Message, Poll, created_at};
pub use verdict::{Act, Explanation, Hit, Step, Surface, Verdict};
