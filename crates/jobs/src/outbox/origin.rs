//! The cluster whose transaction ids the outbox counts by.
//!
//! Positions outlive clusters: a dump is restored into a new one that counts from the beginning, a recovery to an earlier time
//! and a failover that lost its last transactions give out ids again. Every reader's cursor would then stand in the future, and
//! skip what happens for hours. So `jobs.outbox_origin` remembers the cluster and its timeline, and a database that finds itself
//! elsewhere goes on counting above everything that was ever given out: cursors, clients' `Last-Event-ID`s and the
//! events themselves stay as they are, and stay comparable.

use std::fmt;

use sqlx::{PgConnection, PgPool};

use super::{Position, read::parse_xid};

/// How far above the latest known position the count goes on. More transactions than could have been lost with what came after
/// the dump: clients may have seen events of those.
const LEAP: i64 = 1 << 40;

/// Why positions do not belong to the cluster that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estranged {
    /// They were given out by another cluster.
    Cluster,
    /// They were given out on another timeline: before a recovery or a failover.
    Timeline,
    /// This one, or one beyond it, is not given out yet.
    Future(Position),
}

impl Estranged {
    /// The position that cannot be, if there is one.
    pub fn position(self) -> Option<Position> {
        if let Self::Future(position) = self { Some(position) } else { None }
    }
}

impl fmt::Display for Estranged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => {
                write!(f, "the outbox was written in another PostgreSQL cluster, and restored from a dump")
            }
            Self::Timeline => {
                write!(
                    f,
                    "the outbox was written before this PostgreSQL was recovered to an earlier time, or failed over"
                )
            }
            Self::Future(position) => {
                write!(f, "the outbox's position {position} lies in the future of this PostgreSQL cluster")
            }
        }
    }
}

/// Where this database is. `None` where the server does not tell this role, as some hosted ones do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whereabouts {
    system_identifier: Option<i64>,
    timeline: Option<i64>,
}

