//! The queue of campaign timers for the `jobs` engine.
//!
//! A batch is claimed, completed, carried out and journalled in one transaction: a timer's effect happens exactly once,
//! whatever dies. Only the earliest pending timer of a campaign is ever claimed, so a campaign that is overdue for its
//! start and its close starts first, whichever nodes share the work. The expiry timer is armed once and looks at the
//! campaign when it is due: while the campaign has moved on, it arms itself again for the new deadline. That saves every
//! start a write.

use std::time::Duration;

use challenges::CampaignKey;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::{Floor, Run, TimerError, TimerTable};
use kernel::{CampaignId, GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::lifecycle::{self, Cause};
use crate::locks::{Locked, campaigns_lock};
use crate::model::{Status, TimerType};

/// The queue's name.
pub const QUEUE: &str = crate::store::timers::QUEUE;

/// The queues of timers that nodes work on: that of campaigns, and those of `jobs`.
pub const QUEUES: [&str; 3] = [QUEUE, jobs::timers::QUEUE, jobs::schedule::QUEUE];

/// The table `campaigns.campaign_timers`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CampaignTimers;

/// A claimed timer.
#[derive(Debug, Clone)]
pub struct Claimed {
    id: Uuid,
    campaign_id: Uuid,
    guild_id: i64,
    timer_type: TimerType,
    scheduled_at: DateTime<Utc>,
    retry_count: i32,
}

impl Claimed {
    fn campaign(&self) -> CampaignKey {
        CampaignKey { guild_id: GuildId::new(self.guild_id), id: CampaignId::new(self.campaign_id) }
    }
}

impl TimerTable for CampaignTimers {
    type Timer = Claimed;

    fn name(&self) -> &'static str {
        QUEUE
    }

    fn id(timer: &Claimed) -> Uuid {
        timer.id
    }

    fn kind(timer: &Claimed) -> &str {
        timer.timer_type.as_str()
    }

    fn scheduled_at(timer: &Claimed) -> DateTime<Utc> {
        timer.scheduled_at
    }

    fn retries(timer: &Claimed) -> i32 {
        timer.retry_count
    }

    async fn claim(
        &self,
        conn: &mut PgConnection,
        floor: Option<Floor>,
        limit: i64,
    ) -> Result<Vec<Claimed>, sqlx::Error> {
        // The scalar subquery keeps the planner on one index probe a row: written as NOT EXISTS it may hash the whole
        // table of pending timers. The campaign comes before its timer, and neither is waited for: see `crate::locks`.
        sqlx::query_as!(
            Claimed,
            r#"SELECT t.id, t.campaign_id, t.guild_id, t.timer_type AS "timer_type: TimerType", t.scheduled_at, t.retry_count
               FROM campaigns.campaign_timers t
               CROSS JOIN LATERAL (SELECT c.id FROM campaigns.campaigns c
                                   WHERE c.guild_id = t.guild_id AND c.id = t.campaign_id
                                   LIMIT 1 FOR KEY SHARE SKIP LOCKED) c
               WHERE t.status = 'PENDING' AND t.scheduled_at <= now()
                 AND (t.scheduled_at, t.id) >= (coalesce($1, '-infinity'::timestamptz), coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
                 AND (SELECT true FROM campaigns.campaign_timers e
                      WHERE e.guild_id = t.guild_id AND e.campaign_id = t.campaign_id AND e.status = 'PENDING'
                        AND (e.scheduled_at, e.id) < (t.scheduled_at, t.id) LIMIT 1) IS NULL
               ORDER BY t.scheduled_at, t.id LIMIT $2 FOR UPDATE OF t SKIP LOCKED"#,
            floor.map(|floor| floor.at),
            limit,
            floor.map(|floor| floor.id)
        )
        .fetch_all(conn)
        .await
    }

    async fn execute(
        &self,
        conn: &mut PgConnection,
        run: &Run,
        timers: &[Claimed],
    ) -> Result<(), TimerError> {
        let (guilds, ids): (Vec<i64>, Vec<Uuid>) = timers.iter().map(|t| (t.guild_id, t.id)).unzip();
        // First, so that a type may schedule itself anew: of each, one may be pending.
        sqlx::query!(
            "UPDATE campaigns.campaign_timers SET status = 'COMPLETED', executed_at = now(), updated_at = clock_timestamp()
             WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))",
            &guilds,
            &ids
        )
        .execute(&mut *conn)
        .await?;
        let campaigns: Vec<CampaignKey> = timers.iter().map(Claimed::campaign).collect();
        let locked = campaigns_lock(conn, &campaigns).await?;
        let results = carry_out(conn, timers, &locked).await?;
        executions_write(conn, run, timers, &results).await?;
        Ok(())
    }

    async fn fail(
        &self,
        conn: &mut PgConnection,
        run: &Run,
        timer: &Claimed,
        error: &str,
        retry_in: Option<Duration>,
    ) -> Result<(), sqlx::Error> {
        let retry_seconds = retry_in.map(|d| d.as_secs_f64());
        sqlx::query!(
            "WITH failed AS (
                 UPDATE campaigns.campaign_timers
                 SET status = CASE WHEN $2::double precision IS NULL THEN 'FAILED' ELSE 'PENDING' END,
                     retry_count = least(retry_count + 1, 5), crash_count = 0, last_error = $3,
                     scheduled_at = CASE WHEN $2 IS NULL THEN scheduled_at ELSE now() + $2 * interval '1 second' END
                 WHERE guild_id = $6 AND id = $1 AND status = 'PENDING'
                 RETURNING id, campaign_id, guild_id, timer_type
             )
             INSERT INTO campaigns.timer_executions
                 (timer_id, campaign_id, guild_id, timer_type, status, error_message, completed_at, execution_time_ms, node_id)
             SELECT id, campaign_id, guild_id, timer_type, 'FAILED', $3, clock_timestamp(), $4, $5 FROM failed",
            timer.id,
            retry_seconds,
            error,
            run.elapsed_ms(),
            run.node_id,
        timer.guild_id,
    )
        .execute(&mut *conn)
        .await?;
        if retry_in.is_none() {
            let event = jobs::outbox::Event {
                guild_id: GuildId::new(timer.guild_id),
                event_type: "timer.failed",
                subject: format!("campaigns/{}", timer.campaign_id),
                correlation_id: None,
                // For admins only: errors are not members' business.
                user_id: Some(UserId::HOUSE),
                payload: json!({
                    "campaign_id": timer.campaign_id, "timer_id": timer.id, "timer_type": timer.timer_type, "error": error,
                }),
            };
            jobs::outbox::emit(conn, &[event]).await?;
        }
        Ok(())
    }

    async fn count_crash(&self, conn: &mut PgConnection, timer: &Claimed) -> Result<i32, sqlx::Error> {
        sqlx::query_scalar!(
            "UPDATE campaigns.campaign_timers SET crash_count = crash_count + 1 WHERE guild_id = $2 AND id = $1 RETURNING crash_count",
            timer.id,
        timer.guild_id,
    )
        .fetch_one(conn)
        .await
    }

    async fn next_due(
        &self,
        conn: &mut PgConnection,
        floor: Option<Floor>,
    ) -> Result<Option<TimeDelta>, sqlx::Error> {
        let micros = sqlx::query_scalar!(
            "SELECT (extract(epoch FROM scheduled_at - clock_timestamp()) * 1000000)::bigint
             FROM campaigns.campaign_timers
             WHERE status = 'PENDING'
               AND (scheduled_at, id) >= (coalesce($1, '-infinity'::timestamptz), coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
             ORDER BY scheduled_at, id LIMIT 1",
            floor.map(|floor| floor.at),
            floor.map(|floor| floor.id)
        )
        .fetch_optional(conn)
        .await?;
        Ok(micros.flatten().map(TimeDelta::microseconds))
    }

    async fn depth(&self, conn: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
        sqlx::query_scalar!(
            "SELECT count(*) FROM (SELECT 1 FROM campaigns.campaign_timers
             WHERE status = 'PENDING' AND scheduled_at <= now() LIMIT 10000) due"
        )
        .fetch_one(conn)
        .await
    }
}

