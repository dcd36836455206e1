//! Learning: paths of quests, made of steps; attempts, quizzes, programs, progress, and what completing them brings.
//!
//! Promises:
//! * Learners are sent no key, no hidden test and no rubric before its time: what leaves is made of [`model::learner`] and
//!   `model::quiz::Asked…` alone, which have no fields for them.
//! * What is published can be reached: publication holds the guild's lock, runs the fixpoint of [`rules::unlock`] over
//!   prerequisites and rules, and refuses what could never be opened, naming what blocks it and the cycle.
//! * Who is in the middle of a quest keeps the version they began; what is graded names its version. What learners have
//!   touched is retired, never deleted.
//! * Progress is two whole numbers, written in the commit that causes it. Completed stays completed, an unlock is never
//!   withdrawn, and each completion is rewarded once, whatever is repeated or raced: every write for a learner holds the
//!   lock of their row ([`store::learner_lock`]).
//! * What happened in attempts is append-only (`learning.attempt_events`), from which figures can be derived again.
//!
//! Map, so that several people find room:
//! * [`model`] types: [`model::quest`], [`model::path`], [`model::quiz`], [`model::bank`], [`model::coding`], [`model::assessment`] what authors
//!   write; [`model::learner`] what learners see · [`ids`]
//! * [`rules`] pure decisions: `check` documents, `files` what texts name, `unlock` what opens what,
//!   `quiz`/`number`/`text`/`formula`/`coding` grading, `chance`
//!   shuffles, `progress`, `versions`
//! * [`graph`] a guild's published quests in memory, under its revision · [`store`] SQL, a file per family
//! * [`ops`] transactions: `authoring` and `publish` · `learn` (enrol, begin, pause, …), `steps`, `quizzes`, `programs` · `complete` (the
//!   one place where something becomes done: progress, rewards, unlocks) · `elsewhere` what happens
//!   elsewhere and concerns learners · `banks` · `states` what is shown
//! * [`StepDesk`] completes steps that are confirmed at one instant together · [`authoring`] folders and bundles · [`routes`] the HTTP face, a file per family
//! * [`jobs`](mod@jobs) what runs by the clock · [`audit`] re-derivation · [`error`] what can go wrong; `events`, `personal`

pub mod audit;
pub mod authoring;
pub mod error;
pub mod graph;
pub mod ids;
pub mod jobs;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
pub mod store;

mod desk;
mod events;
mod personal;
mod slice;

pub use desk::StepDesk;
pub use error::Error;
pub use routes::{PROBLEMS, router};
pub use slice::SLICE;
