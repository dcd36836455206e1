//! The process: brings up what its settings and roles ask for, and takes it down in order.
//!
//! Up, in the order of `Server::start_on`: database (our own, if no URL is given) → migrations → the key that all nodes have → its
//! port → node → sandbox, outbox reader, writers → what every slice does in the background, by the process's roles → HTTP. Down, when told to: not ready → no new connections, streams end, requests in flight are answered → batches that
//! have begun are finished → goodbye to the other nodes → the database, if it is ours. Told twice, it goes at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::personal::Keepers;
use access::vault::KeyError;
use access::{App, Means};
use assessment::ReviewDesk;
use challenges::SubmissionWriter;
use db::Database;
use db::migrate::Schema;
use economy::TransferWriter;
use jobs::outbox::Tail;
use jobs::schedule::ScheduleError;
use jobs::timers::Handlers;
use jobs::{EngineSettings, Node, NodeHandle, Wake};
use lake::ingest::EventWriter;
use learning::StepDesk;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sandbox::Sandbox;
use search::Search;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::router::{Services, build, watch};
use crate::settings::{Role, Roles, Settings};
use crate::slices::SLICES;
use crate::{figures, listen, secrets, slim};

/// How often old figures are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why the process could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no database to work with.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] db::migrate::MigrateError),
    /// The schema is not up to date, and this process may not change it.
    #[error(
        "the database lacks {0} of Questhall's migrations; run `questhall db migrate`, or start without forbidding it"
    )]
    Pending(usize),
    /// This node's key is not the one that seals the database's secrets.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}. Is another process there? The setting is http.listen, or metrics.listen on a node without the role http"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificates that a setting names cannot be read.
    #[error("{0}")]
    Certificates(std::io::Error),
    /// A periodic job is declared wrongly: a fault of ours.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Requests or batches were still running when patience was over, or the second signal came.
    #[error(
        "stopped before all work in progress was done; what was begun is rolled back or taken over by other nodes"
    )]
    Unfinished,
}

/// When to stop, and when to stop at once.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Stop in good order.
    pub gently: CancellationToken,
    /// Go at once.
    pub at_once: CancellationToken,
}

