//! SQL over cases, rules, hits, appeals and raids; over effects, see [`crate::effects`]. Callers own the connection and the transaction.

pub(crate) mod appeals;
pub(crate) mod cases;
pub(crate) mod escalations;
pub(crate) mod raids;
