//! The way into the event lake: one path for every source.
//!
//! Promises:
//! * An event is acknowledged when it is durable: in the lake, counted, and rewarded, in one transaction.
//! * It counts once, however often it arrives and through however many nodes: `event_keys` says what is new.
//! * A guild's batches come one after another, on all nodes ([`people::store::guilds_lock`]), and its events are rewarded in the order
//!   in which they came; so a replay after a crash, or the same events through two nodes, end in the same totals to the last XP.
//! * Voice earns what it earns in the order of time, whatever the order of arrival: events that come after later ones rewind it.
//! * What is wrong with an event is told by field; the others of its batch are taken.
//! * Memory is bounded: who sends too much waits, or is told to come back.
//!
//! Map: `event` what comes in, and what is refused · `writer` group commit · `queue` what waits · `batch` from locks to rewards, `admitted` its new events, `outcome` what became of them · [`lines`] streams and
//! files · `limits` what is allowed · `voice` who sits where · `book` what a batch adds up to · [`generator`] made-up events · `store` SQL, by what it is
//! about · `config` what guilds chose.

mod admitted;
mod batch;
mod book;
mod config;
mod event;
pub mod generator;
mod limits;
pub mod lines;
mod outcome;
mod queue;
mod settings;
mod store;
mod voice;
mod writer;

pub use event::{Event, Fault, MAX_EVENT_BYTES, Payload};
pub use outcome::{IngestError, MAX_BATCH, Outcome};
pub use settings::LakeSettings;
pub use writer::{EventWriter, Feed};
