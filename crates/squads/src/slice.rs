//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_timers, no_workers};

use crate::{audit, events, jobs, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "squads",
    about: "Squads and who is in them.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["squad"]),
    problems: routes::PROBLEMS,
    settings: &[],
    scopes: access::scope::SQUADS,
    events: &[events::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: no_timers,
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
