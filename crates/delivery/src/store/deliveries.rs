//! SQL of deliveries: queueing, listing, replaying, clearing away.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, WebhookId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{Delivery, DeliveryStatus, Replay};

/// An enabled webhook, as the fan-out sees it.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    pub(crate) guild_id: i64,
    pub(crate) id: Uuid,
    pub(crate) event_types: Vec<String>,
    pub(crate) scopes: Vec<String>,
}

/// The enabled webhooks of these guilds.
pub(crate) async fn listeners(conn: &mut PgConnection, guilds: &[i64]) -> sqlx::Result<Vec<Listener>> {
    sqlx::query_as!(
        Listener,
        "SELECT guild_id, id, event_types, scopes FROM delivery.webhooks
          WHERE guild_id = ANY ($1) AND enabled ORDER BY guild_id, id",
        guilds
    )
    .fetch_all(conn)
    .await
}

/// Deliveries to be queued, turned on their side for `unnest`.
#[derive(Debug, Default)]
pub(crate) struct Queued {
    pub(crate) guild_ids: Vec<i64>,
    pub(crate) webhook_ids: Vec<Uuid>,
    pub(crate) event_ids: Vec<Uuid>,
    pub(crate) event_types: Vec<String>,
    pub(crate) bodies: Vec<String>,
}