impl Whereabouts {
    async fn look(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let system_identifier =
            sqlx::query_scalar!(r#"SELECT system_identifier AS "id!" FROM pg_control_system()"#)
                .fetch_one(&mut *connection)
                .await;
        // The first eight digits of a segment's name. The control file learns of a new timeline only with a checkpoint.
        let timeline = sqlx::query_scalar!(
            r#"SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint AS "timeline!""#
        )
        .fetch_one(connection)
        .await;
        Ok(Self { system_identifier: told(system_identifier)?, timeline: told(timeline)? })
    }
}

/// An answer, or `None` where the server refuses to give it.
fn told<T>(answer: Result<T, sqlx::Error>) -> Result<Option<T>, sqlx::Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(sqlx::Error::Database(error)) => {
            tracing::debug!(%error, "the server does not say which cluster it is");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What is stored, and up to where the count has come.
struct Stored {
    system_identifier: Option<i64>,
    timeline: Option<i64>,
    /// The latest position of events, cursors and what was cleared away.
    latest: Position,
    /// The first transaction that is not given out yet, in the outbox's order.
    next: u64,
}

impl Stored {
    async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query!(
            r#"SELECT o.system_identifier, o.timeline,
                      jobs.outbox_order(pg_snapshot_xmax(pg_current_snapshot()))::text AS "next!",
                      coalesce(l.transaction_id::text, '0') AS "transaction_id!", coalesce(l.id, 0) AS "id!"
                 FROM jobs.outbox_origin o
                 LEFT JOIN LATERAL (
                      SELECT transaction_id, id
                        FROM ((SELECT transaction_id, id FROM jobs.outbox ORDER BY transaction_id DESC, id DESC LIMIT 1)
                              UNION ALL SELECT transaction_id, id FROM jobs.outbox_cursors
                              UNION ALL SELECT transaction_id, id FROM jobs.outbox_pruned) p
                       ORDER BY transaction_id DESC, id DESC LIMIT 1) l ON true"#
        )
        .fetch_one(connection)
        .await?;
        Ok(Self {
            system_identifier: row.system_identifier,
            timeline: row.timeline,
            latest: Position { transaction_id: parse_xid(&row.transaction_id)?, id: row.id },
            next: parse_xid(&row.next)?,
        })
    }

    fn estranged(&self, here: Whereabouts) -> Option<Estranged> {
        let differs =
            |known: Option<i64>, is: Option<i64>| known.zip(is).is_some_and(|(known, is)| known != is);
        // A reader that begins now stands before the next transaction.
        if self.latest > (Position { transaction_id: self.next, id: 0 }) {
            Some(Estranged::Future(self.latest))
        } else if differs(self.system_identifier, here.system_identifier) {
            Some(Estranged::Cluster)
        } else if differs(self.timeline, here.timeline) {
            Some(Estranged::Timeline)
        } else {
            None
        }
    }
}

/// Whether positions are those of another cluster. Changes nothing.
pub async fn estranged(connection: &mut PgConnection) -> Result<Option<Estranged>, sqlx::Error> {
    let here = Whereabouts::look(&mut *connection).await?;
    Ok(Stored::read(connection).await?.estranged(here))
}

/// Makes the outbox count by the cluster that it is in. Says what was the matter, if anything was. Any number of nodes may do so
/// at once.
#[kernel::boxed]
pub async fn settle(pool: &PgPool) -> Result<Option<Estranged>, sqlx::Error> {
    let mut connection = db::acquire(pool).await?;
    let here = Whereabouts::look(&mut connection).await?;
    let stored = Stored::read(&mut connection).await?;
    if stored.estranged(here).is_none() {
        let new = |known: Option<i64>, is: Option<i64>| known.is_none() && is.is_some();
        if new(stored.system_identifier, here.system_identifier) || new(stored.timeline, here.timeline) {
            remember(&mut connection, here).await?;
        }
        return Ok(None);
    }
    drop(connection);
    let mut transaction = db::begin(pool).await?;
    // Whoever writes events is through, or waits for us and then reads the new shift.
    sqlx::query!("LOCK TABLE jobs.outbox IN SHARE ROW EXCLUSIVE MODE").execute(&mut *transaction).await?;
    let stored = Stored::read(&mut transaction).await?;
    let Some(found) = stored.estranged(here) else { return Ok(None) };
    let latest = i64::try_from(stored.latest.transaction_id.max(stored.next)).unwrap_or(i64::MAX);
    let shift = latest.saturating_add(LEAP);
    if matches!(found, Estranged::Future(_)) {
        lift(&mut transaction, &stored, shift).await?;
    }
    let result = sqlx::query!("UPDATE jobs.outbox_origin SET shift = $1, settled_at = now()", shift)
        .execute(&mut *transaction)
        .await?;
    db::ensure_affected(&result, 1)?;
    remember(&mut transaction, here).await?;
    transaction.commit().await?;
    tracing::warn!(
        "{found}; it is counted on above everything given out before, so that no reader skips what happens now"
    );
    Ok(Some(found))
}

async fn remember(connection: &mut PgConnection, here: Whereabouts) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs.outbox_origin
            SET system_identifier = coalesce($1, system_identifier), timeline = coalesce($2, timeline)",
        here.system_identifier,
        here.timeline,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Brings up what was written here while readers stood in the future: they would have passed it already. Its numbers, which a dump
/// continues, are above those of all that came along.
async fn lift(connection: &mut PgConnection, stored: &Stored, shift: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs.outbox o
            SET transaction_id = (o.transaction_id::text::bigint - origin.shift + $2)::text::xid8
           FROM jobs.outbox_origin origin,
                (SELECT max(id) AS id
                   FROM (SELECT id, transaction_id FROM jobs.outbox
                         UNION ALL SELECT id, transaction_id FROM jobs.outbox_cursors
                         UNION ALL SELECT id, transaction_id FROM jobs.outbox_pruned) p
                  WHERE p.transaction_id >= $1::text::xid8) brought
          WHERE o.transaction_id < $1::text::xid8 AND o.id > brought.id",
        stored.next.to_string(),
        shift,
    )
    .execute(connection)
    .await?;
    Ok(())
}
