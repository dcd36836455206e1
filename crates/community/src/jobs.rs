//! What runs by the clock, and readers of the outbox.

use ::jobs::outbox::Consumers;
use ::jobs::schedule::Schedule;
use ::jobs::timers::Handlers;

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

/// This slice's consumers of the outbox.
pub fn consumers() -> Consumers {
    Consumers::new().with(announcements::Producer).with(skills::Cascade)
}
