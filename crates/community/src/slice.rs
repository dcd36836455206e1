//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_workers};

use crate::{announcements, board, jobs, personal, routes, shop, skills};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "community",
    about: "Quest board, shop, announcements, skills.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["board", "shop", "announcement", "skill"]),
    problems: routes::PROBLEMS,
    settings: &[],
    scopes: &[],
    events: &[board::EVENTS, shop::EVENTS, announcements::EVENTS, skills::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: |_| jobs::handlers(),
    consumers: |_| jobs::consumers(),
    workers: no_workers,
    audit: None,
    personal: Some(personal::KEEPER),
};
