//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_timers, no_workers};

use crate::{audit, error, events, jobs, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "learning",
    about: "Paths of quests: authoring, enrolment, steps, quizzes, progress.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["path"]),
    problems: error::PROBLEMS,
    settings: &[],
    scopes: access::scope::LEARNING,
    events: &[events::EVENTS],
    schedules: |means| jobs::schedules(means.app().pool()),
    timers: no_timers,
    consumers: |_| jobs::consumers(),
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
