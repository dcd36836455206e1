//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_timers, no_workers};

use crate::{jobs, routes};

/// The slice. It keeps nothing of members.
pub static SLICE: Slice = Slice {
    name: "search",
    about: "Finding quests and paths by words and by meaning.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["search"]),
    problems: &[],
    settings: &[],
    scopes: &[],
    events: &[],
    schedules: jobs::schedules,
    timers: no_timers,
    consumers: no_consumers,
    workers: no_workers,
    audit: None,
    personal: None,
};
