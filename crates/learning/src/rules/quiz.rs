//! Quizzes: what a learner is asked in a try, how their answers are read, and what they are worth.
//!
//! The key stays on this side: [`asked`] is all that leaves. Answers are read into canonical ones (by the short names in the
//! quest's version), stored, and graded by a pure function of question, parameters and canonical answer, so that a
//! regrade needs nothing else.

mod ask;
mod grade;
mod read;
mod solve;

pub use ask::{Put, asked, drawable, put};
pub use grade::{MAX_POINTS, POINT, grade, passes, score};
pub use read::{Given, answers_read};
pub use solve::solve;

#[cfg(test)]
mod tests;
