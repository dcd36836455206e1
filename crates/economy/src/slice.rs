//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_timers, no_workers};

use crate::{audit, error, events, jobs, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "economy",
    about: "Bytes: balances and transfers.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["economy"]),
    problems: error::PROBLEMS,
    settings: &[],
    scopes: access::scope::ECONOMY,
    events: &[events::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: no_timers,
    consumers: |_| jobs::consumers(),
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
