//! The SQL of settings.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// A stored value.
pub(super) struct Row {
    /// 0 for the whole installation.
    pub(super) guild_id: i64,
    pub(super) key: String,
    pub(super) value_json: Value,
    pub(super) updated_by: Option<String>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Row {
    /// The field, without the group.
    pub(super) fn name(&self) -> &str {
        self.key.split_once('.').map_or("", |(_, name)| name)
    }
}

/// Stored values of one group, or of all: the installation's, then the guild's.
#[kernel::boxed]
pub(super) async fn rows(
    conn: &mut PgConnection,
    guild: i64,
    category: Option<&str>,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT guild_id, key, value_json, updated_by, updated_at
        FROM access.settings
        WHERE guild_id IN (0, $1) AND ($2::text IS NULL OR category = $2)
        ORDER BY guild_id, key
        "#,
        guild,
        category,
    )
    .fetch_all(conn)
    .await
}

/// Lets one change at a time through for a guild: a group's values are checked together.
pub(super) async fn lock(conn: &mut PgConnection, guild: i64) -> sqlx::Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('access.settings', $1))", guild)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) struct Put<'a> {
    pub(super) keys: &'a [String],
    pub(super) values: &'a [Value],
    pub(super) categories: &'a [String],
    pub(super) descriptions: &'a [String],
}

/// Stores values; those that are stored already are left alone, so that nobody is told of no change.
pub(super) async fn put(conn: &mut PgConnection, guild: i64, put: &Put<'_>, by: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        INSERT INTO access.settings (guild_id, key, value_json, category, description, updated_by)
        SELECT $1, new.key, new.value, new.category, new.description, $6
        FROM unnest($2::text[], $3::jsonb[], $4::text[], $5::text[]) AS new (key, value, category, description)
        ORDER BY new.key
        ON CONFLICT (guild_id, key) DO UPDATE
        SET value_json = EXCLUDED.value_json, category = EXCLUDED.category, description = EXCLUDED.description,
            updated_by = EXCLUDED.updated_by
        WHERE settings.value_json IS DISTINCT FROM EXCLUDED.value_json
        "#,
        guild,
        put.keys,
        put.values,
        put.categories,
        put.descriptions,
        by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes values, so that what they overruled counts again.
pub(super) async fn remove(conn: &mut PgConnection, guild: i64, keys: &[String]) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM access.settings WHERE guild_id = $1 AND key = ANY($2)", guild, keys)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
