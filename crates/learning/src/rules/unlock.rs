//! What opens what: rules as authors write them, the same compiled over a guild's quests, whether a learner meets them
//! and what is missing, and whether everything that is published can be reached at all.

mod condition;
mod reach;
mod rule;

pub use condition::{Condition, Fact, Facts, Goal, Missing};
pub use reach::{Fault, Reach, reach};
pub use rule::{AtLeast, MAX_DEPTH, MAX_RULES, Rule, rule_check};
