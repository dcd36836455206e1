//! Badges.

use kernel::{GuildId, Limit};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::BadgeId;
use crate::model::{Badge, NewBadge};
use learning::ids::PathId;

/// A badge of the guild.
#[kernel::boxed]
pub async fn badge_get(
    conn: &mut PgConnection,
    guild: GuildId,
    badge: BadgeId,
) -> Result<Option<Badge>, Error> {
    Ok(sqlx::query_as!(
        Badge,
        r#"SELECT b.id AS "id: BadgeId", b.guild_id AS "guild_id: GuildId", b.learning_path_id AS "path_id: PathId", b.achievement_id,
                  b.name, b.description, b.criteria, b.image IS NOT NULL AS "has_image!", b.valid_days, b.is_active,
                  (SELECT count(*) FROM credentials.credentials c
                    WHERE c.guild_id = b.guild_id AND c.badge_id = b.id AND c.revoked_at IS NULL
                      AND (c.valid_until IS NULL OR c.valid_until > now())) AS "held_by!", b.created_at
             FROM credentials.badges b WHERE b.guild_id = $1 AND b.id = $2"#,
        guild.get(),
        badge.get(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The guild's badges in the order of their making; one more than the page holds.
pub async fn badge_list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<BadgeId>,
    limit: Limit,
) -> Result<Vec<Badge>, Error> {
    Ok(sqlx::query_as!(
        Badge,
        r#"SELECT b.id AS "id: BadgeId", b.guild_id AS "guild_id: GuildId", b.learning_path_id AS "path_id: PathId", b.achievement_id,
                  b.name, b.description, b.criteria, b.image IS NOT NULL AS "has_image!", b.valid_days, b.is_active,
                  (SELECT count(*) FROM credentials.credentials c
                    WHERE c.guild_id = b.guild_id AND c.badge_id = b.id AND c.revoked_at IS NULL
                      AND (c.valid_until IS NULL OR c.valid_until > now())) AS "held_by!", b.created_at
             FROM credentials.badges b WHERE b.guild_id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3"#,
        guild.get(),
        after.map_or(Uuid::nil(), BadgeId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?)
}

/// A badge's picture.
pub async fn badge_image(
    conn: &mut PgConnection,
    guild: GuildId,
    badge: BadgeId,
) -> Result<Option<Vec<u8>>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT image FROM credentials.badges WHERE guild_id = $1 AND id = $2",
        guild.get(),
        badge.get(),
    )
    .fetch_optional(conn)
    .await?
    .flatten())
}

/// Locks a badge for a change.
pub(crate) async fn badge_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    badge: BadgeId,
) -> Result<Badge, Error> {
    sqlx::query!(
        "SELECT FROM credentials.badges WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE",
        guild.get(),
        badge.get(),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("badge"))?;
    badge_get(conn, guild, badge).await?.ok_or(Error::NotFound("badge"))
}

/// Makes a badge.
pub(crate) async fn badge_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewBadge,
) -> Result<BadgeId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO credentials.badges (guild_id, learning_path_id, achievement_id, name, description, criteria, valid_days)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id AS "id: BadgeId""#,
        guild.get(),
        new.path_id.map(PathId::get),
        new.achievement_id,
        new.name,
        new.description,
        new.criteria,
        new.valid_days,
    )
    .fetch_one(conn)
    .await?)
}

/// Writes a badge as it is to be.
pub(crate) async fn badge_update(conn: &mut PgConnection, badge: &Badge) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE credentials.badges SET name = $3, description = $4, criteria = $5, valid_days = $6, is_active = $7
          WHERE guild_id = $1 AND id = $2",
        badge.guild_id.get(),
        badge.id.get(),
        badge.name,
        badge.description,
        badge.criteria,
        badge.valid_days,
        badge.is_active,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a badge its picture, or none.
pub(crate) async fn badge_image_put(
    conn: &mut PgConnection,
    guild: GuildId,
    badge: BadgeId,
    png: Option<&[u8]>,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE credentials.badges SET image = $3 WHERE guild_id = $1 AND id = $2",
        guild.get(),
        badge.get(),
        png,
    )
    .execute(conn)
    .await?;
    Ok(())
}
