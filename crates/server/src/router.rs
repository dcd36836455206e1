//! The whole HTTP face as one router, without a socket.

use std::sync::Arc;

use access::personal::Keepers;
use access::{App, Means};
use assessment::ReviewDesk;
use axum::Router;
use axum::extract::Request;
use axum::http::Extensions;
use challenges::SubmissionWriter;
use db::migrate::Schema;
use delivery::Webhooks;
use economy::TransferWriter;
use insight::ops::Likeness;
use jobs::EngineSettings;
use jobs::outbox::Tail;
use lake::ingest::EventWriter;
use learning::StepDesk;
use sandbox::Sandbox;
use search::Search;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower::util::MapRequestLayer;

use crate::events::Streams;
use crate::health::{Draining, Scrape};
use crate::operations::ScriptRunner;
use crate::settings::Settings;
use crate::slices::{self, SLICES};
use crate::{api, health, pages, reader, status, web};

/// What the handlers of all slices work with.
#[derive(Clone)]
pub struct Services {
    /// The schema that the database must have.
    pub schema: &'static Schema,
    /// The settings.
    pub settings: Arc<Settings>,
    /// State of the slices' handlers.
    pub app: App,
    /// This process's reader of the outbox.
    pub tail: Tail,
    /// Posts events to guilds' addresses.
    pub webhooks: Webhooks,
    /// Judges answers.
    pub submissions: SubmissionWriter,
    /// Carries out transfers of bytes.
    pub transfers: TransferWriter,
    /// Completes steps that learners confirm.
    pub steps: StepDesk,
    /// Gives learners reviews to write.
    pub reviews: ReviewDesk,
    /// Takes events into the lake.
    pub lake: EventWriter,
    /// Runs scripts; `None` where this machine cannot or may not.
    pub sandbox: Option<Sandbox>,
    /// The bot on Discord; `None` where none is set up.
    pub discord: Option<discord::Bot>,
    /// Finds by meaning; `None` where no model is given.
    pub search: Option<Search>,
    /// Cancelled when the process begins to stop: then it is not ready any more.
    pub draining: CancellationToken,
    /// Cancelled when no more requests are taken: then streams end.
    pub closing: CancellationToken,
}

impl Services {
    /// The same over another pool, with writers of its own, which end with it.
    #[must_use]
    pub fn over(&self, pool: &PgPool) -> Self {
        let (wake, workers) = (self.app.wake(), &self.settings.workers);
        let sandbox = self.sandbox.clone();
        Self {
            app: App::new(pool.clone(), wake.clone(), self.settings.api()),
            submissions: SubmissionWriter::start(pool, wake, workers.submission_writers, sandbox),
            transfers: TransferWriter::start(pool, wake, workers.transfer_writers),
            steps: StepDesk::start(pool, wake),
            reviews: ReviewDesk::start(pool, wake),
            lake: EventWriter::start(pool, wake, workers.event_writers),
            ..self.clone()
        }
    }

    /// What the slices' work in the background is given.
    pub fn means(&self) -> Means {
        let workers = &self.settings.workers;
        let engine = EngineSettings {
            max_batch: workers.timer_batch,
            workers: workers.timer_workers,
            ..EngineSettings::default()
        };
        let means = Means::new(self.app.clone())
            .with(engine)
            .with(self.webhooks.clone())
            .with(self.settings.nats.clone())
            .with(self.lake.clone());
        let means = match self.discord.clone() {
            Some(bot) => means.with(bot),
            None => means,
        };
        let means = match self.search.clone() {
            Some(search) => means.with(search),
            None => means,
        };
        match self.sandbox.clone() {
            Some(sandbox) => means.with(sandbox),
            None => means,
        }
    }
}

/// What a node without the role `http` answers: whether it lives, whether it is ready, its figures.
pub(crate) fn watch(services: &Services) -> Router {
    let Services { settings, app, .. } = services;
    let routes = health::router(settings)
        .method_not_allowed_fallback(access::web::no_method)
        .fallback(access::web::no_route)
        .layer(given(basics(services)));
    web::wrap(routes, app, &settings.http)
}

/// The router over these services.
pub fn build(services: &Services) -> Router {
    let Services {
        settings, app, tail, webhooks, submissions, transfers, steps, reviews, lake, sandbox, ..
    } = services;
    let closing = &services.closing;
    crate::figures::recorder();
    let streams = Streams::new(app.pool().clone(), tail.clone(), &settings.streams, closing.clone());
    app.know_guilds(slices::guilds_known(app.pool()));
    let (routes, _) = api::router().split_for_parts();
    let mut at_hand = basics(services);
    at_hand.insert(reader::Document::of(settings.http.public_url.clone()));
    at_hand.insert(slices::settings_registry());
    at_hand.insert(Keepers::of(SLICES));
    at_hand.insert(streams);
    at_hand.insert(webhooks.clone());
    at_hand.insert(submissions.clone());
    at_hand.insert(transfers.clone());
    at_hand.insert(steps.clone());
    at_hand.insert(reviews.clone());
    at_hand.insert(lake.clone());
    at_hand.insert(settings.nats.clone());
    at_hand.insert(services.discord.clone());
    at_hand.insert(app.wake().clone());
    if let Some(sandbox) = sandbox {
        at_hand.insert(sandbox.clone());
    }
    if let Some(search) = &services.search {
        at_hand.insert(search.clone());
        at_hand.insert(likeness(services.app.pool(), search));
    }
    let routes = routes
        .merge(health::router(settings))
        .merge(reader::router())
        .merge(pages::router())
        .merge(status::router())
        .merge(dashboard::router())
        .merge(staff::router())
        .method_not_allowed_fallback(access::web::no_method)
        .fallback(access::web::no_route)
        .layer(given(at_hand));
    web::wrap(routes, app, &settings.http)
}

/// What the handlers of every node are given.
fn basics(services: &Services) -> Extensions {
    let mut at_hand = Extensions::new();
    at_hand.insert(Scrape(Arc::clone(&services.settings)));
    at_hand.insert(ScriptRunner(services.sandbox.clone()));
    at_hand.insert(Draining(services.draining.clone()));
    at_hand.insert(services.schema);
    at_hand
}

/// Lays what handlers take as an `Extension` under every request, by one layer.
fn given(
    at_hand: Extensions,
) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    MapRequestLayer::new(move |mut request: Request| {
        request.extensions_mut().extend(at_hand.clone());
        request
    })
}

/// How alike quests are by their texts, for recommendations.
fn likeness(pool: &PgPool, search: &Search) -> Likeness {
    let (pool, search) = (pool.clone(), search.clone());
    Likeness::new(move |guild, liked, candidates| {
        let (pool, search) = (pool.clone(), search.clone());
        Box::pin(async move {
            let found = search::ops::likeness(&pool, &search, guild, &liked, &candidates).await;
            found.map_err(|error| error.to_string())
        })
    })
}
