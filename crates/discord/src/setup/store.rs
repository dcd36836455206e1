//! SQL over what was set up.

use std::collections::BTreeMap;

use kernel::{ChannelId, GuildId};
use lake::ids::CategoryId;
use sqlx::{PgConnection, PgPool};

/// How long a guild is somebody's without a word.
const HELD: f64 = 120.0;
/// When Discord is asked again where nobody tells of a change, and where it failed; in seconds.
const EVERY: f64 = 6.0 * 3_600.0;
const AGAIN: f64 = 300.0;

/// A category of ours that stands for one of Discord's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) category: CategoryId,
    pub(super) name: String,
}

/// Has a guild be kept in step from now on.
pub(super) async fn begin(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO discord.setups (guild_id) VALUES ($1) ON CONFLICT (guild_id) DO NOTHING",
        guild.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Something changed on Discord: the guild is looked at within so many seconds, if it was set up. Whoever is at it may have asked before.
pub(crate) async fn stale(conn: &mut PgConnection, guild: GuildId, within: f64) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.setups SET next_at = now() + make_interval(secs => $2)
          WHERE guild_id = $1 AND (next_at > now() + make_interval(secs => $2) OR held_until > now())",
        guild.get(),
        within,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes one guild; false while somebody else has it, or where it is taken only if it is due and is not.
pub(super) async fn hold(pool: &PgPool, guild: GuildId, only_due: bool) -> sqlx::Result<bool> {
    let held = sqlx::query!(
        "UPDATE discord.setups SET held_until = now() + make_interval(secs => $2), next_at = now()
          WHERE guild_id = $1 AND held_until <= now() AND (NOT $3 OR next_at <= now())",
        guild.get(),
        HELD,
        only_due,
    )
    .execute(pool)
    .await?;
    Ok(held.rows_affected() > 0)
}

/// Guilds that are due. Each is taken by its own row ([`hold`]): nothing locks several guilds at once.
pub(super) async fn due(pool: &PgPool, most: i64) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM discord.setups WHERE next_at <= now() AND held_until <= now()
            ORDER BY next_at LIMIT $1"#,
        most,
    )
    .fetch_all(pool)
    .await
}

/// Somebody is done with a guild. What changed meanwhile lies ahead (`next_at` is when it was taken otherwise), and stays so.
pub(super) async fn let_go(pool: &PgPool, guild: GuildId, done: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.setups
            SET held_until = now(),
                next_at = CASE WHEN next_at <= held_until - make_interval(secs => $3)
                               THEN now() + make_interval(secs => $2) ELSE next_at END
          WHERE guild_id = $1",
        guild.get(),
        if done { EVERY } else { AGAIN },
        HELD,
    )
    .execute(pool)
    .await?;
    Ok(())
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
