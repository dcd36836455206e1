//! Quests and paths as their authors have them: drafts, and what of them is published.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::{PathId, QuestId};

/// A quest's row, for its authors.
#[derive(Debug, Clone)]
pub struct QuestRow {
    /// Its id.
    pub id: QuestId,
    /// Its short name.
    pub slug: String,
    /// The version that is begun now.
    pub current_version: Option<i32>,
    /// Whether it is retired.
    pub retired_at: Option<DateTime<Utc>>,
    /// What is being written.
    pub draft: Option<Value>,
    /// Counts the author's changes.
    pub draft_revision: i32,
    /// What was published last.
    pub snapshot: Option<Value>,
}

/// A quest in its authors' list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuestSummary {
    /// Its id.
    pub id: QuestId,
    /// Its short name.
    pub slug: String,
    /// Title of what is published, else of the draft.
    pub title: String,
    /// The version that is begun now; absent before the first publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Whether there is a draft that is not published.
    pub has_draft: bool,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
}

/// A path's row, for its authors.
#[derive(Debug, Clone)]
pub struct PathRow {
    /// Its id.
    pub id: PathId,
    /// Its short name.
    pub slug: String,
    /// Whether learners see it.
    pub is_published: bool,
    /// Whether it is retired.
    pub archived_at: Option<DateTime<Utc>>,
    /// What is being written, or what was published last.
    pub document: Value,
    /// Whether that is not published.
    pub has_draft: bool,
    /// Counts the author's changes.
    pub draft_revision: i32,
}

/// A path in its authors' list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PathSummary {
    /// Its id.
    pub id: PathId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether learners see it.
    pub is_published: bool,
    /// Whether there is a draft that is not published.
    pub has_draft: bool,
    /// When it was retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
}

/// Makes a quest of a draft.
pub(crate) async fn quest_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    slug: &str,
    draft: &Value,
    author: Option<Uuid>,
) -> Result<QuestId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO learning.quests (guild_id, slug, title, description, quest_type, difficulty_level, draft, created_by)
           VALUES ($1, $2, $3::jsonb->>'title', '', ($3::jsonb->>'type')::learning.quest_type, ($3::jsonb->>'difficulty')::learning.difficulty_level, $3, $4)
           RETURNING id AS "id: QuestId""#,
        guild.get(),
        slug,
        draft,
        author,
    )
    .fetch_one(conn)
    .await?)
}

/// A quest of the guild, locked until the transaction ends.
pub(crate) async fn quest_get(
    conn: &mut PgConnection,
    guild: GuildId,
    id: QuestId,
) -> Result<QuestRow, Error> {
    sqlx::query_as!(
        QuestRow,
        r#"SELECT q.id AS "id: QuestId", q.slug, q.current_version, q.retired_at, q.draft, q.draft_revision,
                  v.snapshot AS "snapshot?"
             FROM learning.quests q
             LEFT JOIN learning.quest_versions v
                    ON v.guild_id = q.guild_id AND v.quest_id = q.id AND v.version = q.current_version
            WHERE q.guild_id = $1 AND q.id = $2 FOR NO KEY UPDATE OF q"#,
        guild.get(),
        id.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("quest"))
}

