//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_timers, no_workers};

use access::settings::Described;

use crate::public::PublicSettings;
use crate::{events, jobs, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "people",
    about: "Members of a guild, their names and preferences; copies of what is known of them, and forgetting.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["member"]),
    problems: &[],
    settings: &[Described::of::<PublicSettings>],
    scopes: access::scope::COMMUNITY,
    events: &[events::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: no_timers,
    consumers: no_consumers,
    workers: no_workers,
    audit: None,
    personal: Some(personal::KEEPER),
};
