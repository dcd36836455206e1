//! What heads the pages of a guild: its name, and its member's.

use access::Author;
use access::author::Deed;
use kernel::{GuildId, Problem, UserId};
use serde_json::json;
use sqlx::PgPool;

use crate::notices::MOST_COUNTED;

/// The most guilds that are offered to choose from.
const MAX_GUILDS: i64 = 200;

/// The longest name of a guild, in characters: Discord's own limit.
const MAX_NAME: usize = 100;

/// A guild by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuildName {
    /// The guild.
    pub guild_id: GuildId,
    /// Its name on Discord.
    pub name: String,
}

/// The names of a guild and of somebody in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The guild's name.
    pub guild: String,
    /// The member's, where they are one.
    pub member: Option<String>,
    /// How much they have not read of what happened for them; 100 means that much and more.
    pub unread: i64,
}

/// The names of a guild and of a member, and how much that member has not read of what happened for them, of these types; `None` where
/// nothing is known of the guild.
#[kernel::boxed]
pub async fn heading(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    types: &[String],
) -> sqlx::Result<Option<Heading>> {
    sqlx::query_as!(
        Heading,
        r#"SELECT g.name AS guild,
                  (SELECT k.name FROM people.known_as k WHERE k.guild_id = g.guild_id AND k.user_id = $2) AS member,
                  (SELECT count(*) FROM (
                      SELECT 1 FROM jobs.outbox o
                       WHERE o.guild_id = $1 AND coalesce(o.user_id::text, o.payload->>'user_id') = $2::bigint::text
                         AND (o.transaction_id, o.id) > (coalesce(p.seen_transaction_id, '0'::xid8), coalesce(p.seen_id, 0))
                         AND o.event_type = ANY ($3) LIMIT $4) n) AS "unread!"
             FROM people.guilds g
             LEFT JOIN people.user_preferences p ON p.guild_id = g.guild_id AND p.user_id = $2
            WHERE g.guild_id = $1"#,
        guild.get(),
        user.map(UserId::get),
        types,
        MOST_COUNTED,
    )
    .fetch_optional(&mut *db::acquire(pool).await?)
    .await
}

/// Guilds by name: these, or all of them for who may see all.
pub async fn guild_names(pool: &PgPool, guilds: Option<&[GuildId]>) -> sqlx::Result<Vec<GuildName>> {
    let ids: Option<Vec<i64>> = guilds.map(|guilds| guilds.iter().map(|guild| guild.get()).collect());
    sqlx::query_as!(
        GuildName,
        r#"SELECT guild_id AS "guild_id: GuildId", name FROM people.guilds
            WHERE $1::bigint[] IS NULL OR guild_id = ANY ($1) ORDER BY name, guild_id LIMIT $2"#,
        ids.as_deref(),
        MAX_GUILDS,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await
}

/// Makes a guild known by its name, which nobody had told of before. Audited.
pub async fn guild_make(
    pool: &PgPool,
    guild: GuildId,
    name: &str,
    author: Author<'_>,
) -> Result<(), Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains('\0') {
        return Err(Problem::field("name", format!("must be 1 to {MAX_NAME} characters long")));
    }
    let mut tx = db::begin(pool).await?;
    if !crate::store::guild_insert(&mut tx, guild, name).await? {
        return Err(Problem::field("guild_id", "is known already"));
    }
    let made = Deed::new("CREATE", "people.guilds", guild.to_string()).after(json!({ "name": name }));
    made.record(&mut tx, guild, author).await?;
    tx.commit().await?;
    Ok(())
}
