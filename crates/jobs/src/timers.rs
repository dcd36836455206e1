//! One-off work of any slice.
