//! Types: what authors write ([`quest`], [`path`], [`quiz`], [`coding`], [`assessment`]), and what learners see
//! ([`learner`]).

pub mod assessment;
pub mod coding;
pub mod learner;
pub mod path;
pub mod quest;
pub mod quiz;
