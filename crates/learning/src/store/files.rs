//! What quests' files hold, by hash: stored once a guild, however many quests and versions name it.

use kernel::GuildId;
use sqlx::PgConnection;

use super::publish::CatalogueLock;
use crate::error::Error;
use crate::rules::files::Contents;

/// Which of these hashes (in hex) the guild holds nothing of.
pub(crate) async fn files_lacking(
    conn: &mut PgConnection,
    guild: GuildId,
    hashes: &[String],
) -> Result<Vec<String>, Error> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT k.sha256 AS "sha256!" FROM unnest($2::text[]) AS k (sha256)
            WHERE NOT EXISTS (SELECT FROM learning.file_contents c WHERE c.guild_id = $1 AND c.sha256 = decode(k.sha256, 'hex'))"#,
        guild.get(),
        hashes,
    )
    .fetch_all(conn)
    .await?)
}

/// Stores what the guild does not hold yet.
pub(crate) async fn files_put(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    contents: &Contents,
) -> Result<(), Error> {
    let hashes: Vec<String> = contents.keys().cloned().collect();
    for hash in files_lacking(&mut *conn, lock.guild(), &hashes).await? {
        let Some(content) = contents.get(&hash) else { continue };
        // One after the other: a path's files may be more than a message to the database holds.
        sqlx::query!(
            "INSERT INTO learning.file_contents (guild_id, sha256, content) VALUES ($1, sha256($2), $2)",
            lock.guild().get(),
            content,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What the file of this hash (in hex) holds.
pub(crate) async fn file_get(
    conn: &mut PgConnection,
    guild: GuildId,
    hash: &str,
) -> Result<Option<Vec<u8>>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT content FROM learning.file_contents WHERE guild_id = $1 AND sha256 = decode($2, 'hex')",
        guild.get(),
        hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// Removes what neither a version nor a draft names any more. Under the catalogue's lock: nobody begins to name it meanwhile.
pub(crate) async fn files_sweep(conn: &mut PgConnection, lock: &CatalogueLock) -> Result<u64, Error> {
    let result = sqlx::query!(
        "DELETE FROM learning.file_contents c
          WHERE c.guild_id = $1
            AND NOT EXISTS (SELECT FROM learning.quest_version_files v WHERE v.guild_id = c.guild_id AND v.sha256 = c.sha256)
            AND NOT EXISTS (SELECT FROM learning.quests q CROSS JOIN LATERAL jsonb_each(q.draft->'files') AS d (name, file)
                             WHERE q.guild_id = c.guild_id AND q.draft IS NOT NULL
                               AND d.file->>'sha256' = encode(c.sha256, 'hex'))",
        lock.guild().get(),
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}
