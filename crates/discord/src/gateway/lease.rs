//! Who holds a shard, and how far its events were taken.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use crate::bot::Bot;

/// How long a shard stays with a node that says nothing more. Discord keeps a session for about 90 seconds.
const HELD: f64 = 20.0;
const RENEW: Duration = Duration::from_secs(5);

/// A shard that is this node's.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pool: PgPool,
    application: i64,
    shard: i32,
    holder: Uuid,
}

/// A session that can be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) sequence: i64,
}

impl Lease {
    /// Takes a shard that nobody holds, or whose holder is gone: a node that is known to have died or stopped holds nothing any more.
    pub(crate) async fn take(bot: &Bot, shard: i32, holder: Uuid) -> sqlx::Result<Option<Self>> {
        let (pool, application) = (bot.app().pool().clone(), bot.sender().application_id());
        let done = sqlx::query!(
            "INSERT INTO discord.gateway_shards AS s (application_id, shard, held_by, held_until)
             VALUES ($1, $2, $3, now() + make_interval(secs => $4))
             ON CONFLICT (application_id, shard) DO UPDATE SET held_by = excluded.held_by, held_until = excluded.held_until
              WHERE s.held_until < now() OR s.held_by = excluded.held_by
                 OR s.held_by IN (SELECT id FROM jobs.nodes WHERE died_at IS NOT NULL OR stopped_at IS NOT NULL)",
            application,
            shard,
            holder,
            HELD,
        )
        .execute(&mut *db::acquire(&pool).await?)
        .await?;
        Ok((done.rows_affected() > 0).then_some(Self { pool, application, shard, holder }))
    }

    /// Keeps it; returns when it is lost.
    pub(crate) async fn keep(&self) {
        let mut lost = 0;
        loop {
            tokio::time::sleep(RENEW).await;
            match self.renew().await {
                Ok(true) => lost = 0,
                // The database may come back before the lease ends.
                Err(_) if lost < 2 => lost += 1,
                Ok(_) | Err(_) => return,
            }
        }
    }

    async fn renew(&self) -> sqlx::Result<bool> {
        let done = sqlx::query!(
            "UPDATE discord.gateway_shards SET held_until = now() + make_interval(secs => $4)
                  WHERE application_id = $1 AND shard = $2 AND held_by = $3",
            self.application,
            self.shard,
            self.holder,
            HELD,
        )
        .execute(&mut *db::acquire(&self.pool).await?)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The session to go on with.
    pub(crate) async fn session(&self) -> sqlx::Result<Option<Session>> {
        let row = sqlx::query!(
            "SELECT session_id, resume_url, sequence FROM discord.gateway_shards WHERE application_id = $1 AND shard = $2",
            self.application,
            self.shard,
        )
        .fetch_optional(&mut *db::acquire(&self.pool).await?)
        .await?;
        Ok(row.and_then(|row| {
            Some(Session { id: row.session_id?, url: row.resume_url?, sequence: row.sequence? })
        }))
    }

    /// The session's events were taken as far as this; false when the shard is another's by now.
    pub(crate) async fn commit(&self, session: &Session) -> sqlx::Result<bool> {
        let done = sqlx::query!(
            "UPDATE discord.gateway_shards SET session_id = $4, resume_url = $5, sequence = $6, committed_at = now()
              WHERE application_id = $1 AND shard = $2 AND held_by = $3",
            self.application,
            self.shard,
            self.holder,
            session.id,
            session.url,
            session.sequence,
        )
        .execute(&mut *db::acquire(&self.pool).await?)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// There is no session to go on with.
    pub(crate) async fn forget(&self) -> sqlx::Result<()> {
        sqlx::query!(
            "UPDATE discord.gateway_shards SET session_id = NULL, resume_url = NULL, sequence = NULL
              WHERE application_id = $1 AND shard = $2 AND held_by = $3",
            self.application,
            self.shard,
            self.holder,
        )
        .execute(&mut *db::acquire(&self.pool).await?)
        .await?;
        Ok(())
    }
}

impl Lease {
    /// When events of this shard were last taken.
    pub(crate) async fn committed_at(&self) -> sqlx::Result<Option<chrono::DateTime<chrono::Utc>>> {
        sqlx::query_scalar!(
            "SELECT committed_at FROM discord.gateway_shards WHERE application_id = $1 AND shard = $2",
            self.application,
            self.shard,
        )
        .fetch_one(&mut *db::acquire(&self.pool).await?)
        .await
    }
}
