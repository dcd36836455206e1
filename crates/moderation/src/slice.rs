//! What the slice is made of, for the server's list.

use access::settings::Described;
use access::slice::{Slice, Terminal, no_consumers, no_workers};

use crate::settings::ModerationSettings;
use crate::{audit, events, jobs, ops, personal, routes, scopes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "moderation",
    about: "Cases, automod, appeals, raids, and what is to be done on Discord.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["mod"]),
    problems: routes::PROBLEMS,
    settings: &[Described::of::<ModerationSettings>],
    scopes: scopes::SCOPES,
    events: &[events::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: ops::handlers,
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
