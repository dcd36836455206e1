//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_workers};

use crate::{audit, error, events, jobs, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "challenges",
    about: "Challenges: inputs, answers, hints.",
    router: routes::router,
    tags: &[("leaderboards", "Who stands where.")],
    terminal: Terminal::None("a campaign's challenges are written, checked and shown with it: `campaign`"),
    problems: error::PROBLEMS,
    settings: &[],
    scopes: &[],
    events: &[events::EVENTS],
    schedules: jobs::schedules,
    timers: jobs::handlers,
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
