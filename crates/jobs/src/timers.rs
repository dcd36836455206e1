//! `jobs.timers`: one-off work of any slice, due at a time.
//!
//! A slice declares a [`Kind`] beside the type of its payload, schedules with [`Kind::schedule`] in the transaction that gives rise
//! to the work, and registers a handler for it with [`Handlers`]. There are two sorts of handlers:
//!
//! * **in the timer's transaction** ([`Handlers::on`]): short effects in the database. Exactly once.
//! * **leased** ([`Handlers::leased`]): what is long, or has effects outside the database. The claim is a lease of its own,
//!   renewed while the handler runs and taken over when the node dies. At least once: see [`Lease`] for making its writes
//!   exactly once.
//!
//! A kind that no running node handles stays PENDING until one does.

mod handlers;
mod kind;
mod lease;
mod lease_store;
mod listing;
mod model;
mod store;
mod table;

use sqlx::PgPool;

pub use handlers::{Handler, Handlers, LeaseSettings};
pub use kind::{Due, Kind};
pub use lease::{Lease, LeaseLost};
pub use listing::{After, Listed, Listing, list};
pub use model::{At, Status, Timer};
pub use store::{cancel_id, clean_up, retry_failed};
pub use table::Timers;

use crate::{
    engine::{Engine, EngineSettings},
    node::NodeHandle,
    wake::Wake,
};

/// The queue's name: for wake-ups, pauses and figures.
pub const QUEUE: &str = "jobs.timers";

/// Starts to run the timers of the kinds that `handlers` know, until the node stops.
pub fn spawn(pool: &PgPool, handlers: Handlers, settings: EngineSettings, node: &NodeHandle, wake: &Wake) {
    let Handlers { transactional, leased } = handlers;
    for (kind, handler) in leased {
        lease::spawn(pool.clone(), kind, handler, node.clone(), wake);
    }
    if !transactional.is_empty() {
        Engine::spawn(pool.clone(), Timers::new(transactional), settings, node, wake);
    }
}
