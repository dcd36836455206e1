//! What the slice is made of, for the server's list.

use access::Means;
use access::slice::{Slice, Terminal, no_consumers, no_timers};
use jobs::{Engine, EngineSettings, NodeHandle};

use crate::timers::CampaignTimers;
use crate::{audit, events, personal, routes, schedules};

/// The slice.
pub static SLICE: Slice = Slice {
    name: "campaigns",
    about: "Campaigns: their settings, life cycle, registrations, rewards.",
    router: routes::router,
    // What operators see of all guilds' campaigns.
    tags: &[("operations", "For those who run this installation. Takes keys that are confined to no guild.")],
    terminal: Terminal::Commands(&["campaign"]),
    problems: routes::PROBLEMS,
    settings: &[],
    scopes: access::scope::CAMPAIGNS,
    events: &[events::EVENTS],
    schedules: |means| schedules::all(means.app().pool()),
    timers: no_timers,
    consumers: no_consumers,
    workers: engine_start,
    audit: Some(audit::AUDIT),
    personal: Some(personal::KEEPER),
};

/// Starts the engine of campaigns' timers, which have a table of their own.
fn engine_start(means: &Means, node: &NodeHandle) {
    let (app, settings) = (means.app(), means.get::<EngineSettings>().copied().unwrap_or_default());
    Engine::spawn(app.pool().clone(), CampaignTimers, settings, node, app.wake());
}
