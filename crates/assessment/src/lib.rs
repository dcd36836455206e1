//! Assessment: quests judged as a whole, and whatever is judged by people.
//!
//! Promises:
//! * Learning is told that something is passed in the transaction in which it becomes so ([`learning::ops::judged`]), under the
//!   learner's lock, and completes, tests out and rewards there, once. It knows nothing of this slice.
//! * Every grade and every change of one stands in `assessment.grade_history`, and can be derived again: from points or medians, by the
//!   late policy of the version that it names. A grade after its penalty counts, and of several the best.
//! * Nobody waits for ever. Claims are leases; a review that is not written is given to another; a hand-in that peers do not review by
//!   its time is graded by what there is, or falls to the instructors, who are reminded. Giving out reviews is one transaction under
//!   the assessment's row, so no two people are given the last free place.
//! * Learners are sent no key, no hidden test, and no rubric before its time; reviewers are not told whose work it is, nor authors who
//!   reviewed it.
//!
//! Locks are taken in one order: the assessment's row, learners, submissions.
//!
//! Map:
//! * [`model`] what faces show and take · [`ids`] · [`rules`] pure decisions: `late`, `rubric`, `medians`, `allocation`, `waiting`, `regrade`
//! * [`store`] SQL · [`ops`] transactions: `hand_in`, `grade`, `queue`, `extensions`, `peers`, `regrade`, `views` · [`timers`] what falls due
//! * [`ReviewDesk`] gives reviews to whoever asks at the same time · [`routes`] the HTTP face · [`audit`] re-derivation · [`error`] what can go wrong; `events`, `personal`

pub mod audit;
pub mod error;
pub mod ids;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
pub mod store;
pub mod timers;

mod desk;
mod events;
mod personal;
mod slice;

pub use desk::ReviewDesk;
pub use error::Error;
pub use routes::router;
pub use slice::SLICE;
