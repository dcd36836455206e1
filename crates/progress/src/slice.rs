//! What the slice is made of, for the server's list.

use access::settings::Described;
use access::slice::{Slice, Terminal, no_consumers, no_workers};

use crate::rewards::RewardSettings;
use crate::{achievements, audit, awards, events, jobs, personal, routes, seasons};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "progress",
    about: "What members earned: XP, seasons, achievements, awards.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["season", "achievement", "award"]),
    problems: &[],
    settings: &[Described::of::<RewardSettings>],
    scopes: &[],
    events: &[events::EVENTS, seasons::EVENTS, achievements::EVENTS, awards::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: |_| jobs::handlers(),
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
