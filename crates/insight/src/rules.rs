//! Decisions and formulas, without I/O. Tested by properties.

pub mod elo;
pub mod estimate;
pub mod fsrs;
pub mod items;
pub mod recommend;
pub mod survival;
