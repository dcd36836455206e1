//! Pure decisions: what documents say, how they are signed, what lists hold, what pictures are.

pub mod document;
pub mod keys;
pub mod picture;
pub mod standing;
pub mod status_list;
