//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_timers, no_workers};

use crate::{audit, events, jobs, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "insight",
    about: "What comes of learning when it is counted: figures of quests, steps and questions; what to do next, and again.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["insight", "recommend"]),
    problems: &[],
    settings: &[],
    scopes: &[],
    events: &[events::EVENTS],
    schedules: |means| jobs::schedules(means.app().pool()),
    timers: no_timers,
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
