//! Decisions and formulas, without I/O. Tested by properties.

pub mod elo;
pub mod estimate;
pub mod items;
pub mod survival;
