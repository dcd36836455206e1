//! The heartbeat: renews this node's row, reads its orders from it, and looks for others that died.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{HEARTBEAT, State, listener::LOCK_CLASS};
use crate::outbox;

/// How often a node looks whether its database is still where it was.
const SETTLE: Duration = Duration::from_secs(10);

/// What the node says of itself.
pub(super) struct Registration {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) roles: Vec<String>,
}

/// Writes the node's row, or renews it; returns whether it was told to drain. A row that the clean-up removed while the
/// database was out of reach comes back.
pub(super) async fn register(
    connection: &mut PgConnection,
    node: &Registration,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO jobs.nodes AS n (id, name, version, roles) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET heartbeat_at = now(), died_at = NULL
         RETURNING n.draining",
        node.id,
        node.name,
        node.version,
        &node.roles,
    )
    .fetch_one(connection)
    .await
}

/// Which deaths this node knows of.
pub(super) struct Deaths {
    node: Uuid,
    latest: Option<DateTime<Utc>>,
}

impl Deaths {
    /// What died before this node started. Whoever was found dead by a node that still lives is that node's affair, and
    /// if that one died too, it is found here itself. Returns the database's time when there is reason for caution.
    pub(super) async fn at_start(
        connection: &mut PgConnection,
        node: Uuid,
    ) -> Result<(Self, Option<DateTime<Utc>>), sqlx::Error> {
        let latest =
            sqlx::query_scalar!("SELECT max(died_at) FROM jobs.nodes").fetch_one(&mut *connection).await?;
        let mut deaths = Self { node, latest };
        let new = deaths.look(connection, true).await?;
        Ok((deaths, new))
    }

    /// Marks nodes that died, and returns the database's time when any did since the last look, whoever found it.
    ///
    /// At a start the lock alone decides: the predecessor of a quickly restarted process still has a fresh heartbeat.
    async fn look(
        &mut self,
        connection: &mut PgConnection,
        starting: bool,
    ) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        sqlx::query!(
            "UPDATE jobs.nodes AS n SET died_at = clock_timestamp()
              WHERE n.id <> $1 AND n.stopped_at IS NULL AND n.died_at IS NULL
                AND (n.heartbeat_at < now() - interval '10 seconds'
                     OR (($2 OR n.heartbeat_at < now() - interval '3 seconds')
                         AND NOT EXISTS (
                             SELECT FROM pg_locks AS l
                              WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
                                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                                AND l.classid::bigint = $3
                                AND l.objid::bigint = hashtext(n.id::text)::bigint & 4294967295)))",
            self.node,
            starting,
            i64::from(LOCK_CLASS),
        )
        .execute(&mut *connection)
        .await?;
        let row = sqlx::query!(
            r#"SELECT max(died_at) AS latest, clock_timestamp() AS "now!" FROM jobs.nodes WHERE id <> $1"#,
            self.node
        )
        .fetch_one(connection)
        .await?;
        if row.latest > self.latest {
            self.latest = row.latest;
            return Ok(Some(row.now));
        }
        Ok(None)
    }
}

/// Beats until cancelled. Without a database it goes on trying at the same pace.
pub(super) async fn beat(
    pool: PgPool,
    node: Registration,
    state: watch::Sender<State>,
    mut deaths: Deaths,
    news: watch::Sender<Option<DateTime<Utc>>>,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    let mut settled = Instant::now();
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = beat_once(&pool, &node, &state, &mut deaths, &news).await {
            tracing::warn!(%error, "the heartbeat did not reach the database");
            continue;
        }
        // A database may be restored, or fail over, under a running node.
        if settled.elapsed() >= SETTLE {
            settled = Instant::now();
            if let Err(error) = outbox::settle(&pool).await {
                tracing::warn!(%error, "whether the database was restored elsewhere could not be found out");
            }
        }
    }
}

async fn beat_once(
    pool: &PgPool,
    node: &Registration,
    state: &watch::Sender<State>,
    deaths: &mut Deaths,
    news: &watch::Sender<Option<DateTime<Utc>>>,
) -> Result<(), sqlx::Error> {
    let mut connection = db::acquire(pool).await?;
    let ordered = if register(&mut connection, node).await? { State::Draining } else { State::Running };
    state.send_if_modified(|state| std::mem::replace(state, ordered) != ordered);
    if let Some(at) = deaths.look(&mut connection, false).await? {
        tracing::warn!("another node died; its work goes to the others");
        metrics::counter!("questhall_node_deaths_seen_total").increment(1);
        news.send_replace(Some(at));
    }
    Ok(())
}
