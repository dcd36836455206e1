//! Vectors, as the database keeps them.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::Kind;

/// A text that is to be embedded.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) guild: GuildId,
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) text: String,
    pub(crate) updated_at: DateTime<Utc>,
}

/// A vector to be stored.
pub(crate) struct NewVector<'a> {
    pub(crate) of: &'a Text,
    pub(crate) embedding: Vec<f32>,
    pub(crate) hash: Vec<u8>,
}

/// A stored vector.
#[derive(Debug)]
pub(crate) struct StoredVector {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) embedding: Vec<f32>,
    pub(crate) revision: i64,
}

fn kind(name: &str) -> Kind {
    if name == Kind::Path.as_str() { Kind::Path } else { Kind::Quest }
}

/// As of when a guild's vectors of a model are; 0 where there are none.
pub(crate) async fn revision(conn: &mut PgConnection, guild: GuildId, model: &str) -> sqlx::Result<i64> {
    let found = sqlx::query_scalar!(
        "SELECT revision FROM search.indexes WHERE guild_id = $1 AND model = $2",
        guild.get(),
        model
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or(0))
}

/// Raises a guild's revision and locks it until the transaction ends, so that revisions become visible in their order.
pub(crate) async fn revision_next(conn: &mut PgConnection, guild: GuildId, model: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "INSERT INTO search.indexes AS i (guild_id, model, revision) VALUES ($1, $2, 1)
         ON CONFLICT ON CONSTRAINT pk_indexes DO UPDATE SET revision = i.revision + 1 RETURNING revision",
        guild.get(),
        model,
    )
    .fetch_one(conn)
    .await
}

/// Whether something that learners see has no vector yet.
pub(crate) async fn is_behind(conn: &mut PgConnection, guild: GuildId, model: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT coalesce((SELECT max(q.updated_at) FROM learning.quests q WHERE q.guild_id = $1)
                      > (SELECT i.checked_at FROM search.indexes i WHERE i.guild_id = $1 AND i.model = $2),
                  EXISTS (SELECT FROM learning.quests q WHERE q.guild_id = $1 AND q.is_active)) AS "behind!""#,
        guild.get(),
        model,
    )
    .fetch_one(conn)
    .await
}

/// Vectors that were written after a revision.
pub(crate) async fn vectors_since(
    conn: &mut PgConnection,
    guild: GuildId,
    model: &str,
    revision: i64,
) -> sqlx::Result<Vec<StoredVector>> {
    let rows = sqlx::query!(
        "SELECT content_type, content_id, embedding, revision FROM search.embeddings
          WHERE guild_id = $1 AND model = $2 AND revision > $3 ORDER BY revision",
        guild.get(),
        model,
        revision,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredVector {
            kind: kind(&row.content_type),
            id: row.content_id,
            embedding: row.embedding,
            revision: row.revision,
        })
        .collect())
}

/// Texts that learners see and that have no vector, or one of an older text; of all guilds, in the order of their keys.
pub(crate) async fn texts_behind(
    conn: &mut PgConnection,
    model: &str,
    limit: i64,
) -> sqlx::Result<Vec<Text>> {
    let rows = sqlx::query!(
        r#"SELECT t.guild_id AS "guild!: GuildId", t.content_type AS "content_type!", t.id AS "id!", t.text AS "text!",
                  t.updated_at AS "updated_at!"
             FROM (SELECT q.guild_id, 'quest' AS content_type, q.id, q.updated_at,
                          q.title || E'\n' || array_to_string(q.skill_tags, ' ') || E'\n' || left(q.description, 4000) AS text
                     FROM learning.quests q WHERE q.is_active
                   UNION ALL
                   SELECT p.guild_id, 'path', p.id, p.updated_at, p.name || E'\n' || left(p.description, 4000)
                     FROM learning.learning_paths p WHERE p.is_published AND p.archived_at IS NULL) t
             LEFT JOIN search.embeddings e
                    ON e.guild_id = t.guild_id AND e.content_type = t.content_type AND e.content_id = t.id AND e.model = $1
            WHERE e.content_id IS NULL OR e.content_updated_at <> t.updated_at
            ORDER BY t.guild_id, t.content_type, t.id LIMIT $2"#,
        model,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Text {
            guild: row.guild,
            kind: kind(&row.content_type),
            id: row.id,
            text: row.text,
            updated_at: row.updated_at,
        })
        .collect())
}

/// Stores vectors of a guild; those whose text is as it was keep their revision.
pub(crate) async fn vectors_put(
    conn: &mut PgConnection,
    guild: GuildId,
    model: &str,
    revision: i64,
    new: &[NewVector<'_>],
) -> sqlx::Result<()> {
    let types: Vec<String> = new.iter().map(|one| one.of.kind.as_str().to_owned()).collect();
    let ids: Vec<Uuid> = new.iter().map(|one| one.of.id).collect();
    let updated: Vec<DateTime<Utc>> = new.iter().map(|one| one.of.updated_at).collect();
    let hashes: Vec<Vec<u8>> = new.iter().map(|one| one.hash.clone()).collect();
    let length = new.first().map_or(1, |one| one.embedding.len());
    let values: Vec<f32> = new.iter().flat_map(|one| one.embedding.iter().copied()).collect();
    // Arrays of arrays come flat, and are cut here.
    sqlx::query!(
        "INSERT INTO search.embeddings AS e (guild_id, content_type, content_id, model, dimensions, embedding, content_hash,
                                             content_updated_at, revision)
         SELECT $1, v.content_type, v.id, $2, $3::integer, ($8::real[])[(v.n - 1) * $3::integer + 1 : v.n * $3::integer], v.hash, v.updated_at, $4
           FROM unnest($5::text[], $6::uuid[], $7::bytea[], $9::timestamptz[]) WITH ORDINALITY
             AS v (content_type, id, hash, updated_at, n)
         ON CONFLICT ON CONSTRAINT pk_embeddings DO UPDATE
            SET content_updated_at = excluded.content_updated_at, content_hash = excluded.content_hash,
                embedding = excluded.embedding, dimensions = excluded.dimensions,
                revision = CASE WHEN e.content_hash = excluded.content_hash THEN e.revision ELSE excluded.revision END",
        guild.get(),
        model,
        i32::try_from(length).unwrap_or(i32::MAX),
        revision,
        &types,
        &ids,
        &hashes,
        &values,
        &updated,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes vectors of what learners see no more, and notes that all others are there.
pub(crate) async fn vectors_remove(conn: &mut PgConnection, model: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM search.embeddings e
          WHERE (e.content_type = 'quest' AND NOT EXISTS (
                    SELECT FROM learning.quests q WHERE q.guild_id = e.guild_id AND q.id = e.content_id AND q.is_active))
             OR (e.content_type = 'path' AND NOT EXISTS (
                    SELECT FROM learning.learning_paths p
                     WHERE p.guild_id = e.guild_id AND p.id = e.content_id AND p.is_published AND p.archived_at IS NULL))"
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("UPDATE search.indexes SET checked_at = now() WHERE model = $1", model)
        .execute(conn)
        .await?;
    Ok(())
}
