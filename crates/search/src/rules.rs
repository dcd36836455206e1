//! Pure decisions.

pub mod parts;
pub mod ranks;
pub mod tokens;
pub mod vectors;
