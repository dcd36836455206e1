//! Whose turn it is, among all nodes: one row of the database, whose clock alone counts.

use std::time::Duration;

use sqlx::PgPool;

/// Between two requests, in milliseconds, and how far a pause may be caught up. Within any second at most
/// 1,000 / 22 + 66 / 22 + 1 = 49 leave.
const STEP_MS: f64 = 22.0;
const SLACK_MS: f64 = 66.0;
/// Refusals within [`WINDOW_MINUTES`] after which nothing is sent.
const MAX_REFUSED: i32 = 1_000;
const WINDOW_MINUTES: i32 = 10;

/// When a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// After this pause.
    In(Duration),
    /// Not in time: after this pause.
    Later(Duration),
    /// Too much was refused.
    Closed,
}

/// The turns of an application.
#[derive(Debug)]
pub(super) struct Budget {
    pool: PgPool,
    application: i64,
}

impl Budget {
    pub(super) fn new(pool: PgPool, application: i64) -> Self {
        Self { pool, application }
    }

    /// Takes the next turn, if it comes within `patience`.
    pub(super) async fn turn(&self, patience: Duration) -> sqlx::Result<Turn> {
        let patience = patience.as_secs_f64() * 1000.0;
        let taken = sqlx::query_scalar!(
            r#"INSERT INTO discord.send_budgets AS b (application_id, next_at)
               VALUES ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000))
               ON CONFLICT (application_id) DO UPDATE
                  SET next_at = greatest(b.next_at, clock_timestamp() - make_interval(secs => $3::float8 / 1000)) + make_interval(secs => $2::float8 / 1000)
                WHERE (b.closed_until IS NULL OR b.closed_until <= clock_timestamp())
                  AND b.next_at <= clock_timestamp() + make_interval(secs => $4::float8 / 1000)
               RETURNING (extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 - $2::float8 AS "ms!""#,
            self.application,
            STEP_MS,
            SLACK_MS,
            patience,
        )
        .fetch_optional(&mut *db::acquire(&self.pool).await?)
        .await?;
        if let Some(pause) = taken {
            return Ok(Turn::In(milliseconds(pause)));
        }
        let row = sqlx::query!(
            r#"SELECT coalesce(closed_until > clock_timestamp(), false) AS "closed!",
                      (extract(epoch FROM next_at - clock_timestamp()) * 1000)::float8 AS "ms!"
                 FROM discord.send_budgets WHERE application_id = $1"#,
            self.application,
        )
        .fetch_one(&mut *db::acquire(&self.pool).await?)
        .await?;
        Ok(if row.closed { Turn::Closed } else { Turn::Later(milliseconds(row.ms)) })
    }

    /// No node sends before this pause is over.
    pub(super) async fn pause(&self, pause: Duration) -> sqlx::Result<()> {
        sqlx::query!(
            "INSERT INTO discord.send_budgets AS b (application_id, next_at)
             VALUES ($1, clock_timestamp() + make_interval(secs => $2))
             ON CONFLICT (application_id) DO UPDATE SET next_at = greatest(b.next_at, excluded.next_at)",
            self.application,
            pause.as_secs_f64(),
        )
        .execute(&mut *db::acquire(&self.pool).await?)
        .await?;
        Ok(())
    }

    /// Counts a refusal; with the thousandth within ten minutes nothing is sent until these are over.
    pub(super) async fn refused(&self) -> sqlx::Result<()> {
        let closed = sqlx::query_scalar!(
            r#"INSERT INTO discord.send_budgets AS b (application_id, invalid_since, invalid_count)
               VALUES ($1, clock_timestamp(), 1)
               ON CONFLICT (application_id) DO UPDATE
                  SET invalid_since = CASE WHEN b.invalid_since > clock_timestamp() - make_interval(mins => $2)
                                           THEN b.invalid_since ELSE clock_timestamp() END,
                      invalid_count = CASE WHEN b.invalid_since > clock_timestamp() - make_interval(mins => $2)
                                           THEN b.invalid_count + 1 ELSE 1 END,
                      closed_until = CASE WHEN b.invalid_since > clock_timestamp() - make_interval(mins => $2)
                                               AND b.invalid_count + 1 >= $3
                                          THEN b.invalid_since + make_interval(mins => $2) ELSE b.closed_until END
               RETURNING coalesce(closed_until > clock_timestamp(), false) AS "closed!""#,
            self.application,
            WINDOW_MINUTES,
            MAX_REFUSED,
        )
        .fetch_one(&mut *db::acquire(&self.pool).await?)
        .await?;
        if closed {
            tracing::error!("Discord refused too many requests; nothing is sent to it for a while");
        }
        Ok(())
    }
}

fn milliseconds(ms: f64) -> Duration {
    Duration::from_secs_f64(ms.max(0.0) / 1000.0)
}
