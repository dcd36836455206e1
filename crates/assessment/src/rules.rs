//! Decisions, without I/O. Tested by properties.

pub mod allocation;
pub mod late;
pub mod medians;
pub mod regrade;
pub mod rubric;
pub mod waiting;
