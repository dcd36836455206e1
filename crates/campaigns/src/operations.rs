//! Health and performance of campaigns (001's monitoring queries): of one guild, or of all for the operator.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::model::{Status, TimerType};

/// How campaigns and their timers fare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CampaignHealth)]
pub struct Health {
    /// Timers due for over ten minutes and not executed, by type.
    pub stuck_timers: Vec<StuckTimers>,
    /// Timers out of retries, by type.
    pub failed_timers: Vec<FailedTimers>,
    /// Campaigns by status.
    pub states: Vec<StateShare>,
    /// Execution times of the last 24 hours, by type.
    pub executions: Vec<Executions>,
}

/// Timers of a type that are due for over ten minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StuckTimers {
    /// The type.
    pub timer_type: TimerType,
    /// How many.
    pub stuck_count: i64,
    /// When the oldest was due.
    pub oldest_stuck: DateTime<Utc>,
}

/// Timers of a type that are out of retries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailedTimers {
    /// The type.
    pub timer_type: TimerType,
    /// How many.
    pub failed_count: i64,
    /// When the latest failed.
    pub latest_failure: DateTime<Utc>,
}

/// Campaigns of a status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StateShare {
    /// The status.
    pub status: Status,
    /// How many.
    pub count: i64,
    /// Their share in percent, to two digits.
    pub percentage: f64,
}

/// Executions of a type in the last 24 hours. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Executions {
    /// The type.
    pub timer_type: TimerType,
    /// How many runs.
    pub executions: i64,
    /// Of these, how many failed.
    pub failures: i64,
    /// Mean execution time.
    pub avg_ms: f64,
    /// Longest execution time.
    pub max_ms: i32,
    /// Mean lateness.
    pub avg_lateness_ms: f64,
    /// Greatest lateness.
    pub max_lateness_ms: i32,
}

/// How campaigns and their timers fare, in one guild or in all.
pub async fn health(pool: &PgPool, guild_id: Option<GuildId>) -> Result<Health, sqlx::Error> {
    let guild = guild_id.map(GuildId::get);
    let mut conn = db::acquire(pool).await?;
    let stuck_timers = sqlx::query_as!(
        StuckTimers,
        r#"SELECT timer_type AS "timer_type: TimerType", count(*) AS "stuck_count!", min(scheduled_at) AS "oldest_stuck!"
           FROM campaigns.campaign_timers
           WHERE status = 'PENDING' AND scheduled_at < now() - interval '10 minutes' AND ($1::bigint IS NULL OR guild_id = $1)
           GROUP BY timer_type ORDER BY timer_type"#,
        guild
    )
    .fetch_all(&mut *conn)
    .await?;
    let failed_timers = sqlx::query_as!(
        FailedTimers,
        r#"SELECT timer_type AS "timer_type: TimerType", count(*) AS "failed_count!", max(updated_at) AS "latest_failure!"
           FROM campaigns.campaign_timers
           WHERE status = 'FAILED' AND ($1::bigint IS NULL OR guild_id = $1)
           GROUP BY timer_type ORDER BY timer_type"#,
        guild
    )
    .fetch_all(&mut *conn)
    .await?;
    let states = sqlx::query_as!(
        StateShare,
        r#"SELECT status AS "status: Status", count(*) AS "count!",
                  round(count(*) * 100.0 / sum(count(*)) OVER (), 2)::double precision AS "percentage!"
           FROM campaigns.campaigns WHERE $1::bigint IS NULL OR guild_id = $1
           GROUP BY status ORDER BY 2 DESC, status"#,
        guild
    )
    .fetch_all(&mut *conn)
    .await?;
    let executions = sqlx::query_as!(
        Executions,
        r#"SELECT timer_type AS "timer_type: TimerType", count(*) AS "executions!",
                  count(*) FILTER (WHERE status = 'FAILED') AS "failures!",
                  coalesce(round(avg(execution_time_ms), 1), 0)::double precision AS "avg_ms!",
                  coalesce(max(execution_time_ms), 0) AS "max_ms!",
                  coalesce(round(avg(lateness_ms), 1), 0)::double precision AS "avg_lateness_ms!",
                  coalesce(max(lateness_ms), 0) AS "max_lateness_ms!"
           FROM campaigns.timer_executions
           WHERE started_at > now() - interval '24 hours' AND ($1::bigint IS NULL OR guild_id = $1)
           GROUP BY timer_type ORDER BY 4 DESC"#,
        guild
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(Health { stuck_timers, failed_timers, states, executions })
}