/// Stops in good order at the first SIGTERM or SIGINT, at once at the second.
pub fn signals() -> std::io::Result<Shutdown> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = Shutdown::default();
    let told = shutdown.clone();
    tokio::spawn(async move {
        for token in [told.gently, told.at_once] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(shutdown)
}

/// Runs a server until it is told to stop.
pub async fn run(
    schema: &'static Schema,
    settings: Settings,
    roles: Roles,
    shutdown: Shutdown,
) -> Result<(), RunError> {
    // Boxed: starting and stopping hold much at once, and whoever awaits us should not carry it.
    let starting = shutdown.at_once.run_until_cancelled(Box::pin(Server::start(schema, settings, roles)));
    let Some(server) = starting.await else { return Err(RunError::Unfinished) };
    let server = server?;
    shutdown.gently.cancelled().await;
    let stopped = shutdown.at_once.run_until_cancelled(Box::pin(server.stop())).await;
    match stopped {
        Some(Ok(true)) => Ok(()),
        Some(Ok(false)) | None => Err(RunError::Unfinished),
        Some(Err(error)) => Err(error),
    }
}

/// A running server.
pub struct Server {
    services: Services,
    database: Database,
    node: Node,
    address: Option<SocketAddr>,
    http: Option<JoinHandle<bool>>,
}

impl Server {
    /// Opens the database, migrates it to `schema`, and starts everything. Ready when it returns.
    pub async fn start(schema: &'static Schema, settings: Settings, roles: Roles) -> Result<Self, RunError> {
        // A taken port, and certificates that cannot be read, are found out before a database is made.
        let place = Place::reserve(&settings, &roles)?;
        let webhooks = delivery::Webhooks::new(settings.webhooks()).map_err(RunError::Certificates)?;
        let database = Database::open(&settings.db).await?;
        match Self::start_on(&database, schema, settings, roles, place, webhooks).await {
            Ok((services, node, address, http)) => Ok(Self { services, database, node, address, http }),
            Err(error) => {
                // A private PostgreSQL must not outlive us.
                database.close().await;
                Err(error)
            }
        }
    }

    async fn start_on(
        database: &Database,
        schema: &'static Schema,
        settings: Settings,
        roles: Roles,
        place: Option<Place>,
        webhooks: delivery::Webhooks,
    ) -> Result<(Services, Node, Option<SocketAddr>, Option<JoinHandle<bool>>), RunError> {
        let began = Instant::now();
        allow_many_descriptors();
        let settings = Arc::new(settings);
        let pool = database.pool().clone();
        migrate(database, schema, settings.migrate).await?;
        secrets::key_at_start(&pool, &settings.vault()).await?;
        // Before anything runs: from here on clients wait instead of being refused.
        let listener = place.map(Place::listen).transpose()?;
        figures::recorder();
        figures::describe();
        let wake = Wake::new();
        let names = roles.names();
        let node =
            Node::start(pool.clone(), &node_name(), env!("CARGO_PKG_VERSION"), &names, wake.clone()).await?;
        let sandbox = start_sandbox(&settings, &roles).await;
        let app = App::new(pool.clone(), wake.clone(), settings.api());
        let faculties = discord::Faculties {
            keepers: Keepers::of(SLICES),
            submissions: SubmissionWriter::start(
                &pool,
                &wake,
                settings.workers.submission_writers,
                sandbox.clone(),
            ),
            transfers: TransferWriter::start(&pool, &wake, settings.workers.transfer_writers),
            steps: StepDesk::start(&pool, &wake),
            reviews: ReviewDesk::start(&pool, &wake),
            lake: EventWriter::start(&pool, &wake, settings.workers.event_writers),
            sandbox,
        };
        let bot = discord::Bot::new(app.clone(), settings.discord.clone(), faculties.clone());
        let discord::Faculties { submissions, transfers, steps, reviews, lake, sandbox, .. } = faculties;
        let services = Services {
            schema,
            app,
            tail: Tail::spawn(pool.clone(), &node.handle(), &wake),
            webhooks,
            submissions,
            lake,
            transfers,
            steps,
            reviews,
            sandbox,
            discord: bot.map_err(RunError::Certificates)?,
            search: load_search(&settings, &roles).await,
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            settings,
        };
        follow_changes(&services);
        let (means, handle) = (services.means(), node.handle());
        if roles.has(Role::Worker) {
            run_timers(&means, &handle);
            read_outbox(&means, &handle);
            for slice in SLICES {
                (slice.workers)(&means, &handle);
            }
        }
        if roles.has(Role::Scheduler) {
            let schedules = SLICES.iter().flat_map(|slice| slice.jobs(&means)).collect();
            jobs::schedule::spawn(pool, schedules, &handle, &wake)?;
        }
        let (address, http) = match listener {
            Some((listener, address)) => {
                let router = if roles.has(Role::Http) { build(&services) } else { watch(&services) };
                let services = services.clone();
                let serving = tokio::spawn(async move {
                    let Services { draining, closing, settings, .. } = &services;
                    listen::serve(listener, router, &settings.http, draining, closing).await
                });
                (Some(address), Some(serving))
            }
            None => (None, None),
        };
        let closing = services.closing.clone();
        tokio::spawn(async move { closing.run_until_cancelled(slim::settle()).await });
        tracing::info!(
            address = address.map(tracing::field::display), roles = names.join(","), node = %node.id(),
            took = ?began.elapsed(), "ready"
        );
        Ok((services, node, address, http))
    }

    /// Where it listens, if it does: with port 0, the one it got.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What its handlers work with.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Stops in good order. False when something was still busy after its patience was over.
    pub async fn stop(self) -> Result<bool, RunError> {
        let Self { services, database, node, http, .. } = self;
        let settings = Arc::clone(&services.settings);
        tracing::info!("stopping");
        services.draining.cancel();
        // New work is for the others from here on; the row says so to who looks at the nodes.
        if let Err(error) = node.drain(true).await {
            tracing::warn!(%error, "the database does not answer");
        }
        // A database of its own serves this node alone: there is no other to hand over to.
        if settings.db.url.is_some() {
            tokio::time::sleep(settings.http.drain_delay).await;
        }
        services.closing.cancel();
        let answered = match http {
            Some(serving) => serving.await.unwrap_or(false),
            None => true,
        };
        if let Err(error) = services.app.keys().flush().await {
            tracing::warn!(%error, "the use of API keys could not be written down");
        }
        let finished = node.stop(settings.workers.stop_timeout).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the node could not say goodbye");
            false
        });
        if let Some(sandbox) = services.sandbox.clone() {
            sandbox.shutdown().await;
        }
        drop(services);
        database.close().await;
        tracing::info!(answered, finished, "stopped");
        Ok(answered && finished)
    }
}

