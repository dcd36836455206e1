//! SQL of webhooks. What nodes do with queues is in `queue`.

pub(crate) mod deliveries;
pub(crate) mod seal;

use access::{Scopes, Vault};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{GuildId, Limit, WebhookId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{Health, Webhook};
use crate::signing::Secret;

struct Row {
    id: Uuid,
    guild_id: i64,
    name: String,
    url: String,
    event_types: Vec<String>,
    enabled: bool,
    disabled_reason: Option<String>,
    disabled_at: Option<DateTime<Utc>>,
    previous_secret_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    last_success_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
    pending: i64,
    dead: i64,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        Self {
            id: WebhookId::new(row.id),
            guild_id: GuildId::new(row.guild_id),
            name: row.name,
            url: row.url,
            event_types: row.event_types,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason,
            disabled_at: row.disabled_at,
            previous_secret_until: row.previous_secret_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
            health: Health {
                pending: row.pending,
                dead: row.dead,
                failures: row.failures,
                failing_since: row.failing_since,
                last_success_at: row.last_success_at,
                next_attempt_at: row.next_attempt_at,
            },
        }
    }
}

/// A page of a guild's webhooks, newest first, or one of them.
async fn rows(
    conn: &mut PgConnection,
    guild: GuildId,
    one: Option<WebhookId>,
    before: Option<WebhookId>,
    limit: i64,
) -> sqlx::Result<Vec<Webhook>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT w.id, w.guild_id, w.name, w.url, w.event_types, w.enabled, w.disabled_reason, w.disabled_at,
                  CASE WHEN w.previous_secret_until > now() THEN w.previous_secret_until END AS previous_secret_until,
                  w.created_at, w.updated_at, q.failures, q.failing_since, q.last_success_at, q.next_attempt_at,
                  (SELECT count(*) FROM delivery.webhook_deliveries d WHERE d.guild_id = w.guild_id
                      AND d.webhook_id = w.id AND d.status = 'PENDING') AS "pending!",
                  (SELECT count(*) FROM delivery.webhook_deliveries d WHERE d.guild_id = w.guild_id
                      AND d.webhook_id = w.id AND d.status = 'DEAD') AS "dead!"
             FROM delivery.webhooks w
             JOIN delivery.webhook_queues q ON q.guild_id = w.guild_id AND q.webhook_id = w.id
            WHERE w.guild_id = $1 AND ($2::uuid IS NULL OR w.id = $2) AND ($3::uuid IS NULL OR w.id < $3)
            ORDER BY w.id DESC
            LIMIT $4"#,
        guild.get(),
        one.map(WebhookId::get),
        before.map(WebhookId::get),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

/// A webhook of the guild.
pub(crate) async fn webhook_get(
    conn: &mut PgConnection,
    guild: GuildId,
    id: WebhookId,
) -> sqlx::Result<Option<Webhook>> {
    Ok(rows(conn, guild, Some(id), None, 1).await?.pop())
}

/// A page of them, newest first.
pub(crate) async fn webhook_list(
    conn: &mut PgConnection,
    guild: GuildId,
    before: Option<WebhookId>,
    limit: Limit,
) -> sqlx::Result<Vec<Webhook>> {
    rows(conn, guild, None, before, limit.plus_one()).await
}

/// How many there are. Until the transaction ends, nobody else of the guild counts.
pub(crate) async fn webhook_count_locked(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<i64> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtext('delivery.webhooks'), hashint8($1)) AS "lock!: ()""#,
        guild.get()
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM delivery.webhooks WHERE guild_id = $1"#,
        guild.get()
    )
    .fetch_one(conn)
    .await
}

/// What of a webhook is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Chosen<'a> {
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    pub(crate) event_types: &'a [String],
    pub(crate) scopes: &'a Scopes,
}

