//! Timers as admins see and move them. The engine's own statements are with the engine's table, `crate::timers`.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use jobs::Wake;
use kernel::{CampaignId, GuildId, TimerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{CampaignTimer, TimerType};

/// The queue's name.
pub(crate) const QUEUE: &str = "campaigns.campaign_timers";

/// Puts the planned timers where they belong, and cancels those of the plan's kind that it no longer has.
pub(crate) async fn timers_put(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    plan: &[(TimerType, DateTime<Utc>)],
) -> Result<(), sqlx::Error> {
    let types: Vec<String> = plan.iter().map(|(t, _)| t.as_str().to_owned()).collect();
    let times: Vec<DateTime<Utc>> = plan.iter().map(|(_, at)| *at).collect();
    sqlx::query!(
        "WITH unplanned AS (
             UPDATE campaigns.campaign_timers SET status = 'CANCELLED', executed_at = now()
             WHERE guild_id = $2 AND campaign_id = $1 AND status = 'PENDING' AND timer_type <> ALL ($3)
               AND timer_type IN ('START_CAMPAIGN', 'FREEZE_STANDINGS', 'CLOSE_CAMPAIGN', 'EXPIRE_CAMPAIGN')
         )
         INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT $1, $2, t, greatest(at, now()) FROM unnest($3::text[], $4::timestamptz[]) AS p (t, at)
         ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING')
         DO UPDATE SET scheduled_at = excluded.scheduled_at, retry_count = 0",
        campaign.id.get(),
        campaign.guild_id.get(),
        &types,
        &times
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells the engines, on commit, when this campaign's next timer is due.
pub(crate) async fn timers_announce(
    conn: &mut PgConnection,
    wake: &Wake,
    campaign: CampaignKey,
) -> Result<(), sqlx::Error> {
    let next = sqlx::query_scalar!(
        "SELECT min(scheduled_at) FROM campaigns.campaign_timers
         WHERE guild_id = $1 AND campaign_id = $2 AND status = 'PENDING'",
        campaign.guild_id.get(),
        campaign.id.get()
    )
    .fetch_one(&mut *conn)
    .await?;
    if let Some(at) = next {
        wake.timer_scheduled(conn, QUEUE, at).await?;
    }
    Ok(())
}

/// Timers of a guild, newest first: of one campaign, of one status, or all.
pub(crate) async fn timer_list(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: Option<CampaignId>,
    status: Option<&str>,
    before: Option<Uuid>,
    count: i64,
) -> Result<Vec<CampaignTimer>, sqlx::Error> {
    sqlx::query_as!(
        CampaignTimer,
        r#"SELECT id AS "id: TimerId", campaign_id AS "campaign_id: CampaignId", timer_type AS "timer_type: TimerType", status,
                  scheduled_at, executed_at, payload, retry_count, last_error
           FROM campaigns.campaign_timers
           WHERE guild_id = $1 AND ($2::uuid IS NULL OR campaign_id = $2) AND ($3::text IS NULL OR status = $3)
             AND ($4::uuid IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $5"#,
        guild_id.get(),
        id.map(CampaignId::get),
        status,
        before,
        count
    )
    .fetch_all(conn)
    .await
}

/// The campaign of a timer that failed for good.
pub(crate) async fn failed_timer_campaign(
    conn: &mut PgConnection,
    guild_id: GuildId,
    timer: TimerId,
) -> Result<Option<CampaignId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT campaign_id AS "id: CampaignId" FROM campaigns.campaign_timers
           WHERE guild_id = $1 AND id = $2 AND status = 'FAILED'"#,
        guild_id.get(),
        timer.get()
    )
    .fetch_optional(conn)
    .await
}

/// Makes a failed timer due now, its retries restored.
pub(crate) async fn timer_restore(
    conn: &mut PgConnection,
    guild_id: GuildId,
    timer: TimerId,
) -> Result<Option<CampaignTimer>, sqlx::Error> {
    sqlx::query_as!(
        CampaignTimer,
        r#"UPDATE campaigns.campaign_timers
           SET status = 'PENDING', retry_count = 0, crash_count = 0, scheduled_at = now()
           WHERE guild_id = $1 AND id = $2 AND status = 'FAILED'
           RETURNING id AS "id: TimerId", campaign_id AS "campaign_id: CampaignId", timer_type AS "timer_type: TimerType", status,
                     scheduled_at, executed_at, payload, retry_count, last_error"#,
        guild_id.get(),
        timer.get()
    )
    .fetch_optional(conn)
    .await
}

/// Schedules the opening of the rewards, where there are any.
pub(crate) async fn opening_schedule(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT id, guild_id, 'OPEN_REWARD_CLAIM', now() + reward_delay_minutes * interval '1 minute'
         FROM campaigns.campaigns
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND rewards_enabled ORDER BY guild_id, id
         ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING') DO NOTHING",
        &guilds,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Schedules the reminder to claim, where one is wanted.
pub(crate) async fn reminder_schedule(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "INSERT INTO campaigns.campaign_timers (campaign_id, guild_id, timer_type, scheduled_at)
         SELECT id, guild_id, 'REWARD_REMINDER',
                now() + claim_days * interval '24 hours' - reminder_hours * interval '1 hour'
         FROM campaigns.campaigns
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND reminder_hours > 0 ORDER BY guild_id, id
         ON CONFLICT (guild_id, campaign_id, timer_type) WHERE status IN ('PENDING', 'RUNNING') DO NOTHING",
        &guilds,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Schedules, or moves, the next release of each running campaign.
pub(crate) async fn releases_schedule(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_scalar!("SELECT campaigns.schedule_next_releases($1, $2)", &guilds, &ids)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Cancels pending timers of these types.
pub(crate) async fn timers_cancel(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
    types: &[TimerType],
) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    let types: Vec<String> = types.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "UPDATE campaigns.campaign_timers SET status = 'CANCELLED', executed_at = now()
         WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           AND status = 'PENDING' AND timer_type = ANY ($3)",
        &guilds,
        &ids,
        &types,
    )
    .execute(conn)
    .await?;
    Ok(())
}
