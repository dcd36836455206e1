//! Timers, transitions and figures of a campaign, and re-running what failed.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use jobs::Wake;
use kernel::{CampaignId, GuildId, Page, PageQuery, Problem, TimerId};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Asker, committed, timers_announce};
use crate::error::Error;
use crate::model::{CampaignTimer, Metric, StateLogEntry, Status, TimerType};

/// Timers of a guild, newest first: of one campaign, of one status, or all.
pub async fn timer_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: Option<CampaignId>,
    status: Option<&str>,
    page: &PageQuery,
) -> Result<Page<CampaignTimer>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<Uuid>()?);
    if let Some(id) = id {
        super::campaign_get(pool, guild_id, id, true).await?;
    }
    let rows = sqlx::query_as!(
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
        limit.plus_one()
    )
    .fetch_all(pool)
    .await?;
    Ok(Page::new(rows, limit, |t| t.id.get()))
}

/// Runs a FAILED timer again, now, with its retries restored.
pub async fn timer_retry(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    timer: TimerId,
) -> Result<CampaignTimer, Error> {
    let mut tx = pool.begin().await?;
    let retried = sqlx::query_as!(
        CampaignTimer,
        r#"UPDATE campaigns.campaign_timers
           SET status = 'PENDING', retry_count = 0, crash_count = 0, scheduled_at = now()
           WHERE guild_id = $1 AND id = $2 AND status = 'FAILED'
           RETURNING id AS "id: TimerId", campaign_id AS "campaign_id: CampaignId", timer_type AS "timer_type: TimerType", status,
                     scheduled_at, executed_at, payload, retry_count, last_error"#,
        guild_id.get(),
        timer.get()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound("failed timer"))?;
    let mut entry = access::AuditEntry::new(
        Some(guild_id),
        by.by,
        "RETRY",
        "campaigns.campaign_timers",
        timer.to_string(),
    );
    entry.before = Some(serde_json::json!({ "status": "FAILED", "last_error": retried.last_error }));
    entry.after = Some(serde_json::json!({ "status": retried.status, "scheduled_at": retried.scheduled_at }));
    if let Some(origin) = by.origin {
        entry = entry.from(origin);
    }
    access::audit::record(&mut tx, &entry).await?;
    timers_announce(&mut tx, wake, CampaignKey { guild_id, id: retried.campaign_id }).await?;
    tx.commit().await?;
    committed(wake);
    Ok(retried)
}

/// A campaign's transitions, newest first.
pub async fn state_log_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    page: &PageQuery,
) -> Result<Page<StateLogEntry>, Problem> {
    struct Row {
        id: Uuid,
        entry: StateLogEntry,
    }
    let (limit, before) = (page.limit()?, page.after::<Uuid>()?);
    super::campaign_get(pool, guild_id, id, true).await?;
    let rows = sqlx::query!(
        r#"SELECT id, from_state AS "from_state: Status", to_state AS "to_state: Status", trigger_event, metadata, created_at
           FROM campaigns.campaign_state_log
           WHERE guild_id = $4 AND campaign_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        id.get(),
        before,
        limit.plus_one(),
        guild_id.get(),
    )
    .fetch_all(pool)
    .await?;
    let rows = rows
        .into_iter()
        .map(|r| Row {
            id: r.id,
            entry: StateLogEntry {
                from_state: r.from_state,
                to_state: r.to_state,
                trigger_event: r.trigger_event,
                metadata: r.metadata,
                created_at: r.created_at,
            },
        })
        .collect();
    Ok(Page::new(rows, limit, |row: &Row| row.id).map(|row| row.entry))
}

/// A campaign's recorded figures, newest first.
pub async fn metric_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    metric_type: Option<&str>,
    page: &PageQuery,
) -> Result<Page<Metric>, Problem> {
    let limit = page.limit()?;
    let before = page.after::<(DateTime<Utc>, Uuid)>()?;
    super::campaign_get(pool, guild_id, id, true).await?;
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query!(
        r#"SELECT id, metric_type, value::double precision AS "value!", attributes, recorded_at
           FROM campaigns.campaign_metrics
           WHERE guild_id = $6 AND campaign_id = $1 AND ($2::text IS NULL OR metric_type = $2)
             AND ($3::timestamptz IS NULL OR (recorded_at, id) < ($3, $4::uuid))
           ORDER BY recorded_at DESC, id DESC LIMIT $5"#,
        id.get(),
        metric_type,
        before_at,
        before_id,
        limit.plus_one(),
        guild_id.get(),
    )
    .fetch_all(pool)
    .await?;
    let page = Page::new(rows, limit, |r| (r.recorded_at, r.id));
    Ok(page.map(|r| Metric {
        metric_type: r.metric_type,
        value: r.value,
        attributes: r.attributes,
        recorded_at: r.recorded_at,
    }))
}
