//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_timers, no_workers};

use crate::{audit, events, jobs, personal, routes, scope};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "credentials",
    about: "Open Badges for what members completed: issuing, verifying, revoking.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["credential"]),
    problems: routes::PROBLEMS,
    settings: &[],
    scopes: scope::CREDENTIALS,
    events: &[events::EVENTS],
    schedules: jobs::schedules,
    timers: no_timers,
    consumers: jobs::consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
