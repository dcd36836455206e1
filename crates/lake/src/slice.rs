//! What the slice is made of, for the server's list.

use access::settings::Described;
use access::slice::{Slice, Terminal, no_consumers, no_workers};

use crate::ingest::LakeSettings;
use crate::{audit, events, jobs, multipliers, personal, routes};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "lake",
    about: "What happened on Discord, charts of it, and what multiplies rewards.",
    router: routes::router,
    tags: &[],
    terminal: Terminal::Commands(&["lake", "ingest", "generate-events", "category", "multiplier"]),
    problems: &[],
    settings: &[Described::of::<LakeSettings>],
    scopes: access::scope::LAKE,
    events: &[events::EVENTS, multipliers::EVENTS],
    schedules: |_| jobs::schedules(),
    timers: |_| jobs::handlers(),
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};
