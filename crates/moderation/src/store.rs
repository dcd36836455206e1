//! SQL over cases, rules, hits, appeals and raids; over effects, see [`crate::effects`]. Callers own the connection and the transaction.

pub(crate) mod appeals;
pub(crate) mod cases;
pub(crate) mod escalations;
pub(crate) mod hits;
pub(crate) mod observed;
pub(crate) mod raids;
pub(crate) mod replays;
pub(crate) mod rules;