/// Carries timers out by type, set-based; answers what each did, in the order of `timers`.
async fn carry_out(
    conn: &mut PgConnection,
    timers: &[Claimed],
    locked: &[Locked],
) -> Result<Vec<Option<Value>>, TimerError> {
    let campaign = |timer: &Claimed| {
        locked.binary_search_by_key(&timer.campaign(), Locked::key).ok().map(|i| &locked[i])
    };
    let mut by_type = std::collections::BTreeMap::<TimerType, Vec<&Locked>>::new();
    let mut rearm = Vec::new();
    let mut results = Vec::with_capacity(timers.len());
    for timer in timers {
        let Some(campaign) = campaign(timer) else {
            results.push(Some(json!({ "skipped": "the campaign is gone" })));
            continue;
        };
        let mut result = None;
        match (timer.timer_type, campaign.expires_at()) {
            (kind, _) if !state_fits(kind, campaign.status) => {
                if too_early(kind, campaign.status) {
                    return Err(TimerError::Retry(format!(
                        "{kind} is due but the campaign is still {}",
                        campaign.status
                    )));
                }
                result = Some(json!({ "skipped": format!("the campaign is {} already", campaign.status) }));
            }
            (TimerType::ExpireCampaign, Some(deadline)) if timer.scheduled_at < deadline => {
                result = Some(json!({ "rearmed_to": deadline }));
                rearm.push((campaign, deadline));
            }
            (kind, _) => by_type.entry(kind).or_default().push(campaign),
        }
        results.push(result);
    }
    if let Some(closing) = by_type.get(&TimerType::CloseCampaign) {
        // What arrived before the end counts, however long its checker takes. It is given back before this is tried for good.
        let keys: Vec<CampaignKey> = closing.iter().map(|c| c.key()).collect();
        if !challenges::checks::pending_campaigns(conn, &keys).await?.is_empty() {
            return Err(TimerError::Retry("answers are still being checked".to_owned()));
        }
    }
    for (kind, group) in &by_type {
        let cause = Cause::timer(kind.as_str());
        match kind {
            TimerType::StartCampaign => lifecycle::start(conn, group, &cause).await,
            TimerType::ReleaseChallenge => {
                let keys: Vec<CampaignKey> = group.iter().map(|c| c.key()).collect();
                lifecycle::release(conn, &keys).await
            }
            TimerType::FreezeStandings => lifecycle::freeze(conn, group).await,
            TimerType::CloseCampaign => lifecycle::close(conn, group, &cause).await,
            TimerType::OpenRewardClaim => lifecycle::rewards_open(conn, group, &cause).await,
            TimerType::RewardReminder => lifecycle::remind(conn, group).await,
            TimerType::ExpireCampaign => lifecycle::expire(conn, group, &cause, false).await,
        }
        .map_err(timer_error)?;
    }
    expiry_rearm(conn, &rearm).await?;
    Ok(results)
}

