//! Automod: judges messages, names and joins by a guild's rules, in memory. What members wrote is looked at and forgotten; what is told of
//! a hit is where, by which steps, and figures ([`Hit::explanation`]).
//!
//! [`Pipeline::compile`] makes a guild's rules ready, once a change; [`State`] is what is remembered of the guild between messages. Whoever follows the
//! gateway keeps one of each for a guild, calls [`Pipeline::judge`], [`Pipeline::judge_join`] and [`Pipeline::judge_names`], and hands what comes of it
//! to [`crate::ops::record_hits`].
//!
//! A text goes through these steps: Markdown as it is shown (`markdown`), its plain form with places kept (`normal`), words and patterns of all rules at
//! once (`compile`, `judge`), links by where they lead (`links`).

mod compile;
mod judge;
mod links;
mod markdown;
mod message;
mod native;
mod normal;
mod rule;
mod state;
mod verdict;

pub use compile::Pipeline;
pub(crate) use judge::deletions;
pub use message::{Attachment, Body, Embed, Member, Message, Poll, created_at};
pub use native::{Native, native};
pub(crate) use rule::check_duration;
pub use rule::{
    Caps, Config, Count, Endings, Hours, Invites, Joins, Links, Mentions, NewRule, Nothing, Patterns, Rate,
    Rule, RuleType, Same, Words,
};
pub use state::State;
pub use verdict::{Act, Explanation, Hit, Step, Surface, Verdict};
