//! What a slice is made of, declared once.
//!
//! A slice declares a [`Slice`] in its own crate; the server lists all of them, once. Everything that needs to know every slice goes over
//! that list: routes and their document, the catalogue of problems, settings, periodic jobs, timers, readers of the outbox, audits,
//! copies of what is known of a member and forgetting them. The fields have no defaults: a part that was forgotten does not compile,
//! and `crates/server/tests` holds what the compiler cannot see against the database's catalogue.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use jobs::NodeHandle;
use jobs::outbox::{Consumers, EventType};
use jobs::schedule::Schedule;
use jobs::timers::Handlers;
use kernel::Kind;
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::personal::Keeper;
use crate::scope::Description;
use crate::settings::Described;
use crate::weekly::Audit;

/// How a slice is shown at the terminal.
#[derive(Debug, Clone, Copy)]
pub enum Terminal {
    /// By these commands of `questhall`, in `crates/cli`.
    Commands(&'static [&'static str]),
    /// By none, for this reason.
    None(&'static str),
}

/// A slice of the house: a crate, a schema of the database, a tag of the API and a page of documentation bear its name.
pub struct Slice {
    /// Its name.
    pub name: &'static str,
    /// What it is about, as a sentence: of the API's tag.
    pub about: &'static str,
    /// Its routes, to be nested under `/api/v1`. Each bears a tag: the slice's name, or one of [`Slice::tags`].
    pub router: fn() -> OpenApiRouter<App>,
    /// Further tags of its routes, where readers look for a topic rather than a slice: name and sentence.
    pub tags: &'static [(&'static str, &'static str)],
    /// Its commands.
    pub terminal: Terminal,
    /// Kinds of problem that it adds.
    pub problems: &'static [Kind],
    /// Groups of settings that administrators may choose: [`Described::of`] each.
    pub settings: &'static [fn() -> Described],
    /// What keys may be permitted about it.
    pub scopes: &'static [Description],
    /// Its events: the `EVENTS` of each module that declares some, where it is said who sees them ([`jobs::declare_events!`]).
    pub events: &'static [&'static [EventType]],
    /// Its periodic jobs; its audit's comes by itself.
    pub schedules: fn(&Means) -> Vec<Schedule>,
    /// What runs its timers; its audit's come by themselves.
    pub timers: fn(&Means) -> Handlers,
    /// Its durable readers of the outbox.
    pub consumers: fn(&Means) -> Consumers,
    /// Starts what else it does in the background, until the node stops.
    pub workers: fn(&Means, &NodeHandle),
    /// How what it keeps beside a journal is derived again, where it keeps any.
    pub audit: Option<Audit>,
    /// What it keeps of members, where it keeps any.
    pub personal: Option<Keeper>,
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slice").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Slice {
    /// All its periodic jobs: those that it declares, and its audit.
    pub fn jobs(&self, means: &Means) -> Vec<Schedule> {
        let mut jobs = (self.schedules)(means);
        jobs.extend(self.audit.and_then(|audit| audit.schedule(self.name)));
        jobs
    }

    /// What runs all its timers: those that it declares, and its audit's.
    pub fn handlers(&self, means: &Means) -> Handlers {
        let handlers = (self.timers)(means);
        match self.audit {
            Some(audit) => handlers.and(audit.handlers(self.name, means.app().pool())),
            None => handlers,
        }
    }
}

/// No periodic jobs.
pub fn no_schedules(_: &Means) -> Vec<Schedule> {
    Vec::new()
}

/// No timers.
pub fn no_timers(_: &Means) -> Handlers {
    Handlers::new()
}

/// No readers of the outbox.
pub fn no_consumers(_: &Means) -> Consumers {
    Consumers::new()
}

/// Nothing else in the background.
pub fn no_workers(_: &Means, _: &NodeHandle) {}

/// What work in the background is given: the state that handlers have, and what this process brought up besides, by its type.
#[derive(Debug, Clone)]
pub struct Means {
    app: App,
    services: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Means {
    /// With nothing but the state.
    pub fn new(app: App) -> Self {
        Self { app, services: HashMap::new() }
    }

    /// With this as well.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, service: T) -> Self {
        self.services.insert(TypeId::of::<T>(), Arc::new(service));
        self
    }

    /// The state.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// What this process brought up of this type; `None` where it has none, such as a sandbox where scripts cannot be run.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.services.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// What this crate is itself, as a slice.
pub static SLICE: Slice = Slice {
    name: "access",
    about: "API keys, signing in, roles, settings, the audit log.",
    router: crate::routes::routes,
    tags: &[
        ("keys", "API keys."),
        ("sign-in", "Signing in and out with a browser, and one's sessions."),
        ("roles", "Who may do what in a guild."),
        ("audit", "What administrators changed, with before and after."),
        ("settings", "What administrators choose while it runs."),
    ],
    terminal: Terminal::Commands(&["key", "role", "admin", "operator", "audit-log", "settings"]),
    problems: crate::problems::CATALOGUE,
    settings: &[
        Described::of::<crate::keys::KeyPolicy>,
        Described::of::<crate::rate_limit::RateLimits>,
        Described::of::<crate::sessions::SessionPolicy>,
        Described::of::<crate::weekly::AuditSettings>,
    ],
    scopes: crate::scope::ACCESS,
    events: &[],
    schedules: |_| crate::upkeep::schedules(),
    timers: no_timers,
    consumers: no_consumers,
    workers: no_workers,
    audit: None,
    personal: Some(crate::personal::KEEPER),
};
