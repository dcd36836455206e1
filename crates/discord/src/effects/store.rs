//! SQL of effects.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// New effects, column by column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) guilds: Vec<i64>,
    pub(super) targets: Vec<String>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) payloads: Vec<Value>,
    pub(super) keys: Vec<String>,
}

/// An effect that was claimed.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) guild_id: i64,
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) payload: Value,
    pub(super) attempts: i32,
}

/// Something that was to be done on Discord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = DiscordEffect)]
pub struct Effect {
    /// Its id.
    pub id: Uuid,
    /// What it acts on: `channel:<id>` or `member:<id>`.
    pub target: String,
    /// `announcement` or `role`.
    pub kind: String,
    /// `pending`, `done` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was done or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

pub(super) async fn insert(conn: &mut PgConnection, batch: &Batch) -> sqlx::Result<()> {
    let kinds: Vec<String> = batch.kinds.iter().map(|kind| (*kind).to_owned()).collect();
    sqlx::query!(
        "INSERT INTO discord.effects (guild_id, target, kind, payload, dedupe_key)
         SELECT guild_id, target, kind, payload, dedupe_key
           FROM unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[], $5::text[])
                WITH ORDINALITY AS t (guild_id, target, kind, payload, dedupe_key, n)
          ORDER BY n
         ON CONFLICT (guild_id, dedupe_key) DO NOTHING",
        &batch.guilds,
        &batch.targets,
        &kinds,
        &batch.payloads,
        &batch.keys,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims effects that are due, the first of each target alone, for two minutes: then another node may try, or as soon as the
/// holder is known to be dead.
pub(super) async fn claim(
    conn: &mut PgConnection,
    holder: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query!(
        "UPDATE discord.effects SET not_before = now(), held_by = NULL
          WHERE status = 'pending' AND held_by = ANY (ARRAY(SELECT id FROM jobs.nodes WHERE died_at IS NOT NULL))",
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        Claimed,
        r#"WITH due AS (
               SELECT e.guild_id, e.id FROM discord.effects e
                WHERE e.status = 'pending' AND e.not_before <= now()
                  AND NOT EXISTS (SELECT FROM discord.effects b
                                   WHERE b.guild_id = e.guild_id AND b.target = e.target AND b.status = 'pending' AND b.place < e.place)
                ORDER BY e.not_before, e.place LIMIT $1
                FOR NO KEY UPDATE OF e SKIP LOCKED
           )
           UPDATE discord.effects e SET attempts = e.attempts + 1, not_before = now() + interval '2 min', held_by = $2
             FROM due WHERE e.guild_id = due.guild_id AND e.id = due.id
           RETURNING e.guild_id, e.id, e.kind, e.payload, e.attempts"#,
        limit,
        holder,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn settle(
    conn: &mut PgConnection,
    claimed: &Claimed,
    status: &str,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.effects SET status = $3, last_error = left($4, 500), settled_at = now()
          WHERE guild_id = $1 AND id = $2 AND status = 'pending' AND attempts = $5",
        claimed.guild_id,
        claimed.id,
        status,
        error,
        claimed.attempts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn postpone(
    conn: &mut PgConnection,
    claimed: &Claimed,
    seconds: f64,
    error: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.effects SET not_before = now() + make_interval(secs => $3), held_by = NULL, last_error = left($4, 500)
          WHERE guild_id = $1 AND id = $2 AND status = 'pending' AND attempts = $5",
        claimed.guild_id,
        claimed.id,
        seconds,
        error,
        claimed.attempts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    status: Option<&str>,
    before: Option<Uuid>,
    limit: Limit,
) -> sqlx::Result<Vec<Effect>> {
    sqlx::query_as!(
        Effect,
        "SELECT id, target, kind, status, attempts, last_error, settled_at, created_at FROM discord.effects
          WHERE guild_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR id < $3)
          ORDER BY id DESC LIMIT $4",
        guild.get(),
        status,
        before,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

/// The effect, pending anew where it was given up.
pub(super) async fn revive(
    conn: &mut PgConnection,
    guild: GuildId,
    id: Uuid,
) -> sqlx::Result<Option<Effect>> {
    sqlx::query_as!(
        Effect,
        "UPDATE discord.effects SET status = 'pending', settled_at = NULL, attempts = 0, not_before = now(), held_by = NULL
          WHERE guild_id = $1 AND id = $2 AND status = 'dead'
         RETURNING id, target, kind, status, attempts, last_error, settled_at, created_at",
        guild.get(),
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn known(conn: &mut PgConnection, guild: GuildId, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM discord.effects WHERE guild_id = $1 AND id = $2) AS "known!""#,
        guild.get(),
        id
    )
    .fetch_one(conn)
    .await
}

/// Removes what is done for a week or given up for a month.
pub(super) async fn clean(conn: &mut PgConnection, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM discord.effects WHERE (guild_id, id) IN (
             SELECT guild_id, id FROM discord.effects
              WHERE status <> 'pending'
                AND settled_at < now() - CASE status WHEN 'done' THEN interval '7 days' ELSE interval '30 days' END
              ORDER BY settled_at LIMIT $1)",
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
