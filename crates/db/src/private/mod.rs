//! A PostgreSQL of our own: created, tuned, started, watched and stopped by Questhall, under its data directory.
//!
//! Promises:
//! * It runs unprivileged, also when we are root, and listens on a Unix socket in a folder that is closed to others.
//!   Nobody but the user who runs Questhall and the user who runs PostgreSQL may log in.
//! * Checksums are on, and a commit is durable.
//! * It ends when we end, however we end. Should that fail (a kill of both), the next start ends what is left and
//!   recovers. Should it die under us, it is started again, with growing pauses.
//! * One Questhall at a time; a cluster of another major version is not touched.
//!
//! Linux only: it relies on `/proc` and parent-death signals. Elsewhere, use `DATABASE_URL`.
//! Reasons and measurements: docs/adr/0002-private-postgresql.md.

mod account;
mod binaries;
#[cfg(feature = "testing")]
pub(crate) mod detached;
mod error;
mod layout;
mod orphans;
mod prepare;
mod spawn;
mod supervisor;
mod tuning;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nix::sys::signal::Signal;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::sync::{oneshot, watch};

pub use error::PrivateError;
#[cfg(feature = "testing")]
pub(crate) use tuning::free_mib;
pub use tuning::{Durability, Machine};

use crate::{Settings, pool::ServerEpoch};
use account::Account;
use layout::Layout;
use prepare::{Prepared, SUPERUSER};
use supervisor::{Control, Supervisor};

/// The database in the cluster that everything lives in.
const DATABASE: &str = "questhall";

/// Connections beside the pools': listeners, leaders, migrations, a person with `psql`, autovacuum's guests.
const EXTRA_CONNECTIONS: u32 = 30;

/// How long a clean shutdown may take before the harder kind, which needs a recovery at the next start.
const STOP_PATIENCE: Duration = Duration::from_mins(1);

/// What kind of cluster is wanted.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it lies; see [`Settings::data_dir`].
    pub data_dir: PathBuf,
    /// Where the programs are; see [`Settings::postgres_bin`].
    pub postgres_bin: Option<PathBuf>,
    /// PostgreSQL's own limit.
    pub max_connections: u32,
    /// Slower statements go to PostgreSQL's log; 0: none do.
    pub slow_query: Duration,
    /// What the machine has.
    pub machine: Machine,
    /// Whether commits must survive.
    pub durability: Durability,
}

impl Plan {
    /// The plan that follows from the settings, for this machine. Room for two processes' pools (`up` beside a
    /// second node or a command-line tool).
    pub fn new(settings: &Settings) -> Self {
        Self {
            data_dir: settings.data_dir.clone(),
            postgres_bin: settings.postgres_bin.clone(),
            max_connections: settings.max_connections() * 2 + EXTRA_CONNECTIONS,
            slow_query: settings.slow_query,
            machine: Machine::here(),
            durability: Durability::Full,
        }
    }
}

/// How the private PostgreSQL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// On its way up for the first time.
    Starting,
    /// Takes connections.
    Ready,
    /// It died and is being started again.
    Restarting {
        /// 1 for the first try.
        attempt: u32,
        /// How it ended, or why it does not start.
        reason: String,
    },
    /// It was asked to end, and has.
    Stopped,
}

/// A running private PostgreSQL. Dropping it begins a clean shutdown; [`Cluster::stop`] also waits for its end.
#[derive(Debug)]
pub struct Cluster {
    control: Arc<Control>,
    state: watch::Receiver<State>,
    epoch: ServerEpoch,
    socket_dir: PathBuf,
    major: u32,
}

impl Cluster {
    /// Creates the cluster if there is none, starts it, and returns when it takes connections.
    pub async fn start(plan: Plan) -> Result<Self, PrivateError> {
        let control = Arc::new(Control::default());
        let epoch = ServerEpoch::default();
        let (state_sender, state) = watch::channel(State::Starting);
        let (sender, receiver) = oneshot::channel();
        // If the caller gives up waiting, this ends what was begun.
        let guard = StopOnDrop(Arc::clone(&control));
        let thread = {
            let (control, epoch) = (Arc::clone(&control), epoch.clone());
            move || match prepare(&plan) {
                Ok((prepared, lock)) => {
                    let facts = (prepared.socket_dir.clone(), prepared.binaries.major);
                    let supervisor = Supervisor { prepared, control, state: state_sender, epoch, lock };
                    // Nobody listens any more when the caller gave up.
                    supervisor.run(|outcome| drop(sender.send(outcome.map(|()| facts))));
                }
                Err(error) => drop(sender.send(Err(error))),
            }
        };
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(thread)
            .map_err(error::io("cannot start the thread that watches PostgreSQL"))?;
        // The sender is lost only if the thread panics.
        let (socket_dir, major) = receiver.await.unwrap_or(Err(PrivateError::Stopped))?;
        guard.disarm();
        let cluster = Self { control, state, epoch, socket_dir, major };
        ensure_database(&cluster.socket_dir).await?;
        Ok(cluster)
    }

    /// How to connect, from this process or another of the same user.
    pub fn options(&self) -> PgConnectOptions {
        options(&self.socket_dir)
    }

    /// The states it goes through from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// When it last came up, for [`crate::pool::build`].
    pub fn epoch(&self) -> ServerEpoch {
        self.epoch.clone()
    }

