//! SQL of API keys. Nothing here begins or commits.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ApiKeyId, GuildId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::Key;
use crate::actor::{Actor, Bearer};
use crate::scope::Scopes;

/// A key that is good at this moment, as the cache keeps it.
pub(super) struct Live {
    pub(super) hash: String,
    pub(super) actor: Actor,
}

struct LiveRow {
    key_hash: String,
    id: ApiKeyId,
    name: String,
    guild_id: Option<GuildId>,
    user_id: Option<UserId>,
    scopes: Vec<String>,
}

impl From<LiveRow> for Live {
    fn from(row: LiveRow) -> Self {
        Self {
            hash: row.key_hash,
            actor: Actor {
                bearer: Bearer::Key { id: row.id, name: row.name.into() },
                guild: row.guild_id,
                user: row.user_id,
                scopes: Scopes::new(row.scopes),
            },
        }
    }
}

/// Those of the keys with these hashes that are good now, by the database's time.
pub(super) async fn live_by_hash(conn: &mut PgConnection, hashes: &[String]) -> sqlx::Result<Vec<Live>> {
    let rows = sqlx::query_as!(
        LiveRow,
        r#"
        SELECT key_hash AS "key_hash!", id AS "id!: ApiKeyId", name AS "name!", guild_id AS "guild_id: GuildId",
               user_id AS "user_id: UserId", scopes AS "scopes!"
        FROM access.api_keys
        WHERE key_hash = ANY($1) AND is_active AND (expires_at IS NULL OR expires_at > now())
        UNION ALL
        SELECT previous_hash, id, name, guild_id, user_id, scopes
        FROM access.api_keys
        WHERE previous_hash = ANY($1) AND previous_until > now()
          AND is_active AND (expires_at IS NULL OR expires_at > now())
        "#,
        hashes,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Live::from).collect())
}

/// Notes that these keys were used, to the minute, so that a busy key is written once a minute and not once a flush.
/// Rows are locked in order and none is waited for: another node that holds one is writing the same.
pub(super) async fn touch(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        WITH seen AS (
            SELECT id FROM access.api_keys
            WHERE id = ANY($1) AND last_used IS DISTINCT FROM date_trunc('minute', now())
            ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE access.api_keys SET last_used = date_trunc('minute', now())
        FROM seen WHERE api_keys.id = seen.id
        "#,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(super) struct Insert<'a> {
    pub(super) key_hash: &'a str,
    pub(super) prefix: &'a str,
    pub(super) name: &'a str,
    pub(super) guild_id: Option<GuildId>,
    pub(super) user_id: Option<UserId>,
    pub(super) scopes: &'a [String],
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) created_by: Option<&'a str>,
}

pub(super) async fn insert(conn: &mut PgConnection, new: &Insert<'_>) -> sqlx::Result<Key> {
    sqlx::query_as!(
        Key,
        r#"
        INSERT INTO access.api_keys (key_hash, prefix, name, guild_id, user_id, scopes, expires_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING id AS "id: ApiKeyId", prefix, name, guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId",
                  scopes, expires_at, last_used, is_active, previous_until, revoked_at, created_by, created_at
        "#,
        new.key_hash,
        new.prefix,
        new.name,
        new.guild_id.map(GuildId::get),
        new.user_id.map(UserId::get),
        new.scopes,
        new.expires_at,
        new.created_by,
    )
    .fetch_one(conn)
    .await
}

/// The key, locked until the transaction ends. `guild` confines the search to the guild's own keys.
pub(super) async fn find_for_update(
    conn: &mut PgConnection,
    id: ApiKeyId,
    guild: Option<GuildId>,
) -> sqlx::Result<Option<Key>> {
    sqlx::query_as!(
        Key,
        r#"
        SELECT id AS "id: ApiKeyId", prefix, name, guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId",
               scopes, expires_at, last_used, is_active, previous_until, revoked_at, created_by, created_at
        FROM access.api_keys
        WHERE id = $1 AND ($2::bigint IS NULL OR guild_id = $2)
        FOR NO KEY UPDATE
        "#,
        id.get(),
        guild.map(GuildId::get),
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn list(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Key>> {
    let (after_at, after_id) = after.unzip();
    sqlx::query_as!(
        Key,
        r#"
        SELECT id AS "id: ApiKeyId", prefix, name, guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId",
               scopes, expires_at, last_used, is_active, previous_until, revoked_at, created_by, created_at
        FROM access.api_keys
        WHERE ($1::bigint IS NULL OR guild_id = $1)
          AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
        ORDER BY created_at DESC, id DESC
        LIMIT $4
        "#,
        guild.map(GuildId::get),
        after_at,
        after_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn revoke(conn: &mut PgConnection, id: ApiKeyId, by: &str) -> sqlx::Result<Key> {
    sqlx::query_as!(
        Key,
        r#"
        UPDATE access.api_keys
        SET is_active = false, revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $2)
        WHERE id = $1
        RETURNING id AS "id: ApiKeyId", prefix, name, guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId",
                  scopes, expires_at, last_used, is_active, previous_until, revoked_at, created_by, created_at
        "#,
        id.get(),
        by,
    )
    .fetch_one(conn)
    .await
}

/// The keys in force that this one made, or that were made by keys it made.
pub(super) async fn made_by(conn: &mut PgConnection, id: ApiKeyId) -> sqlx::Result<Vec<ApiKeyId>> {
    sqlx::query_scalar!(
        r#"
        WITH RECURSIVE made AS (
            SELECT id, revoked_at FROM access.api_keys WHERE created_by = 'key:' || $1::uuid::text
            UNION
            SELECT k.id, k.revoked_at FROM access.api_keys k JOIN made ON k.created_by = 'key:' || made.id::text)
        SELECT id AS "id!: ApiKeyId" FROM made WHERE revoked_at IS NULL ORDER BY id
        "#,
        id.get(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn replace_secret(
    conn: &mut PgConnection,
    id: ApiKeyId,
    key_hash: &str,
    prefix: &str,
    grace: TimeDelta,
) -> sqlx::Result<Key> {
    sqlx::query_as!(
        Key,
        r#"
        UPDATE access.api_keys
        SET key_hash = $2, prefix = $3,
            previous_hash = CASE WHEN $4::double precision > 0 THEN key_hash END,
            previous_until = CASE WHEN $4 > 0 THEN now() + make_interval(secs => $4) END
        WHERE id = $1
        RETURNING id AS "id: ApiKeyId", prefix, name, guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId",
                  scopes, expires_at, last_used, is_active, previous_until, revoked_at, created_by, created_at
        "#,
        id.get(),
        key_hash,
        prefix,
        grace.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await
}