/// Keeps what this process remembers of keys and settings as fresh as it promises, and its figures folded, until it stops.
fn follow_changes(services: &Services) {
    let (keys, stop) = (services.app.keys().clone(), services.closing.clone());
    tokio::spawn(async move { keys.run(stop).await });
    let (chosen, stop) = (services.app.settings().clone(), services.closing.clone());
    tokio::spawn(async move { chosen.listen(stop).await });
    let closing = services.closing.clone();
    tokio::spawn(async move {
        while closing.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
            figures::recorder().run_upkeep();
        }
    });
}

/// Runs all slices' timers of the common queue when they are due.
fn run_timers(means: &Means, node: &NodeHandle) {
    let handlers = SLICES.iter().map(|slice| slice.handlers(means)).fold(Handlers::new(), Handlers::and);
    let engine = means.get::<EngineSettings>().copied().unwrap_or_default();
    jobs::timers::spawn(means.app().pool(), handlers, engine, node, means.app().wake());
}

/// Has all slices' readers of the outbox consume what happens.
fn read_outbox(means: &Means, node: &NodeHandle) {
    for slice in SLICES {
        (slice.consumers)(means).start(means.app().pool(), node, means.app().wake());
    }
}

async fn migrate(database: &Database, schema: &Schema, may: bool) -> Result<(), RunError> {
    if may {
        schema.run(database.options(), |_| {}).await?;
        return Ok(());
    }
    let mut connection = database.connect().await?;
    let entries = schema.status(&mut connection).await?;
    db::migrate::refuse_strangers(&entries)?;
    match entries.iter().filter(|entry| entry.state == db::migrate::State::Pending).count() {
        0 => Ok(()),
        pending => Err(RunError::Pending(pending)),
    }
}

/// Connections that wait to be taken.
const BACKLOG: u32 = 1024;

/// An address that is ours, but on which nobody is heard yet.
struct Place {
    socket: TcpSocket,
    address: SocketAddr,
}

impl Place {
    /// Takes the address that this node is to listen on, if it is to.
    fn reserve(settings: &Settings, roles: &Roles) -> Result<Option<Self>, RunError> {
        let wanted = if roles.has(Role::Http) { Some(settings.http.listen) } else { settings.metrics.listen };
        let Some(address) = wanted else { return Ok(None) };
        let failed = |source| RunError::Listen { address, source };
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(failed)?;
        socket.set_reuseaddr(true).map_err(failed)?;
        socket.bind(address).map_err(failed)?;
        // With port 0, the one it got.
        let address = socket.local_addr().map_err(failed)?;
        Ok(Some(Self { socket, address }))
    }

    fn listen(self) -> Result<(TcpListener, SocketAddr), RunError> {
        let Self { socket, address } = self;
        let listener = socket.listen(BACKLOG).map_err(|source| RunError::Listen { address, source })?;
        Ok((listener, address))
    }
}

/// Every connection is a descriptor: takes as many as this process may have, which is often more than it begins with.
fn allow_many_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// Host name and process id, for people.
fn node_name() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    format!("{}:{}", host.unwrap_or_else(|| "unknown".to_owned()), std::process::id())
}

/// Without a model the server searches by words alone, and says so.
async fn load_search(settings: &Settings, roles: &Roles) -> Option<Search> {
    let folder = settings.learning.embedding_model.clone()?;
    if !(roles.has(Role::Http) || roles.has(Role::Scheduler)) {
        return None;
    }
    // Megabytes are read and taken apart.
    let loaded = tokio::task::spawn_blocking(move || Search::load(&folder)).await;
    match loaded
        .map_err(|error| error.to_string())
        .and_then(|loaded| loaded.map_err(|error| error.to_string()))
    {
        Ok(search) => Some(search),
        Err(error) => {
            tracing::error!(%error, "search is by words alone");
            None
        }
    }
}

/// Without a jail the server runs all the same: everything but making inputs works, and that says why it does not.
async fn start_sandbox(settings: &Settings, roles: &Roles) -> Option<Sandbox> {
    if !settings.sandbox.enabled || !(roles.has(Role::Http) || roles.has(Role::Worker)) {
        return None;
    }
    match Sandbox::start(settings.sandbox.config()).await {
        Ok(sandbox) => Some(sandbox),
        Err(error) => {
            tracing::error!(%error, "no scripts are run by this process");
            None
        }
    }
}
