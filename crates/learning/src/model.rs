//! Types: what authors write ([`quest`], [`path`], [`quiz`], [`bank`], [`coding`], [`assessment`]), and what learners see
//! ([`learner`]).

pub mod assessment;
pub mod bank;
pub mod coding;
pub mod learner;
pub mod path;
pub mod quest;
pub mod quiz;
