//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_timers};

use crate::{effects, interactions, native, personal, setup, upkeep};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "discord",
    about: "Discord as a face: the bot's commands, and what is to be done there.",
    router: || {
        interactions::routes::router()
            .merge(effects::routes::router())
            .merge(setup::routes::router())
            .merge(native::routes::router())
    },
    tags: &[],
    terminal: Terminal::Commands(&["discord"]),
    problems: &[],
    settings: &[],
    scopes: &[],
    events: &[],
    schedules: |_| upkeep::schedules(),
    timers: no_timers,
    consumers: upkeep::consumers,
    workers: upkeep::start,
    audit: None,
    personal: Some(personal::KEEPER),
};
