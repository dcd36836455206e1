//! Where paths and quests come from.

use std::collections::HashMap;

use kernel::GuildId;
use sqlx::PgConnection;

use super::CatalogueLock;
use crate::error::Error;
use crate::ids::PathId;

/// A path that came from elsewhere.
#[derive(Debug)]
pub(crate) struct SourcePath {
    pub(crate) path: PathId,
    pub(crate) slug: String,
}

/// The path of this identity, if it is published as it last came, and that is this.
pub(crate) async fn source_unchanged(
    conn: &mut PgConnection,
    guild: GuildId,
    source: &str,
    hash: &[u8],
) -> Result<Option<SourcePath>, Error> {
    Ok(sqlx::query_as!(
        SourcePath,
        r#"SELECT id AS "path: PathId", slug FROM learning.learning_paths
            WHERE guild_id = $1 AND source_id = $2 AND source_hash = $3 AND is_published AND draft IS NULL"#,
        guild.get(),
        source,
        hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// What quests of these identities are called in the guild.
pub(crate) async fn sources_known(
    conn: &mut PgConnection,
    guild: GuildId,
    identities: &[String],
) -> Result<HashMap<String, String>, Error> {
    let rows = sqlx::query!(
        r#"SELECT source_id AS "source!", slug FROM learning.quests WHERE guild_id = $1 AND source_id = ANY ($2)"#,
        guild.get(),
        identities,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.source, row.slug)).collect())
}

/// What the path of this identity is called in the guild, and the quests in it that came from elsewhere.
pub(crate) async fn source_path(
    conn: &mut PgConnection,
    guild: GuildId,
    source: &str,
) -> Result<(Option<String>, Vec<String>), Error> {
    let row = sqlx::query!(
        r#"SELECT p.slug, ARRAY(SELECT q.slug FROM learning.learning_path_quests l
                                JOIN learning.quests q ON q.guild_id = l.guild_id AND q.id = l.quest_id
                               WHERE l.guild_id = p.guild_id AND l.learning_path_id = p.id AND q.source_id IS NOT NULL
                               ORDER BY q.slug) AS "quests!"
             FROM learning.learning_paths p WHERE p.guild_id = $1 AND p.source_id = $2"#,
        guild.get(),
        source,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or_else(|| (None, Vec::new()), |row| (Some(row.slug), row.quests)))
}

/// Which of these short names quests of the guild bear already, each with whether the quest came from elsewhere.
pub(crate) async fn slugs_taken(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<Vec<(String, bool)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT slug, source_id IS NOT NULL AS "foreign!" FROM learning.quests WHERE guild_id = $1 AND slug = ANY ($2) ORDER BY slug"#,
        guild.get(),
        slugs,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slug, row.foreign)).collect())
}

/// Writes where quests come from.
pub(crate) async fn sources_put(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    slugs: &[String],
    identities: &[String],
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.quests q SET source_id = s.identity
           FROM unnest($2::text[], $3::text[]) AS s (slug, identity)
          WHERE q.guild_id = $1 AND q.slug = s.slug AND s.identity <> '' AND q.source_id IS DISTINCT FROM s.identity",
        lock.guild().get(),
        slugs,
        identities,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes where a path comes from, and how it was then; `None` where it is to be looked at again.
pub(crate) async fn source_path_put(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    path: PathId,
    source: &str,
    hash: Option<&[u8]>,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.learning_paths SET source_id = $3, source_hash = $4 WHERE guild_id = $1 AND id = $2",
        lock.guild().get(),
        path.get(),
        source,
        hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}
