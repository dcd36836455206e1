//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_consumers, no_timers};

use crate::{events, routes, schedules, work};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "delivery",
    about: "Events posted to an address of yours, and streamed by NATS.",
    router: routes::router,
    tags: &[
        ("webhooks", "Events posted to an address of yours, signed by the Standard Webhooks specification."),
        ("events", "What happens, as it happens: server-sent events."),
    ],
    terminal: Terminal::Commands(&["webhook"]),
    problems: routes::PROBLEMS,
    settings: &[],
    scopes: access::scope::WEBHOOKS,
    events: &[events::EVENTS],
    schedules: |_| schedules::all(),
    timers: no_timers,
    consumers: no_consumers,
    workers: work::start,
    audit: None,
    // Webhooks belong to the guild. What was told of a member is kept as long as every event.
    personal: None,
};
