//! What runs by the clock, and readers of the outbox.

use ::jobs::outbox::spawn_consumer;
use ::jobs::schedule::Schedule;
use ::jobs::timers::Handlers;
use ::jobs::{NodeHandle, Wake};
use sqlx::PgPool;

use crate::{announcements, board, skills};

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new("community.announcements_clean", "41 4 * * *", |connection| {
            Box::pin(announcements::release::clean(connection))
        }),
        Schedule::new("community.board_lapse", "* * * * *", |connection| {
            Box::pin(board::lapse::run(connection))
        }),
    ]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers() -> Handlers {
    announcements::release::handlers()
}

/// Starts this slice's consumers of the outbox, until the node stops.
pub fn consume(pool: &PgPool, node: &NodeHandle, wake: &Wake) {
    spawn_consumer(pool.clone(), announcements::Producer, node.clone(), wake);
    spawn_consumer(pool.clone(), skills::Cascade, node.clone(), wake);
}
