//! What runs by the clock for what a guild's life is made of.

use ::jobs::schedule::Schedule;
use ::jobs::timers::Handlers;

use crate::{achievements, board, seasons};

/// Its periodic jobs.
pub(super) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new("community.achievements_sweep", "23 4 * * *", |connection| {
            Box::pin(achievements::retroactive::sweep(connection))
        }),
        Schedule::new("community.board_lapse", "* * * * *", |connection| {
            Box::pin(board::lapse::run(connection))
        }),
    ]
}

/// The handlers of its timers.
pub(super) fn handlers() -> Handlers {
    seasons::turn::handlers().and(achievements::retroactive::handlers())
}