    /// PostgreSQL's major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The postmaster's process id, while there is one.
    pub fn postmaster(&self) -> Option<i32> {
        self.control.child().map(nix::unistd::Pid::as_raw)
    }

    /// Shuts it down cleanly and waits for its end; after a minute less cleanly (the next start recovers).
    pub async fn stop(mut self) {
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
            self.control.stop(signal);
            let stopped = self.state.wait_for(|state| *state == State::Stopped);
            // An error means that the thread has gone, and the server with it.
            if tokio::time::timeout(STOP_PATIENCE, stopped).await.is_ok() {
                return;
            }
            tracing::warn!(%signal, "the private PostgreSQL did not end in time");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control.stop(Signal::SIGINT);
    }
}

/// Ends a cluster that nobody waits for any more.
struct StopOnDrop(Arc<Control>);

impl StopOnDrop {
    fn disarm(self) {
        // The caller's `Cluster` takes over; forgetting would leak the Arc's count, so put an idle one in its place.
        let mut this = self;
        this.0 = Arc::new(Control::default());
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop(Signal::SIGINT);
    }
}

/// What goes on in a data directory, seen from outside.
#[derive(Debug)]
pub enum Occupant {
    /// Nobody runs the private PostgreSQL there.
    Nobody,
    /// Another process is bringing it up.
    Starting,
    /// Another process runs it; this is how to connect.
    Running(Box<PgConnectOptions>),
}

/// Looks whether another process runs the private PostgreSQL under `data_dir`. Starts and changes nothing.
pub fn occupant(data_dir: &Path) -> Occupant {
    let Some(layout) = data_dir.is_dir().then(|| Layout::open(data_dir).ok()).flatten() else {
        return Occupant::Nobody;
    };
    if !matches!(layout.try_lock(), Err(PrivateError::InUse { .. })) {
        return Occupant::Nobody;
    }
    let ready = orphans::postmaster_file(&layout.pgdata).is_some_and(|(_, ready)| ready);
    match layout.announced_socket_dir() {
        Some(dir) if ready => Occupant::Running(Box::new(options(&dir))),
        _ => Occupant::Starting,
    }
}

/// Whether there is a cluster in `data_dir`, made to the end.
pub fn exists(data_dir: &Path) -> bool {
    // It gets this name when it is whole.
    data_dir.join("postgres").is_dir()
}

fn prepare(plan: &Plan) -> Result<(Prepared, layout::Lock), PrivateError> {
    let layout = Layout::open(&plan.data_dir)?;
    let mut lock = layout.lock()?;
    let prepared = Prepared::new(layout, plan)?;
    lock.announce(&prepared.socket_dir)?;
    Ok((prepared, lock))
}

fn options(socket_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(5432)
        .username(SUPERUSER)
        .database(DATABASE)
}

/// Makes our database in a new cluster.
async fn ensure_database(socket_dir: &Path) -> Result<(), PrivateError> {
    let mut connection = options(socket_dir).database("postgres").connect().await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        sqlx::raw_sql("CREATE DATABASE questhall").execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

/// The programs that a private PostgreSQL with these settings would run: their folder and major version. Starts and
/// creates nothing; for `questhall doctor`.
pub fn programs(settings: &Settings) -> Result<(PathBuf, u32), PrivateError> {
    let pgdata = settings.data_dir.join("postgres");
    let cluster_major =
        if settings.data_dir.is_dir() { Layout::open(&settings.data_dir)?.cluster_major()? } else { None };
    let found = binaries::find(settings.postgres_bin.as_deref(), &pgdata, cluster_major)?;
    Ok((found.dir, found.major))
}

/// Whether a private PostgreSQL can run under these settings as far as users and permissions go: the name of the user
/// that it would run as. Starts and creates nothing; for `questhall doctor`.
pub fn account(settings: &Settings) -> Result<String, PrivateError> {
    let pgdata = settings.data_dir.join("postgres");
    let account = Account::choose(&pgdata)?;
    // What does not exist yet is made so that it can be entered.
    if let Some(nearest) = pgdata.ancestors().skip(1).find(|dir| dir.is_dir()) {
        account.ensure_reaches(&nearest.join("x"), "data_dir")?;
    }
    Ok(account.name)
}

/// The process id of the postmaster under `data_dir`, whoever started it, while it lives.
pub fn postmaster(data_dir: &Path) -> Option<i32> {
    let pgdata = data_dir.join("postgres");
    let (pid, _) = orphans::postmaster_file(&pgdata)?;
    orphans::processes_in(&pgdata).contains(&pid).then(|| pid.as_raw())
}

/// The ids of all PostgreSQL processes that have the cluster under `data_dir` open.
pub fn processes(data_dir: &Path) -> Vec<i32> {
    orphans::processes_in(&data_dir.join("postgres")).into_iter().map(nix::unistd::Pid::as_raw).collect()
}

/// Kills whatever PostgreSQL runs directly under `folder` or one level deeper: tests clean up after themselves.
#[cfg(feature = "testing")]
pub(crate) fn kill_all_in(folder: &Path) {
    let below = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for dir in std::iter::once(folder.to_owned()).chain(below) {
        let pgdata = dir.join("postgres");
        let control = Control::default();
        for pid in orphans::processes_in(&pgdata) {
            let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
        }
        while !orphans::processes_in(&pgdata).is_empty() && control.pause(Duration::from_millis(5)) {}
    }
}
