//! The outbox: every domain event, written in the transaction that caused it, followed by whoever carries it outside.
//!
//! Readers follow `(transaction_id, id)` and stop before the oldest transaction that is still running. So a row that commits
//! late is never skipped, rows need no second write to number them, and the order is the same for every reader. The
//! price: one long writing transaction holds up every reader, so keep them short.

mod catalogue;
mod consumer;
mod emit;
mod feed;
mod origin;
mod position;
mod publisher;
mod read;
mod tail;
mod topics;

pub use catalogue::{Audience, EventType, Field, FieldKind, event_type, event_types};
#[doc(hidden)]
pub use catalogue::{Declared, declaring};
pub use consumer::{Consumer, Consumers, Start, consume_batch, spawn as spawn_consumer};
pub use emit::{Event, emit, emit_one};
pub use feed::{Feed, FeedError};
pub use origin::{Estranged, estranged, settle};
pub use position::{ParsePositionError, Position};
pub use publisher::{PublishError, Publisher, spawn as spawn_publisher};
pub use read::{Filter, Stored, Viewer, horizon, pruned, read_after, read_of_member};
pub use tail::{Tail, TailError};
pub use topics::{Live, Subscription, Topic};
