//! What of a guild the whole world may see: nothing, unless the guild opens it.

use std::collections::HashSet;

use access::personal::NOBODY;
use access::settings::{Field, Group, settings_read};
use kernel::{GuildId, Problem, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::heading::heading;

/// What a guild has opened to the world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublicSettings {
    /// Its published campaigns, with their standings as members see them.
    pub campaigns: bool,
    /// Its leaderboard.
    pub leaderboards: bool,
}

impl Group for PublicSettings {
    const CATEGORY: &'static str = "public";
    const ABOUT: &'static str = "What the whole world may see of the guild, without signing in.";
    const FIELDS: &'static [Field] = &[
        Field::boolean(
            "campaigns",
            "Published campaigns, with their standings as members see them, at `/p/GUILD`. Drafts, challenges and answers are never shown.",
        ),
        Field::boolean("leaderboards", "The guild's leaderboard, at `/p/GUILD/leaderboard`."),
    ];
}

/// A guild that has opened something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name.
    pub name: String,
    /// What it has opened.
    pub settings: PublicSettings,
}

/// The guild, if it has opened anything; 404 otherwise, in the same words as for a guild that there is not.
/// Asked anew each time: what a guild closes is closed.
pub async fn opened(pool: &PgPool, guild: GuildId) -> Result<Opened, Problem> {
    let settings: PublicSettings = settings_read(&mut *db::acquire(pool).await?, Some(guild)).await?;
    if settings == PublicSettings::default() {
        return Err(Problem::not_found("page"));
    }
    let found = heading(pool, guild, None, &[]).await?.ok_or_else(|| Problem::not_found("page"))?;
    Ok(Opened { guild_id: guild, name: found.guild, settings })
}

/// Those of these who are members now: whoever left, or was forgotten, is shown to nobody outside.
pub async fn present(pool: &PgPool, guild: GuildId, users: &[UserId]) -> sqlx::Result<HashSet<UserId>> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let found = sqlx::query_scalar!(
        r#"SELECT m.user_id AS "user_id: UserId" FROM people.members m
             JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = ANY ($2) AND m.left_at IS NULL AND k.name <> $3"#,
        guild.get(),
        &ids,
        NOBODY,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    Ok(found.into_iter().collect())
}
