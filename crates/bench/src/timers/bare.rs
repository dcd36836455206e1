//! The limit: what a hand-written statement manages that claims a batch and writes all its rows at once.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use sqlx::PgPool;

use crate::ground::Ground;

/// As many timers in one statement as the engine takes.
pub(super) type Statement = &'static str;

/// On tables with our columns and primary keys but no triggers, checks, foreign keys, partitions or further indexes: the
/// very rows that the engine writes.
pub(super) const SAME_ROWS: Statement = "
    WITH due AS MATERIALIZED (
        SELECT id, campaign_id, guild_id, timer_type, scheduled_at FROM bench.timers
        WHERE status = 'PENDING' AND scheduled_at <= now() ORDER BY scheduled_at, id LIMIT 500 FOR UPDATE SKIP LOCKED
    ), done AS (
        UPDATE bench.timers t SET status = 'COMPLETED', executed_at = now(), updated_at = now() FROM due WHERE t.guild_id = due.guild_id AND t.id = due.id
    ), moved AS (
        UPDATE bench.campaigns c SET status = 'RUNNING', started_at = now(), updated_at = now(),
               trigger_event = 'START_CAMPAIGN', changed_by = 'system'
        FROM due WHERE c.guild_id = due.guild_id AND c.id = due.campaign_id AND c.status = 'CREATED' RETURNING c.id, c.guild_id, c.name
    ), logged AS (
        INSERT INTO bench.log (campaign_id, guild_id, from_state, to_state, trigger_event, metadata)
        SELECT id, guild_id, 'CREATED', 'RUNNING', 'START_CAMPAIGN', jsonb_build_object('changed_by', 'system') FROM moved
    ), told AS (
        INSERT INTO bench.outbox (guild_id, event_type, subject, payload)
        SELECT guild_id, 'campaign.started', 'campaigns/' || id,
               jsonb_build_object('campaign_id', id, 'name', name, 'announcement_channel_id', NULL) FROM moved
    )
    INSERT INTO bench.executions (timer_id, campaign_id, guild_id, timer_type, status, completed_at, execution_time_ms, lateness_ms)
    SELECT id, campaign_id, guild_id, timer_type, 'COMPLETED', now(), 0,
           least(extract(epoch FROM now() - scheduled_at) * 1000, 2147483647)::integer FROM due";

/// On the same tables, what design.md measured: the timer is deleted, and nobody is told.
pub(super) const LEAST_ROWS: Statement = "
    WITH due AS MATERIALIZED (
        SELECT id, campaign_id, guild_id, timer_type, scheduled_at FROM bench.timers
        WHERE status = 'PENDING' AND scheduled_at <= now() ORDER BY scheduled_at, id LIMIT 500 FOR UPDATE SKIP LOCKED
    ), done AS (
        DELETE FROM bench.timers t USING due WHERE t.guild_id = due.guild_id AND t.id = due.id
    ), moved AS (
        UPDATE bench.campaigns c SET status = 'RUNNING', started_at = now(), updated_at = now(),
               trigger_event = 'START_CAMPAIGN', changed_by = 'system'
        FROM due WHERE c.guild_id = due.guild_id AND c.id = due.campaign_id AND c.status = 'CREATED' RETURNING c.id, c.guild_id
    ), logged AS (
        INSERT INTO bench.log (campaign_id, guild_id, from_state, to_state, trigger_event)
        SELECT id, guild_id, 'CREATED', 'RUNNING', 'START_CAMPAIGN' FROM moved
    )
    INSERT INTO bench.executions (timer_id, campaign_id, guild_id, timer_type, status, completed_at, execution_time_ms, lateness_ms)
    SELECT id, campaign_id, guild_id, timer_type, 'COMPLETED', now(), 0,
           least(extract(epoch FROM now() - scheduled_at) * 1000, 2147483647)::integer FROM due";

/// On Questhall's own tables: their triggers write the journal, their constraints and indexes are kept.
pub(super) const OUR_TABLES: Statement = "
    WITH due AS MATERIALIZED (
        SELECT id, campaign_id, guild_id, timer_type, scheduled_at FROM campaigns.campaign_timers
        WHERE status = 'PENDING' AND scheduled_at <= now() ORDER BY scheduled_at, id LIMIT 500 FOR UPDATE SKIP LOCKED
    ), done AS (
        UPDATE campaigns.campaign_timers t SET status = 'COMPLETED', executed_at = now(), updated_at = clock_timestamp()
        FROM due WHERE t.guild_id = due.guild_id AND t.id = due.id
    ), moved AS (
        UPDATE campaigns.campaigns c SET status = 'RUNNING', started_at = now(), updated_at = clock_timestamp(),
               trigger_event = 'START_CAMPAIGN', changed_by = 'system'
        FROM due WHERE c.guild_id = due.guild_id AND c.id = due.campaign_id AND c.status = 'CREATED' RETURNING c.id, c.guild_id, c.name
    ), told AS (
        INSERT INTO jobs.outbox (guild_id, event_type, subject, payload)
        SELECT guild_id, 'campaign.started', 'campaigns/' || id,
               jsonb_build_object('campaign_id', id, 'name', name, 'announcement_channel_id', NULL) FROM moved
    )
    INSERT INTO campaigns.timer_executions
        (timer_id, campaign_id, guild_id, timer_type, status, completed_at, execution_time_ms, lateness_ms)
    SELECT id, campaign_id, guild_id, timer_type, 'COMPLETED', now(), 0,
           least(extract(epoch FROM now() - scheduled_at) * 1000, 2147483647)::integer FROM due";

