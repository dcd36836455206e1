//! Types that faces show and take.

pub mod extension;
pub mod peer;
pub mod regrade;
pub mod submission;
pub mod view;
pub mod work;
