//! Search: quests and paths, found by their words and, where there is a model, by what they mean.
//!
//! Promises:
//! * Only what learners may see is found: published quests that are not retired, and published paths; of drafts nothing, nor of steps,
//!   nor of another guild. Whatever finds a candidate, what is answered is read from the tables of learning.
//! * What is answered holds no markup of ours: texts come in parts, each of which says whether it was asked for ([`model::Part`]).
//! * Without a model, or while its vectors lag behind, words still find everything; the answer says how it was found.
//!
//! Map: [`model`] the types · [`rules`] parts of texts, ranks of two lists as one, tokens and vectors: pure · [`engine`] the model and the
//! vectors in memory · [`store`] SQL · [`ops`] what the faces call · [`jobs`](mod@jobs) what brings vectors up to date · [`routes`] the HTTP face.

pub mod engine;
pub mod error;
pub mod jobs;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
pub mod store;

mod slice;

pub use engine::{LoadError, Search};
pub use error::Error;
pub use routes::router;
pub use slice::SLICE;