/// Whether a timer of this kind has something to do in this state.
const fn state_fits(kind: TimerType, status: Status) -> bool {
    matches!(
        (kind, status),
        (TimerType::StartCampaign, Status::Created)
            | (
                TimerType::ReleaseChallenge | TimerType::FreezeStandings | TimerType::CloseCampaign,
                Status::Running
            )
            | (TimerType::OpenRewardClaim, Status::Closed)
            | (TimerType::RewardReminder, Status::RewardClaim)
            | (
                TimerType::ExpireCampaign,
                Status::Created | Status::Running | Status::Closed | Status::RewardClaim
            )
    )
}

/// Whether the state that this kind waits for is still to come: its start failed and is being retried, say.
const fn too_early(kind: TimerType, status: Status) -> bool {
    matches!(
        (kind, status),
        (
            TimerType::ReleaseChallenge | TimerType::FreezeStandings | TimerType::CloseCampaign,
            Status::Created
        ) | (TimerType::OpenRewardClaim, Status::Created | Status::Running)
            | (TimerType::RewardReminder, Status::Created | Status::Running | Status::Closed)
    )
}

/// Arms the expiry anew; deadlines that have passed meanwhile are due now, behind what is overdue already.
async fn expiry_rearm(
    conn: &mut PgConnection,
    rearm: &[(&Locked, DateTime<Utc>)],
) -> Result<(), sqlx::Error> {
    if rearm.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rearm.iter().map(|(c, _)| c.id).collect();
    let guilds: Vec<i64> = rearm.iter().map(|(c, _)| c.guild_id).collect();
    let deadlines: Vec<DateTime<Utc>> = rearm.iter().map(|(_, at)| *at).collect();
    sqlx::query!(
        "INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT id, guild_id, 'EXPIRE_CAMPAIGN', greatest(at, now())
         FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS r (id, guild_id, at)",
        &ids,
        &guilds,
        &deadlines
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn executions_write(
    conn: &mut PgConnection,
    run: &Run,
    timers: &[Claimed],
    results: &[Option<Value>],
) -> Result<(), sqlx::Error> {
    // Made here: a version 7 id costs PostgreSQL before 18 as much as the rest of the row.
    let rows: Vec<Uuid> = timers.iter().map(|_| Uuid::now_v7()).collect();
    let ids: Vec<Uuid> = timers.iter().map(|t| t.id).collect();
    let campaigns: Vec<Uuid> = timers.iter().map(|t| t.campaign_id).collect();
    let guilds: Vec<i64> = timers.iter().map(|t| t.guild_id).collect();
    let types: Vec<String> = timers.iter().map(|t| t.timer_type.as_str().to_owned()).collect();
    let due: Vec<DateTime<Utc>> = timers.iter().map(|t| t.scheduled_at).collect();
    sqlx::query!(
        "INSERT INTO campaigns.timer_executions
             (id, timer_id, campaign_id, guild_id, timer_type, status, result, completed_at, execution_time_ms, lateness_ms, node_id)
         SELECT row_id, id, campaign_id, guild_id, timer_type, 'COMPLETED', result, clock_timestamp(), $7,
                least(extract(epoch FROM now() - due) * 1000, 2147483647)::integer, $8
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::jsonb[], $6::timestamptz[], $9::uuid[])
              AS t (id, campaign_id, guild_id, timer_type, result, due, row_id)",
        &ids,
        &campaigns,
        &guilds,
        &types,
        results as &[Option<Value>],
        &due,
        run.elapsed_ms(),
        run.node_id,
        &rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn timer_error(error: Error) -> TimerError {
    match error {
        Error::Database(e) => TimerError::Database(e),
        other => TimerError::Retry(other.to_string()),
    }
}
