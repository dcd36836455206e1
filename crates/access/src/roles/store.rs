//! SQL of roles. Nothing here begins or commits.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use super::model::{Grant, Mapping};

pub(super) async fn grants(
    conn: &mut PgConnection,
    guild: GuildId,
    user: Option<UserId>,
    role: Option<&str>,
    after: Option<(i64, String)>,
    limit: i64,
) -> sqlx::Result<Vec<Grant>> {
    let (after_user, after_role) = after.unzip();
    sqlx::query_as!(
        Grant,
        r#"
        SELECT user_id AS "user_id: UserId", role, source, granted_by AS "granted_by: UserId", expires_at, created_at
        FROM access.role_grants
        WHERE guild_id = $1 AND ($2::bigint IS NULL OR user_id = $2) AND ($3::text IS NULL OR role = $3)
          AND ($4::bigint IS NULL OR (user_id, role) > ($4, $5::text))
        ORDER BY user_id, role
        LIMIT $6
        "#,
        guild.get(),
        user.map(UserId::get),
        role,
        after_user,
        after_role,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The grant, locked until the transaction ends.
pub(super) async fn grant(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    role: &str,
) -> sqlx::Result<Option<Grant>> {
    sqlx::query_as!(
        Grant,
        r#"
        SELECT user_id AS "user_id: UserId", role, source, granted_by AS "granted_by: UserId", expires_at, created_at
        FROM access.role_grants
        WHERE guild_id = $1 AND user_id = $2 AND role = $3
        FOR NO KEY UPDATE
        "#,
        guild.get(),
        user.get(),
        role,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn put(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    role: &str,
    granted_by: Option<UserId>,
    expires_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Grant> {
    sqlx::query_as!(
        Grant,
        r#"
        INSERT INTO access.role_grants (guild_id, user_id, role, source, granted_by, expires_at)
        VALUES ($1, $2, $3, 'manual', $4, $5)
        ON CONFLICT (guild_id, user_id, role) DO UPDATE
        SET source = 'manual', granted_by = EXCLUDED.granted_by, expires_at = EXCLUDED.expires_at
        RETURNING user_id AS "user_id: UserId", role, source, granted_by AS "granted_by: UserId", expires_at, created_at
        "#,
        guild.get(),
        user.get(),
        role,
        granted_by.map(UserId::get),
        expires_at,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn remove(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    role: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM access.role_grants WHERE guild_id = $1 AND user_id = $2 AND role = $3",
        guild.get(),
        user.get(),
        role,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A change of what follows from Discord.
pub(super) struct Followed {
    pub(super) guild_id: i64,
    pub(super) role: String,
    pub(super) gained: bool,
}

/// Brings somebody's grants that follow Discord to these; they lapse by themselves after so many hours. Answers with what
/// was gained and lost.
pub(super) async fn follow(
    conn: &mut PgConnection,
    user: UserId,
    guilds: &[i64],
    roles: &[String],
    hours: i64,
) -> sqlx::Result<Vec<Followed>> {
    sqlx::query_as!(
        Followed,
        r#"
        WITH told AS (
            SELECT DISTINCT guild_id, role FROM unnest($2::bigint[], $3::text[]) AS t (guild_id, role)
        ), lost AS (
            DELETE FROM access.role_grants g
            WHERE g.user_id = $1 AND g.source = 'discord'
              AND NOT EXISTS (SELECT FROM told WHERE told.guild_id = g.guild_id AND told.role = g.role)
            RETURNING g.guild_id, g.role
        ), kept AS (
            INSERT INTO access.role_grants AS g (guild_id, user_id, role, source, expires_at)
            SELECT guild_id, $1, role, 'discord', now() + make_interval(hours => $4::bigint::integer)
            FROM told ORDER BY guild_id, role
            ON CONFLICT (guild_id, user_id, role) DO UPDATE SET expires_at = EXCLUDED.expires_at
            WHERE g.source = 'discord'
            RETURNING g.guild_id, g.role, g.xmax = 0 AS gained
        )
        SELECT guild_id AS "guild_id!", role AS "role!", false AS "gained!" FROM lost
        UNION ALL
        SELECT guild_id, role, true FROM kept WHERE gained
        ORDER BY 1, 2
        "#,
        user.get(),
        guilds,
        roles,
        hours,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn mappings(conn: &mut PgConnection, guilds: &[i64]) -> sqlx::Result<Vec<Mapping>> {
    sqlx::query_as!(
        Mapping,
        r#"
        SELECT guild_id AS "guild_id: GuildId", discord_role_id, role, created_at
        FROM access.role_mappings
        WHERE guild_id = ANY($1)
        ORDER BY guild_id, discord_role_id, role
        "#,
        guilds,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count_mappings(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM access.role_mappings WHERE guild_id = $1"#,
        guild.get()
    )
    .fetch_one(conn)
    .await
}

/// True when it was not there.
pub(super) async fn map(
    conn: &mut PgConnection,
    guild: GuildId,
    discord_role: i64,
    role: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        INSERT INTO access.role_mappings (guild_id, discord_role_id, role) VALUES ($1, $2, $3)
        ON CONFLICT (guild_id, discord_role_id, role) DO NOTHING
        "#,
        guild.get(),
        discord_role,
        role,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// True when it was there.
pub(super) async fn unmap(
    conn: &mut PgConnection,
    guild: GuildId,
    discord_role: i64,
    role: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM access.role_mappings WHERE guild_id = $1 AND discord_role_id = $2 AND role = $3",
        guild.get(),
        discord_role,
        role,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
