//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_schedules, no_workers};

use crate::{audit, error, events, personal, routes, timers};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "assessment",
    about: "Quests judged as a whole: tries, hand-ins, the queue of those who grade, deadlines, peer review, regrades.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["assessment"]),
    problems: error::PROBLEMS,
    settings: &[],
    scopes: &[],
    events: &[events::EVENTS],
    schedules: no_schedules,
    timers: |means| timers::handlers(means.app().pool(), means.get::<sandbox::Sandbox>().cloned()),
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
