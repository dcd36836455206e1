//! What operators of the whole installation see and do: nodes, queues, periodic jobs, failed timers, the outbox, the
//! sandbox. Every route takes a key that is confined to no guild. A guild's own campaign timers are in `campaigns`.

mod nodes;
pub(crate) mod outbox;
mod queues;
mod sandbox;
mod schedules;
mod timers;
mod upkeep;

use access::App;
use access::slice::{Slice, Terminal, no_consumers, no_timers, no_workers};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::sandbox::ScriptRunner;

/// What the server is itself, as a slice: what operators see and do, and the streams of events.
pub(crate) static SLICE: Slice = Slice {
    name: "operations",
    about: "For those who run this installation. Takes keys that are confined to no guild.",
    router,
    tags: &[
        ("events", "What happens, as it happens: server-sent events."),
        ("leaderboards", "Who stands where."),
    ],
    terminal: Terminal::Commands(&["secrets", "audit", "doctor"]),
    problems: &[],
    settings: &[],
    scopes: &[],
    events: &[jobs::events::OF_TIMERS],
    schedules: upkeep::schedules,
    timers: no_timers,
    consumers: no_consumers,
    workers: no_workers,
    audit: Some(outbox::AUDIT),
    // Events are kept for 30 days, whoever they name; timers and nodes name nobody.
    personal: None,
};

/// The routes, to be nested under `/api/v1`.
fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(crate::events::router())
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::drain))
        .routes(routes!(nodes::undrain))
        .routes(routes!(queues::list))
        .routes(routes!(queues::pause))
        .routes(routes!(queues::resume))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::run_now))
        .routes(routes!(timers::list))
        .routes(routes!(timers::retry))
        .routes(routes!(timers::cancel))
        .routes(routes!(outbox::show))
        .routes(routes!(sandbox::show))
}
