//! What runs by the clock for what a guild's life is made of.

use ::jobs::outbox::spawn_consumer;
use ::jobs::schedule::Schedule;
use ::jobs::timers::Handlers;
use ::jobs::{NodeHandle, Wake};
use sqlx::PgPool;

use crate::{achievements, announcements, board, multipliers, seasons, skills};

/// Its periodic jobs.
pub(super) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new("community.achievements_sweep", "23 4 * * *", |connection| {
            Box::pin(achievements::retroactive::sweep(connection))
        }),
        Schedule::new("community.announcements_clean", "41 4 * * *", |connection| {
            Box::pin(announcements::release::clean(connection))
        }),
        Schedule::new("community.board_lapse", "* * * * *", |connection| {
            Box::pin(board::lapse::run(connection))
        }),
    ]
}

/// Starts its consumers of the outbox.
pub(super) fn consume(pool: &PgPool, node: &NodeHandle, wake: &Wake) {
    spawn_consumer(pool.clone(), announcements::Producer, node.clone(), wake);
    spawn_consumer(pool.clone(), skills::Cascade, node.clone(), wake);
}

/// The handlers of its timers.
pub(super) fn handlers() -> Handlers {
    seasons::turn::handlers()
        .and(achievements::retroactive::handlers())
        .and(announcements::release::handlers())
        .and(multipliers::handlers())
}
