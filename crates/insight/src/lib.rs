//! Insight: what comes of learning when it is counted. Figures of quests, steps and questions; difficulty and ability; what to do next, and
//! what to look at again.
//!
//! Promises:
//! * Everything but what people say of themselves (opinions, dismissals, answers to reviews) is derived from `learning`, and can be derived again: doing it twice gives
//!   the same. An event counts once, however late it comes and whatever dies: a trigger notes it, and folding takes it in the
//!   transaction in which it counts.
//! * Beside each figure stands of how many it is and a 95 % interval; nothing is concluded from fewer than thirty.
//! * What depends on an order keeps its order in a journal of its own (`insight.first_tries`, `completions`, `review_answers`).
//! * Nobody's figures name a learner. Who is forgotten leaves the figures; what their first tries told of steps stays, as nobody's.
//!
//! Map: [`rules`] formulas (`estimate` intervals, `survival`, `items` verdicts, `elo`, `recommend`, `fsrs`) · [`model`] what is told · `store` SQL, a file per
//! family · [`ops`] transactions (`fold` events into runs and open figures made, `figures`, `opinions`, `recommend`, `reviews`) · [`evaluate`] how well recommending does · [`csv`] exports · [`routes`] the HTTP face ·
//! [`jobs`](mod@jobs) what runs by the clock · [`audit`] re-derivation · [`error`], `personal`

pub mod audit;
pub mod csv;
pub mod error;
pub mod evaluate;
pub mod jobs;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;

mod events;
mod personal;
mod slice;
mod store;

pub use error::Error;
pub use routes::router;
pub use slice::SLICE;
