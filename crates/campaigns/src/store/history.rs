//! What happened: transitions and figures.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{Metric, StateLogEntry, Status};

/// A campaign's transitions, newest first, each with the id that a page goes on after.
pub(crate) async fn state_log_list(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    before: Option<Uuid>,
    count: i64,
) -> Result<Vec<(Uuid, StateLogEntry)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, from_state AS "from_state: Status", to_state AS "to_state: Status", trigger_event, metadata, created_at
           FROM campaigns.campaign_state_log
           WHERE guild_id = $4 AND campaign_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        campaign.id.get(),
        before,
        count,
        campaign.guild_id.get()
    )
    .fetch_all(conn)
    .await?;
    let entries = rows.into_iter().map(|r| {
        let entry = StateLogEntry {
            from_state: r.from_state,
            to_state: r.to_state,
            trigger_event: r.trigger_event,
            metadata: r.metadata,
            created_at: r.created_at,
        };
        (r.id, entry)
    });
    Ok(entries.collect())
}

/// A campaign's recorded figures, newest first, each with the id that a page goes on after.
pub(crate) async fn metric_list(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    metric_type: Option<&str>,
    before: Option<(DateTime<Utc>, Uuid)>,
    count: i64,
) -> Result<Vec<(Uuid, Metric)>, sqlx::Error> {
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query!(
        r#"SELECT id, metric_type, value::double precision AS "value!", attributes, recorded_at
           FROM campaigns.campaign_metrics
           WHERE guild_id = $6 AND campaign_id = $1 AND ($2::text IS NULL OR metric_type = $2)
             AND ($3::timestamptz IS NULL OR (recorded_at, id) < ($3, $4::uuid))
           ORDER BY recorded_at DESC, id DESC LIMIT $5"#,
        campaign.id.get(),
        metric_type,
        before_at,
        before_id,
        count,
        campaign.guild_id.get()
    )
    .fetch_all(conn)
    .await?;
    let metrics = rows.into_iter().map(|r| {
        let metric = Metric {
            metric_type: r.metric_type,
            value: r.value,
            attributes: r.attributes,
            recorded_at: r.recorded_at,
        };
        (r.id, metric)
    });
    Ok(metrics.collect())
}
