//! SQL over what was set up.

use std::collections::BTreeMap;

use kernel::{ChannelId, GuildId, RoleId};
use lake::ids::CategoryId;
use sqlx::PgConnection;

use super::{SetupCategory, SetupRole};

/// A category of ours that stands for one of Discord's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) category: CategoryId,
    pub(super) name: String,
}

/// Which categories of ours stand for which of Discord's.
pub(super) async fn links(
    conn: &mut PgConnection,
    guild: GuildId,
) -> sqlx::Result<BTreeMap<ChannelId, Link>> {
    let rows = sqlx::query!(
        r#"SELECT discord_id AS "discord_id: ChannelId", category_id AS "category_id: CategoryId", name
             FROM discord.setup_categories WHERE guild_id = $1"#,
        guild.get()
    )
    .fetch_all(conn)
    .await?;
    let links = rows.into_iter();
    Ok(links.map(|row| (row.discord_id, Link { category: row.category_id, name: row.name })).collect())
}

/// Has a category of ours stand for one of Discord's.
pub(super) async fn link(
    conn: &mut PgConnection,
    guild: GuildId,
    discord: ChannelId,
    link: &Link,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO discord.setup_categories (guild_id, discord_id, category_id, name) VALUES ($1, $2, $3, $4)
         ON CONFLICT (guild_id, discord_id) DO UPDATE SET category_id = excluded.category_id, name = excluded.name",
        guild.get(),
        discord.get(),
        link.category.get(),
        link.name,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets one of Discord's categories, which is gone.
pub(super) async fn unlink(conn: &mut PgConnection, guild: GuildId, discord: ChannelId) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM discord.setup_categories WHERE guild_id = $1 AND discord_id = $2",
        guild.get(),
        discord.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// In which of Discord's categories each channel was.
pub(super) async fn placed(
    conn: &mut PgConnection,
    guild: GuildId,
) -> sqlx::Result<BTreeMap<ChannelId, ChannelId>> {
    let rows = sqlx::query!(
        r#"SELECT channel_id AS "channel_id: ChannelId", discord_id AS "discord_id: ChannelId"
             FROM discord.setup_channels WHERE guild_id = $1"#,
        guild.get()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.channel_id, row.discord_id)).collect())
}

/// In which they are now, all of them.
pub(super) async fn place(
    conn: &mut PgConnection,
    guild: GuildId,
    places: &BTreeMap<ChannelId, ChannelId>,
) -> sqlx::Result<()> {
    let channels: Vec<i64> = places.keys().map(|channel| channel.get()).collect();
    let categories: Vec<i64> = places.values().map(|category| category.get()).collect();
    sqlx::query!(
        "DELETE FROM discord.setup_channels WHERE guild_id = $1 AND channel_id <> ALL ($2)",
        guild.get(),
        &channels,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO discord.setup_channels AS s (guild_id, channel_id, discord_id)
         SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])
         ON CONFLICT (guild_id, channel_id) DO UPDATE SET discord_id = excluded.discord_id
          WHERE s.discord_id <> excluded.discord_id",
        guild.get(),
        &channels,
        &categories,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of Discord's roles confer which of ours by their permissions.
pub(super) async fn roles(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<BTreeMap<i64, String>> {
    let rows = sqlx::query!(
        "SELECT discord_role_id, role FROM discord.setup_roles WHERE guild_id = $1",
        guild.get()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.discord_role_id, row.role)).collect())
}

/// Notes what a role confers by its permissions; `None` for nothing.
pub(super) async fn role(
    conn: &mut PgConnection,
    guild: GuildId,
    discord: i64,
    role: Option<&str>,
) -> sqlx::Result<()> {
    match role {
        Some(role) => {
            sqlx::query!(
                "INSERT INTO discord.setup_roles (guild_id, discord_role_id, role) VALUES ($1, $2, $3)
                 ON CONFLICT (guild_id, discord_role_id) DO UPDATE SET role = excluded.role",
                guild.get(),
                discord,
                role,
            )
            .execute(conn)
            .await?
        }
        None => {
            sqlx::query!(
                "DELETE FROM discord.setup_roles WHERE guild_id = $1 AND discord_role_id = $2",
                guild.get(),
                discord
            )
            .execute(conn)
            .await?
        }
    };
    Ok(())
}

/// What was taken over of categories, by name.
pub(super) async fn categories(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<Vec<SetupCategory>> {
    sqlx::query_as!(
        SetupCategory,
        r#"SELECT discord_id AS "discord_id: ChannelId", category_id AS "category_id: CategoryId", name,
                  (SELECT count(*) FROM discord.setup_channels c
                    WHERE c.guild_id = s.guild_id AND c.discord_id = s.discord_id) AS "channels!"
             FROM discord.setup_categories s WHERE guild_id = $1 ORDER BY name, discord_id"#,
        guild.get()
    )
    .fetch_all(conn)
    .await
}

/// What was taken over of roles, those that administer first.
pub(super) async fn conferring(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<Vec<SetupRole>> {
    sqlx::query_as!(
        SetupRole,
        r#"SELECT discord_role_id AS "discord_role_id: RoleId", role
             FROM discord.setup_roles WHERE guild_id = $1 ORDER BY role, discord_role_id"#,
        guild.get()
    )
    .fetch_all(conn)
    .await
}
