//! SQL, a file per family. Callers own the connection and the transaction.

pub(crate) mod figures;
pub(crate) mod fold;
pub(crate) mod items;
pub(crate) mod next;
pub(crate) mod ratings;
pub(crate) mod reviews;