/// Queues deliveries in their order, and has their webhooks' queues looked at.
pub(crate) async fn deliveries_insert(conn: &mut PgConnection, queued: &Queued) -> sqlx::Result<()> {
    // Queues first, in key order, as everybody does. Written whatever they say: a node that is just done with one may have
    // set it to null since this statement began.
    sqlx::query!(
        "WITH due AS MATERIALIZED (
             SELECT q.guild_id, q.webhook_id FROM delivery.webhook_queues q
              WHERE (q.guild_id, q.webhook_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
              ORDER BY q.guild_id, q.webhook_id FOR NO KEY UPDATE)
         UPDATE delivery.webhook_queues q SET next_attempt_at = coalesce(q.next_attempt_at, now())
           FROM due WHERE q.guild_id = due.guild_id AND q.webhook_id = due.webhook_id",
        &queued.guild_ids,
        &queued.webhook_ids,
    )
    .execute(&mut *conn)
    .await?;
    // A webhook that is deleted meanwhile needs no deliveries.
    sqlx::query!(
        "INSERT INTO delivery.webhook_deliveries (guild_id, webhook_id, event_id, event_type, body)
         SELECT t.guild_id, t.webhook_id, t.event_id, t.event_type, t.body
           FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
                WITH ORDINALITY AS t (guild_id, webhook_id, event_id, event_type, body, n)
           JOIN delivery.webhook_queues q ON q.guild_id = t.guild_id AND q.webhook_id = t.webhook_id
          ORDER BY t.n
         ON CONFLICT (guild_id, webhook_id, event_id) DO NOTHING",
        &queued.guild_ids,
        &queued.webhook_ids,
        &queued.event_ids,
        &queued.event_types,
        &queued.bodies,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A page of a webhook's deliveries, newest first.
pub(crate) async fn delivery_list(
    conn: &mut PgConnection,
    guild: GuildId,
    webhook: WebhookId,
    status: Option<DeliveryStatus>,
    before: Option<i64>,
    limit: Limit,
) -> sqlx::Result<Vec<Delivery>> {
    let rows = sqlx::query!(
        r#"SELECT d.id, d.event_id, d.event_type, d.status, d.attempts, d.queued_at, d.attempted_at, d.finished_at,
                d.response_status, d.response_ms, d.error,
                CASE WHEN d.status = 'PENDING' THEN q.next_attempt_at END AS next_attempt_at
           FROM delivery.webhook_deliveries d
           JOIN delivery.webhook_queues q ON q.guild_id = d.guild_id AND q.webhook_id = d.webhook_id
          WHERE d.guild_id = $1 AND d.webhook_id = $2 AND ($3::text IS NULL OR d.status = $3)
            AND ($4::bigint IS NULL OR d.id < $4)
          ORDER BY d.id DESC LIMIT $5"#,
        guild.get(),
        webhook.get(),
        status.map(DeliveryStatus::as_str),
        before,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        Ok(Delivery {
            id: row.id,
            event_id: row.event_id,
            event_type: row.event_type,
            status: DeliveryStatus::from_column(&row.status)?,
            attempts: row.attempts,
            queued_at: row.queued_at,
            attempted_at: row.attempted_at,
            next_attempt_at: row.next_attempt_at,
            finished_at: row.finished_at,
            response_status: row.response_status,
            response_ms: row.response_ms,
            error: row.error,
        })
    });
    read.collect()
}

/// Has dead letters delivered again, at their old places in the order.
pub(crate) async fn replay(
    conn: &mut PgConnection,
    guild: GuildId,
    webhook: WebhookId,
    replay: &Replay,
) -> sqlx::Result<u64> {
    // The queue first, as everybody does.
    sqlx::query!(
        "UPDATE delivery.webhook_queues SET next_attempt_at = now() WHERE guild_id = $1 AND webhook_id = $2",
        guild.get(),
        webhook.get(),
    )
    .execute(&mut *conn)
    .await?;
    let (from, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) = (replay.from, replay.until);
    let result = sqlx::query!(
        "UPDATE delivery.webhook_deliveries
            SET status = 'PENDING', attempts = 0, queued_at = now(), finished_at = NULL
          WHERE guild_id = $1 AND webhook_id = $2 AND status = 'DEAD'
            AND (cardinality($3::bigint[]) = 0 OR id = ANY ($3))
            AND ($4::timestamptz IS NULL OR finished_at >= $4)
            AND ($5::timestamptz IS NULL OR finished_at < $5)",
        guild.get(),
        webhook.get(),
        &replay.delivery_ids,
        from,
        until,
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}

/// Gives up all that is pending. Returns how much that was.
pub(crate) async fn give_up_all(
    conn: &mut PgConnection,
    guild: GuildId,
    webhook: WebhookId,
) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "UPDATE delivery.webhook_deliveries SET status = 'DEAD', finished_at = now()
          WHERE guild_id = $1 AND webhook_id = $2 AND status = 'PENDING'",
        guild.get(),
        webhook.get(),
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}

/// Forgets all that was queued or given up: it was chosen for somebody else.
pub(crate) async fn forget_all(
    conn: &mut PgConnection,
    guild: GuildId,
    webhook: WebhookId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM delivery.webhook_deliveries
          WHERE guild_id = $1 AND webhook_id = $2 AND status IN ('PENDING', 'DEAD')",
        guild.get(),
        webhook.get(),
    )
    .execute(&mut *conn)
    .await?;
    // Who is just posting loses the right to: what it has in hand was for the old address, and was read with it.
    sqlx::query!(
        "UPDATE delivery.webhook_queues
            SET failures = 0, failing_since = NULL, next_attempt_at = NULL, locked_by = NULL, locked_until = NULL,
                fencing_token = fencing_token + 1
          WHERE guild_id = $1 AND webhook_id = $2",
        guild.get(),
        webhook.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Clears away, at most `limit` at once, what was delivered three days ago or given up thirty days ago.
pub(crate) async fn clean(conn: &mut PgConnection, limit: i64) -> sqlx::Result<u64> {
    let result = sqlx::query!(
        "DELETE FROM delivery.webhook_deliveries d
          USING (SELECT guild_id, webhook_id, id FROM delivery.webhook_deliveries
                  WHERE finished_at < now() - CASE status WHEN 'DEAD' THEN interval '30 days' ELSE interval '3 days' END
                    AND finished_at < now() - interval '3 days'
                  ORDER BY finished_at LIMIT $1 FOR UPDATE SKIP LOCKED) old
          WHERE d.guild_id = old.guild_id AND d.webhook_id = old.webhook_id AND d.id = old.id",
        limit
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