/// Tables with our columns, filled with every campaign that is to start and all its timers.
pub(super) async fn copy(pool: &PgPool) -> Result<()> {
    let _spinner = crate::progress::spinner("copying for bare SQL");
    sqlx::raw_sql(
        "DROP SCHEMA IF EXISTS bench CASCADE;
         CREATE SCHEMA bench;
         CREATE TABLE bench.campaigns (LIKE campaigns.campaigns INCLUDING DEFAULTS INCLUDING GENERATED, PRIMARY KEY (guild_id, id))
             WITH (fillfactor = 80);
         CREATE TABLE bench.timers (LIKE campaigns.campaign_timers INCLUDING DEFAULTS, PRIMARY KEY (guild_id, id))
             WITH (fillfactor = 85);
         CREATE INDEX ON bench.timers (scheduled_at, id) WHERE status = 'PENDING';
         CREATE TABLE bench.log (LIKE campaigns.campaign_state_log INCLUDING DEFAULTS,
             PRIMARY KEY (guild_id, campaign_id, created_at, id));
         ALTER TABLE bench.log ALTER COLUMN id SET DEFAULT gen_random_uuid();
         CREATE TABLE bench.executions (LIKE campaigns.timer_executions INCLUDING DEFAULTS,
             PRIMARY KEY (guild_id, timer_id, started_at, id));
         ALTER TABLE bench.executions ALTER COLUMN id SET DEFAULT gen_random_uuid();
         CREATE TABLE bench.outbox (LIKE jobs.outbox INCLUDING DEFAULTS INCLUDING IDENTITY,
             PRIMARY KEY (guild_id, transaction_id, id));
         ALTER TABLE bench.outbox ALTER COLUMN event_id SET DEFAULT gen_random_uuid();
         INSERT INTO bench.campaigns (id, guild_id, name, campaign_type, duration_hours, start_time, end_time, published_at, secret)
         SELECT id, guild_id, name, campaign_type, duration_hours, start_time, end_time, published_at, secret
         FROM campaigns.campaigns WHERE status = 'CREATED' ORDER BY id;
         INSERT INTO bench.timers SELECT * FROM campaigns.campaign_timers WHERE status = 'PENDING' ORDER BY id;",
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// Once more, with the timers as they were.
pub(super) async fn copy_again(pool: &PgPool) -> Result<()> {
    let _spinner = crate::progress::spinner("copying for bare SQL");
    sqlx::raw_sql(
        "CREATE TABLE bench.kept AS SELECT * FROM bench.timers;
         CREATE TABLE bench.kept_campaigns AS SELECT id, guild_id, name, campaign_type, duration_hours, start_time, end_time,
             published_at, secret FROM bench.campaigns;
         TRUNCATE bench.campaigns, bench.timers, bench.log, bench.executions, bench.outbox;
         INSERT INTO bench.campaigns (id, guild_id, name, campaign_type, duration_hours, start_time, end_time, published_at, secret)
         SELECT * FROM bench.kept_campaigns ORDER BY id;
         UPDATE bench.kept SET status = 'PENDING', executed_at = NULL;
         INSERT INTO bench.timers SELECT * FROM bench.kept ORDER BY id;
         DROP TABLE bench.kept, bench.kept_campaigns;",
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// Repeats `statement`, each time in a transaction of its own, until it has written `count` executions.
pub(super) async fn drain(ground: &Ground, statement: Statement, count: usize) -> Result<Duration> {
    let _spinner = crate::progress::spinner("the same by bare SQL");
    let mut connection = ground.connect().await?;
    let began = Instant::now();
    let mut left = u64::try_from(count)?;
    while left > 0 {
        let written = sqlx::query(statement).execute(&mut connection).await?.rows_affected();
        if written == 0 {
            bail!("bare SQL found {left} of {count} timers missing");
        }
        left = left.saturating_sub(written);
    }
    Ok(began.elapsed())
}