pub(crate) async fn webhook_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    chosen: &Chosen<'_>,
    secret: (&Vault, &Secret),
    by: &str,
) -> sqlx::Result<WebhookId> {
    // Made here: what is sealed is bound to it.
    let id = WebhookId::new(uuid::Uuid::now_v7());
    sqlx::query!(
        "WITH made AS (
             INSERT INTO delivery.webhooks (id, guild_id, name, url, event_types, scopes, secret, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING guild_id, id)
         INSERT INTO delivery.webhook_queues (guild_id, webhook_id) SELECT guild_id, id FROM made",
        id.get(),
        guild.get(),
        chosen.name,
        chosen.url,
        chosen.event_types,
        chosen.scopes.names(),
        seal::seal(secret, guild, id)?,
        by,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Locks a webhook, and tells the scopes under which it was chosen.
pub(crate) async fn webhook_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    id: WebhookId,
) -> sqlx::Result<Option<Scopes>> {
    let scopes = sqlx::query_scalar!(
        "SELECT scopes FROM delivery.webhooks WHERE guild_id = $1 AND id = $2 FOR UPDATE",
        guild.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await?;
    Ok(scopes.map(Scopes::new))
}

pub(crate) async fn webhook_update(
    conn: &mut PgConnection,
    guild: GuildId,
    id: WebhookId,
    chosen: &Chosen<'_>,
    enabled: bool,
) -> sqlx::Result<()> {
    let result = sqlx::query!(
        "UPDATE delivery.webhooks
            SET name = $3, url = $4, event_types = $5, scopes = $6, enabled = $7,
                disabled_reason = CASE WHEN NOT $7 THEN coalesce(disabled_reason, 'BY_HAND') END,
                disabled_at = CASE WHEN NOT $7 THEN coalesce(disabled_at, now()) END, updated_at = now()
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
        chosen.name,
        chosen.url,
        chosen.event_types,
        chosen.scopes.names(),
        enabled,
    )
    .execute(conn)
    .await?;
    Ok(db::ensure_affected(&result, 1)?)
}

/// Gives it a new secret; the old one signs too for a while, unless the key that opens it is lost.
pub(crate) async fn secret_rotate(
    conn: &mut PgConnection,
    guild: GuildId,
    id: WebhookId,
    secret: (&Vault, &Secret),
    overlap: TimeDelta,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE delivery.webhooks
            SET previous_secret = CASE WHEN $4::float8 > 0
                                        AND (length(secret) <= $6 OR substring(secret FOR 5) = ANY ($5)) THEN secret END,
                previous_secret_until = CASE WHEN $4::float8 > 0
                                              AND (length(secret) <= $6 OR substring(secret FOR 5) = ANY ($5))
                                             THEN now() + make_interval(secs => $4::float8) END,
                secret = $3, updated_at = now()
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
        seal::seal(secret, guild, id)?,
        overlap.as_seconds_f64(),
        &seal::heads(secret.0)?,
        seal::PLAIN_LENGTH,
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

pub(crate) async fn webhook_delete(
    conn: &mut PgConnection,
    guild: GuildId,
    id: WebhookId,
) -> sqlx::Result<bool> {
    let result =
        sqlx::query!("DELETE FROM delivery.webhooks WHERE guild_id = $1 AND id = $2", guild.get(), id.get())
            .execute(conn)
            .await?;
    Ok(result.rows_affected() == 1)
}

/// Where a webhook's events go, and what signs them now.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) secrets: Vec<Secret>,
}

/// The secrets that sign now: the newest first.
pub(crate) async fn target_get(
    conn: &mut PgConnection,
    vault: &Vault,
    guild: GuildId,
    id: WebhookId,
) -> sqlx::Result<Option<Target>> {
    let row = sqlx::query!(
        r#"SELECT url, name, secret, CASE WHEN previous_secret_until > now() THEN previous_secret END AS previous
             FROM delivery.webhooks WHERE guild_id = $1 AND id = $2"#,
        guild.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let sealed = [Some(row.secret), row.previous].into_iter().flatten();
    let secrets = sealed.map(|sealed| seal::open(vault, guild, id, sealed)).collect::<sqlx::Result<_>>()?;
    Ok(Some(Target { url: row.url, name: row.name, secrets }))
}

/// Locks a webhook's queue; false when there is none. Before the webhook itself, as everybody does.
pub(crate) async fn queue_lock(conn: &mut PgConnection, guild: GuildId, id: WebhookId) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!(
        "SELECT webhook_id FROM delivery.webhook_queues WHERE guild_id = $1 AND webhook_id = $2 FOR UPDATE",
        guild.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Forgets failures: the endpoint is to be taken as mended.
pub(crate) async fn queue_forgive(
    conn: &mut PgConnection,
    guild: GuildId,
    id: WebhookId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE delivery.webhook_queues SET failures = 0, failing_since = NULL WHERE guild_id = $1 AND webhook_id = $2",
        guild.get(),
        id.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}
