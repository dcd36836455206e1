//! What the slice is made of, for the server's list.

use access::slice::{Slice, Terminal, no_timers};

use crate::{effects, interactions, personal, upkeep};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "discord",
    about: "Discord as a face: the bot's commands, and what is to be done there.",
    router: || interactions::routes::router().merge(effects::routes::router()),
    tags: &[],
    terminal: Terminal::None("the bot is set up by settings and by its own commands on Discord"),
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
