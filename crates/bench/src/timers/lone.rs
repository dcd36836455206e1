//! How late a timer is when nothing else is due: from its time to the moment at which its execution row is written.

use std::time::Duration;

use anyhow::Result;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::Connection as _;

use super::drain::Running;
use crate::ground::Ground;
use crate::progress;

/// Timers are scheduled so far apart that two are seldom due at once.
const APART: Duration = Duration::from_millis(60);

/// The 50th and the 99th percentile of the lateness in milliseconds, of `count` timers scheduled 100 to 400 ms ahead.
pub(super) async fn measure(ground: &Ground, count: usize) -> Result<(f64, f64)> {
    let mut engine = Running::start(ground.pool(), jobs::EngineSettings::default()).await?;
    let mut connection = ground.connect().await?;
    let mut rng = StdRng::seed_from_u64(1);
    let mut campaigns = Vec::with_capacity(count);
    let bar = progress::bar("lone timers", count);
    let mut pulse = tokio::time::interval(APART);
    for _ in 0..count {
        pulse.tick().await;
        let ahead = rng.random_range(0.1..0.4);
        let mut tx = connection.begin().await?;
        let timer = sqlx::query!(
            r#"WITH made AS (
                   INSERT INTO campaigns.campaigns (guild_id, name, campaign_type, duration_hours, start_time, published_at, secret)
                   VALUES (1, 'Lone', 'player', 24, now() + make_interval(secs => $1), now(), decode(repeat('5a', 32), 'hex'))
                   RETURNING id, guild_id, start_time
               )
               INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
               SELECT id, guild_id, 'START_CAMPAIGN', start_time FROM made
               RETURNING campaign_id, scheduled_at"#,
            ahead,
        )
        .fetch_one(&mut *tx)
        .await?;
        engine.wake.timer_scheduled(&mut tx, campaigns::timers::QUEUE, timer.scheduled_at).await?;
        tx.commit().await?;
        engine.wake.timers(campaigns::timers::QUEUE);
        campaigns.push(timer.campaign_id);
        bar.inc(1);
    }
    engine.has_executed(count).await?;
    engine.stop().await?;
    bar.finish_and_clear();
    let late = sqlx::query!(
        r#"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS "p50!", percentile_disc(0.99) WITHIN GROUP (ORDER BY ms) AS "p99!"
           FROM (SELECT (extract(epoch FROM e.completed_at - t.scheduled_at) * 1000)::double precision AS ms
                 FROM campaigns.timer_executions e JOIN campaigns.campaign_timers t
                   ON t.guild_id = e.guild_id AND t.id = e.timer_id
                 WHERE t.guild_id = 1 AND t.campaign_id = ANY ($1)) AS late"#,
        &campaigns,
    )
    .fetch_one(&mut *db::acquire(ground.pool()).await?)
    .await?;
    Ok((late.p50, late.p99))
}
