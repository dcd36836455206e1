//! This process among the others: it beats, it is told to drain or stop, and it learns of others that died.
//!
//! A node that is alive holds a shared advisory lock on its listening connection and renews its heartbeat; one that did
//! neither, and was not marked as stopped, has crashed. The lock tells at once (a killed process's connections are gone),
//! the heartbeat tells of a process that hangs. Suspecting a living node wrongly costs a little caution and no more.

mod heartbeat;
mod listener;

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use sqlx::{PgConnection, PgPool};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{outbox, wake::Wake};

/// How often a node beats.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// Whether a node takes new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Draining,
}

/// This process, registered in `jobs.nodes`. End it with [`Node::stop`]; dropping it looks like a crash to the others.
#[derive(Debug)]
pub struct Node {
    pool: PgPool,
    handle: NodeHandle,
    state: watch::Sender<State>,
    beating: CancellationToken,
    heartbeat: JoinHandle<()>,
    listener: JoinHandle<()>,
}

/// What workers hold of their node: who it is, whether to work, when to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NodeHandle {
    id: Uuid,
    state: watch::Receiver<State>,
    deaths: watch::Receiver<Option<DateTime<Utc>>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Node {
    /// Registers this process and keeps it registered. `name` is for people (host name and process id), `roles` what it
    /// does. Also listens for wake-ups from other nodes, on a connection of its own, and passes them to `wake`.
    pub async fn start(
        pool: PgPool,
        name: &str,
        version: &str,
        roles: &[&str],
        wake: Wake,
    ) -> Result<Self, sqlx::Error> {
        let id = Uuid::now_v7();
        // Before anybody reads or writes events.
        outbox::settle(&pool).await?;
        let beating = CancellationToken::new();
        // First the lock, then the row: a row without its lock is a dead node's.
        let listener = listener::Listener::connect(&pool, id).await?;
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let registration =
            heartbeat::Registration { id, name: name.to_owned(), version: version.to_owned(), roles };
        let mut connection = db::acquire(&pool).await?;
        let (deaths, first_death) = heartbeat::Deaths::at_start(&mut connection, id).await?;
        heartbeat::register(&mut connection, &registration).await?;
        drop(connection);

        let (state, state_receiver) = watch::channel(State::Running);
        let (deaths_sender, deaths_receiver) = watch::channel(first_death);
        let handle = NodeHandle {
            id,
            state: state_receiver,
            deaths: deaths_receiver,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let heartbeat = tokio::spawn(heartbeat::beat(
            pool.clone(),
            registration,
            state.clone(),
            deaths,
            deaths_sender,
            beating.clone(),
        ));
        let listener = tokio::spawn(listener.run(pool.clone(), wake, beating.clone()));
        Ok(Self { pool, handle, state, beating, heartbeat, listener })
    }

    /// This start's id.
    pub fn id(&self) -> Uuid {
        self.handle.id
    }

    /// What workers need of it.
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    /// Takes no new work from now on (or does again); what has begun is finished. Others see it in `jobs.nodes`.
    pub async fn drain(&self, draining: bool) -> Result<(), sqlx::Error> {
        let state = if draining { State::Draining } else { State::Running };
        self.state.send_replace(state);
        set_draining(&mut *db::acquire(&self.pool).await?, self.handle.id, draining).await?;
        // Again: a heartbeat in flight may have read the old order meanwhile.
        self.state.send_replace(state);
        Ok(())
    }

    /// Tells all workers to stop, waits at most `patience` for them to finish their current batch, and says goodbye in
    /// `jobs.nodes`. Returns false when some were still busy: then the node is left to look like a crashed one.
    pub async fn stop(self, patience: Duration) -> Result<bool, sqlx::Error> {
        self.handle.stopping.cancel();
        self.handle.tasks.close();
        let done = tokio::time::timeout(patience, self.handle.tasks.wait()).await.is_ok();
        self.beating.cancel();
        if done {
            sqlx::query!(
                "UPDATE jobs.nodes SET stopped_at = now(), died_at = NULL WHERE id = $1",
                self.handle.id
            )
            .execute(&mut *db::acquire(&self.pool).await?)
            .await?;
        }
        Ok(done)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.handle.stopping.cancel();
        self.beating.cancel();
        self.heartbeat.abort();
        self.listener.abort();
    }
}

impl NodeHandle {
    /// The node's id, as executions record it.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Cancelled when the node stops: finish what has begun and return.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Returns when the node stops and what may go on for `length` after that has to end.
    pub(crate) async fn last_moments(&self, length: Duration) {
        self.stopping.cancelled().await;
        tokio::time::sleep(length).await;
    }

    /// Spawns a worker that [`Node::stop`] waits for.
    pub fn spawn<F>(&self, worker: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // Boxed, so that there is one kind of task for all of them: else each brings along all that tokio does with one.
        self.tasks.spawn(worker.boxed())
    }

    /// Waits until new work may be taken; false when the node stops instead.
    pub async fn ready(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => false,
            running = self.state.wait_for(|state| *state == State::Running) => running.is_ok(),
        }
    }

    /// The latest time at which this node learnt of another's death: timers due by then may be what killed it.
    pub(crate) fn deaths(&self) -> watch::Receiver<Option<DateTime<Utc>>> {
        self.deaths.clone()
    }
}

/// A node as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NodeRow {
    /// Made anew at every start.
    pub id: Uuid,
    /// Host name and process id.
    pub name: String,
    /// The binary's version.
    pub version: String,
    /// What it does.
    pub roles: Vec<String>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// Its latest heartbeat.
    pub heartbeat_at: DateTime<Utc>,
    /// Whether it takes no new work.
    pub draining: bool,
    /// When it stopped in good order.
    pub stopped_at: Option<DateTime<Utc>>,
    /// When it was found dead.
    pub died_at: Option<DateTime<Utc>>,
}

/// The nodes that run, and those that stopped or died lately: the latest started first, at most 200.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<NodeRow>, sqlx::Error> {
    sqlx::query_as!(
        NodeRow,
        "SELECT id, name, version, roles, started_at, heartbeat_at, draining, stopped_at, died_at
           FROM jobs.nodes ORDER BY started_at DESC, id LIMIT 200",
    )
    .fetch_all(connection)
    .await
}

/// Asks a node to drain, or to work again; it obeys with its next heartbeat. Answers with whether it was draining; `None`
/// when there is no such running node.
pub async fn set_draining(
    connection: &mut PgConnection,
    node: Uuid,
    draining: bool,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE jobs.nodes n SET draining = $2
           FROM (SELECT id, draining FROM jobs.nodes WHERE id = $1 AND stopped_at IS NULL FOR NO KEY UPDATE) before
          WHERE n.id = before.id
         RETURNING before.draining",
        node,
        draining
    )
    .fetch_optional(connection)
    .await
}
