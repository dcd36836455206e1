//! Campaigns with timers, as publishing them would leave them, only many at a time.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use crate::progress;

/// Campaigns filled by one statement.
const CHUNK: usize = 10_000;
/// Every campaign that waits has so many timers.
const PENDING_EACH: usize = 4;
/// Slower than this no machine fills, we hope: the rows are due after as long as that takes.
const FILLED_PER_SECOND: usize = 4_000;

/// Publishes `count` campaigns that all start at the same instant, and answers when that is: soon, but after the filling.
/// Each has its close and its expiry scheduled as well.
pub(super) async fn due(pool: &PgPool, count: usize) -> Result<DateTime<Utc>> {
    let seconds = i64::try_from(count / FILLED_PER_SECOND)? + 1;
    let due = db::now(&mut *db::acquire(pool).await?).await? + TimeDelta::seconds(seconds);
    let bar = progress::bar("publishing campaigns that start at once", count);
    for from in (0..count).step_by(CHUNK) {
        let chunk = CHUNK.min(count - from);
        sqlx::query!(
            "WITH made AS (
                 INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, duration_hours, start_time, published_at, secret)
                 SELECT 1 + n % 100, 'Campaign ' || n, 'player', 24, $2, now(), decode(repeat('5a', 32), 'hex')
                 FROM generate_series(1, $1::bigint) AS n
                 RETURNING id, guild_id, start_time, end_time
             )
             INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
             SELECT m.id, m.guild_id, t.timer_type, t.due
             FROM made m CROSS JOIN LATERAL (VALUES
                 ('START_CAMPAIGN', m.start_time), ('CLOSE_CAMPAIGN', m.end_time),
                 ('EXPIRE_CAMPAIGN', m.start_time + interval '1 hour')) AS t (timer_type, due)",
            i64::try_from(chunk)?,
            due,
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        bar.inc(u64::try_from(chunk)?);
    }
    bar.finish_and_clear();
    Ok(due)
}

/// Publishes campaigns that start within the year to come, until `timers` timers wait for them.
pub(super) async fn pending(pool: &PgPool, timers: usize) -> Result<()> {
    let count = timers / PENDING_EACH;
    let bar = progress::bar("publishing campaigns that start some day", count);
    for from in (0..count).step_by(CHUNK) {
        let chunk = CHUNK.min(count - from);
        sqlx::query!(
            "WITH made AS (
                 INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, duration_hours, start_time, published_at, secret)
                 SELECT 1 + n % 100, 'Campaign ' || n, 'player', 24,
                        now() + interval '1 day' + random() * interval '364 days', now(), decode(repeat('5a', 32), 'hex')
                 FROM generate_series(1, $1::bigint) AS n
                 RETURNING id, guild_id, start_time, end_time
             )
             INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
             SELECT m.id, m.guild_id, t.timer_type, t.due
             FROM made m CROSS JOIN LATERAL (VALUES
                 ('START_CAMPAIGN', m.start_time), ('CLOSE_CAMPAIGN', m.end_time),
                 ('FREEZE_STANDINGS', m.end_time - interval '1 hour'),
                 ('EXPIRE_CAMPAIGN', m.start_time + interval '1 hour')) AS t (timer_type, due)",
            i64::try_from(chunk)?,
        )
        .execute(&mut *db::acquire(pool).await?)
        .await?;
        bar.inc(u64::try_from(chunk)?);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Returns when the database's clock says that `due` has passed.
pub(super) async fn wait_until(pool: &PgPool, due: DateTime<Utc>) -> Result<()> {
    let now = db::now(&mut *db::acquire(pool).await?).await?;
    tokio::time::sleep((due - now).to_std().unwrap_or(Duration::ZERO)).await;
    Ok(())
}