/// Quests of the guild by their short names: those that are there.
pub(crate) async fn quests_by_slug(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<Vec<QuestRow>, Error> {
    Ok(sqlx::query_as!(
        QuestRow,
        r#"SELECT q.id AS "id: QuestId", q.slug, q.current_version, q.retired_at, q.draft, q.draft_revision,
                  v.snapshot AS "snapshot?"
             FROM learning.quests q
             LEFT JOIN learning.quest_versions v
                    ON v.guild_id = q.guild_id AND v.quest_id = q.id AND v.version = q.current_version
            WHERE q.guild_id = $1 AND q.slug = ANY ($2) ORDER BY q.id FOR NO KEY UPDATE OF q"#,
        guild.get(),
        slugs,
    )
    .fetch_all(conn)
    .await?)
}

/// Writes a draft over the one that was there.
pub(crate) async fn quest_draft_put(
    conn: &mut PgConnection,
    guild: GuildId,
    id: QuestId,
    draft: &Value,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.quests SET draft = $3, draft_revision = draft_revision + 1,
                title = CASE WHEN current_version IS NULL THEN $3::jsonb->>'title' ELSE title END
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
        draft,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Retires a quest: nobody begins it any more.
pub(crate) async fn quest_retire(conn: &mut PgConnection, guild: GuildId, id: QuestId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.quests SET is_active = false, retired_at = coalesce(retired_at, now()) WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The guild's quests by id, for authors.
pub(crate) async fn quest_list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<QuestId>,
    limit: i64,
) -> Result<Vec<QuestSummary>, Error> {
    Ok(sqlx::query_as!(
        QuestSummary,
        r#"SELECT id AS "id: QuestId", slug, title, current_version AS version, draft IS NOT NULL AS "has_draft!", retired_at
             FROM learning.quests WHERE guild_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        guild.get(),
        after.map(QuestId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// A version of a quest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Version {
    /// Its number, from 1.
    pub version: i32,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// When its wording last changed.
    pub changed_at: DateTime<Utc>,
    /// Attempts that are of it.
    pub attempts: i64,
}

/// A quest's versions, the latest first.
pub(crate) async fn version_list(
    conn: &mut PgConnection,
    guild: GuildId,
    id: QuestId,
) -> Result<Vec<Version>, Error> {
    Ok(sqlx::query_as!(
        Version,
        r#"SELECT v.version, v.created_at AS published_at, v.updated_at AS changed_at,
                  (SELECT count(*) FROM learning.user_quest_attempts a
                    WHERE a.guild_id = v.guild_id AND a.quest_id = v.quest_id AND a.version = v.version) AS "attempts!"
             FROM learning.quest_versions v WHERE v.guild_id = $1 AND v.quest_id = $2 ORDER BY v.version DESC"#,
        guild.get(),
        id.get(),
    )
    .fetch_all(conn)
    .await?)
}

/// Makes a path of a draft.
pub(crate) async fn path_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    slug: &str,
    draft: &Value,
    author: Option<Uuid>,
) -> Result<PathId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO learning.learning_paths (guild_id, slug, name, description, path_type, draft, created_by)
           VALUES ($1, $2, $3::jsonb->>'name', '', ($3::jsonb->>'type')::learning.path_type, $3, $4)
           RETURNING id AS "id: PathId""#,
        guild.get(),
        slug,
        draft,
        author,
    )
    .fetch_one(conn)
    .await?)
}

/// A path of the guild, by id or by short name, locked until the transaction ends.
pub(crate) async fn path_get(
    conn: &mut PgConnection,
    guild: GuildId,
    id: Option<PathId>,
    slug: Option<&str>,
) -> Result<Option<PathRow>, Error> {
    Ok(sqlx::query_as!(
        PathRow,
        r#"SELECT id AS "id: PathId", slug, is_published, archived_at, coalesce(draft, document) AS "document!",
                  draft IS NOT NULL AS "has_draft!", draft_revision
             FROM learning.learning_paths
            WHERE guild_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::text IS NULL OR slug = $3)
              FOR NO KEY UPDATE"#,
        guild.get(),
        id.map(PathId::get),
        slug,
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes a draft over the one that was there.
pub(crate) async fn path_draft_put(
    conn: &mut PgConnection,
    guild: GuildId,
    id: PathId,
    draft: &Value,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.learning_paths SET draft = $3, draft_revision = draft_revision + 1,
                name = CASE WHEN is_published THEN name ELSE $3::jsonb->>'name' END
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
        draft,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Retires a path: nobody enrols any more.
pub(crate) async fn path_retire(conn: &mut PgConnection, guild: GuildId, id: PathId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.learning_paths SET is_published = false, archived_at = coalesce(archived_at, now())
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The guild's paths by id, for authors.
pub(crate) async fn path_list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<PathId>,
    limit: i64,
) -> Result<Vec<PathSummary>, Error> {
    Ok(sqlx::query_as!(
        PathSummary,
        r#"SELECT id AS "id: PathId", slug, name, is_published, draft IS NOT NULL AS "has_draft!", archived_at AS retired_at
             FROM learning.learning_paths WHERE guild_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        guild.get(),
        after.map(PathId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}
