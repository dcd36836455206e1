//! Decisions, without I/O: what follows from documents, answers and states. Tested by properties.

pub mod banks;
pub mod chance;
pub mod check;
pub mod coding;
pub mod files;
pub mod formula;
pub mod number;
pub mod progress;
pub mod quiz;
pub mod text;
pub mod unlock;
pub mod versions;
