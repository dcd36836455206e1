//! The periodic jobs of this slice (001's schedules); one node at a time runs each.

use chrono::{DateTime, Utc};
use jobs::schedule::{JobError, Schedule};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

/// Rows of a journal that one statement removes.
const CLEAN_UP_BATCH: i64 = 10_000;

/// All of them.
pub fn all(pool: &PgPool) -> Vec<Schedule> {
    let pool = pool.clone();
    vec![
        Schedule::new("campaigns.refresh_active_campaigns", "*/5 * * * *", |conn| {
            Box::pin(active_campaigns_refresh(conn))
        }),
        Schedule::new("campaigns.refresh_pending_timers", "* * * * *", |conn| {
            Box::pin(pending_timers_refresh(conn))
        }),
        Schedule::new("campaigns.record_metrics", "* * * * *", |conn| Box::pin(metrics_record(conn))),
        Schedule::new("campaigns.archive_state_logs", "0 2 1 * *", |conn| Box::pin(state_logs_archive(conn))),
        Schedule::new("campaigns.cleanup_timer_executions", "0 3 * * 0", move |_| {
            let pool = pool.clone();
            Box::pin(
                async move { Ok(json!({ "rows": timer_executions_cleanup(&pool, CLEAN_UP_BATCH).await? })) },
            )
        }),
    ]
}

/// The metrics job's name: its last result says up to when figures are recorded.
const METRICS: &str = "campaigns.record_metrics";

async fn active_campaigns_refresh(conn: &mut PgConnection) -> Result<Value, JobError> {
    sqlx::query!("SELECT questhall.refresh_view('campaigns.mv_active_campaigns')").execute(conn).await?;
    Ok(Value::Null)
}

async fn pending_timers_refresh(conn: &mut PgConnection) -> Result<Value, JobError> {
    sqlx::query!("SELECT questhall.refresh_view('campaigns.mv_pending_timers')").execute(conn).await?;
    Ok(Value::Null)
}

async fn state_logs_archive(conn: &mut PgConnection) -> Result<Value, JobError> {
    let months = sqlx::query_scalar!("SELECT campaigns.archive_old_state_logs()").fetch_one(conn).await?;
    Ok(json!({ "months": months }))
}

/// Removes executions whose time is over, so many by a statement, each in a transaction of its own: one long one would hold up readers of
/// the outbox. Tells how many went.
pub async fn timer_executions_cleanup(pool: &PgPool, batch: i64) -> Result<i64, sqlx::Error> {
    let mut gone = 0;
    loop {
        let rows = sqlx::query_scalar!(r#"SELECT campaigns.cleanup_timer_executions($1) AS "rows!""#, batch)
            .fetch_one(&mut *db::acquire(pool).await?)
            .await?;
        gone += rows;
        if rows < batch {
            return Ok(gone);
        }
    }
}

/// Rolls the journals of the minutes since the last run up into 001's five metric types. It goes up to a few seconds ago,
/// so that transactions under way then are in; what a gap of over a day left out stays out.
pub async fn metrics_record(conn: &mut PgConnection) -> Result<Value, JobError> {
    let window = sqlx::query!(
        r#"SELECT greatest((last_result->>'until')::timestamptz, now() - interval '1 day') AS since,
                  now() - interval '5 seconds' AS "until!"
           FROM jobs.schedules WHERE name = $1"#,
        METRICS
    )
    .fetch_optional(&mut *conn)
    .await?;
    let until: DateTime<Utc> = match &window {
        Some(window) => window.until,
        None => {
            sqlx::query_scalar!(r#"SELECT now() - interval '5 seconds' AS "until!""#)
                .fetch_one(&mut *conn)
                .await?
        }
    };
    let since = window.and_then(|w| w.since).unwrap_or(until - chrono::TimeDelta::minutes(1));
    let recorded = sqlx::query!(
        "WITH engagement AS (
             SELECT campaign_id, guild_id, 'ENGAGEMENT_COUNT' AS metric_type, count(*)::numeric AS value,
                    jsonb_build_object('correct', count(*) FILTER (WHERE is_correct)) AS attributes
             FROM challenges.challenge_submissions
             WHERE submission_timestamp >= $1 AND submission_timestamp < $2 GROUP BY campaign_id, guild_id
         ), joined AS (
             SELECT campaign_id, guild_id, 'PARTICIPANT_COUNT', count(*)::numeric,
                    jsonb_build_object('joined', count(*) FILTER (WHERE registered_at >= $1 AND registered_at < $2))
             FROM campaigns.campaign_participants p
             WHERE (guild_id, campaign_id) IN (SELECT guild_id, subject_id FROM (
                 SELECT DISTINCT guild_id, (payload->>'campaign_id')::uuid AS subject_id FROM jobs.outbox
                 WHERE created_at >= $1 AND created_at < $2 AND event_type IN ('campaign.registered', 'campaign.withdrawn')) s)
             GROUP BY campaign_id, guild_id
         ), claimed AS (
             SELECT campaign_id, guild_id, 'REWARD_CLAIMED', count(*)::numeric,
                    jsonb_build_object('bytes', sum(bytes), 'xp', sum(xp), 'gold', sum(gold))
             FROM campaigns.reward_claims WHERE claimed_at >= $1 AND claimed_at < $2 GROUP BY campaign_id, guild_id
         ), executed AS (
             SELECT campaign_id, guild_id, 'TIMER_EXECUTION_TIME', coalesce(avg(execution_time_ms), 0),
                    jsonb_build_object('timer_type', timer_type, 'runs', count(*),
                                       'failures', count(*) FILTER (WHERE status = 'FAILED'))
             FROM campaigns.timer_executions
             WHERE started_at >= $1 AND started_at < $2 GROUP BY campaign_id, guild_id, timer_type
         ), moved AS (
             SELECT e.campaign_id, e.guild_id, 'STATE_TRANSITION_TIME', avg(e.lateness_ms + e.execution_time_ms),
                    jsonb_build_object('to_state', l.to_state)
             FROM campaigns.campaign_state_log l
             JOIN campaigns.timer_executions e
               ON e.guild_id = l.guild_id AND e.campaign_id = l.campaign_id AND e.timer_type = l.trigger_event AND e.started_at = l.created_at
              AND e.started_at >= $1 AND e.started_at < $2
             WHERE l.created_at >= $1 AND l.created_at < $2 GROUP BY e.campaign_id, e.guild_id, l.to_state
         )
         INSERT INTO campaigns.campaign_metrics (campaign_id, guild_id, metric_type, value, attributes, recorded_at)
         SELECT campaign_id, guild_id, metric_type, value, attributes, $2 FROM (
             SELECT * FROM engagement UNION ALL SELECT * FROM joined UNION ALL SELECT * FROM claimed
             UNION ALL SELECT * FROM executed UNION ALL SELECT * FROM moved) m",
        since,
        until
    )
    .execute(conn)
    .await?
    .rows_affected();
    Ok(json!({ "until": until, "rows": recorded }))
}
