//! Timers, transitions and figures of a campaign, and re-running what failed.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use jobs::Wake;
use kernel::{CampaignId, GuildId, Page, PageQuery, Problem, TimerId};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Asker, committed, known};
use crate::error::Error;
use crate::locks::campaign_lock;
use crate::model::{CampaignTimer, Metric, StateLogEntry};
use crate::store::{history, timers as store};

/// Timers of a guild, newest first: of one campaign, of one status, or all.
pub async fn timer_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: Option<CampaignId>,
    status: Option<&str>,
    page: &PageQuery,
) -> Result<Page<CampaignTimer>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<Uuid>()?);
    let mut conn = db::acquire(pool).await?;
    let rows = store::timer_list(&mut conn, guild_id, id, status, before, limit.plus_one()).await?;
    if let Some(id) = id.filter(|_| rows.is_empty()) {
        // Of a campaign without any, or that there is not.
        known(&mut conn, guild_id, id, true).await?;
    }
    Ok(Page::new(rows, limit, |t| t.id.get()))
}

/// Runs a FAILED timer again, now, with its retries restored.
#[kernel::boxed]
pub async fn timer_retry(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    timer: TimerId,
) -> Result<CampaignTimer, Error> {
    let gone = || Error::NotFound("failed timer");
    let mut tx = db::begin(pool).await?;
    let campaign = store::failed_timer_campaign(&mut tx, guild_id, timer).await?.ok_or_else(gone)?;
    campaign_lock(&mut tx, guild_id, campaign).await?;
    let retried = store::timer_restore(&mut tx, guild_id, timer).await?.ok_or_else(gone)?;
    let mut entry = by.entry(guild_id, "RETRY", "campaigns.campaign_timers", timer.to_string());
    entry.before = Some(json!({ "status": "FAILED", "last_error": retried.last_error }));
    entry.after = Some(json!({ "status": retried.status, "scheduled_at": retried.scheduled_at }));
    access::audit::record(&mut tx, &entry).await?;
    store::timers_announce(&mut tx, wake, CampaignKey { guild_id, id: campaign }).await?;
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
    let (limit, before) = (page.limit()?, page.after::<Uuid>()?);
    let mut conn = db::acquire(pool).await?;
    known(&mut conn, guild_id, id, true).await?;
    let rows =
        history::state_log_list(&mut conn, CampaignKey { guild_id, id }, before, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |(id, _)| *id).map(|(_, entry)| entry))
}

/// A campaign's recorded figures, newest first.
pub async fn metric_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    metric_type: Option<&str>,
    page: &PageQuery,
) -> Result<Page<Metric>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<(DateTime<Utc>, Uuid)>()?);
    let mut conn = db::acquire(pool).await?;
    known(&mut conn, guild_id, id, true).await?;
    let key = CampaignKey { guild_id, id };
    let rows = history::metric_list(&mut conn, key, metric_type, before, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |(id, metric)| (metric.recorded_at, *id)).map(|(_, metric)| metric))
}
