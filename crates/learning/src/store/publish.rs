//! Publication: documents into rows, many quests at once. Needs the catalogue's lock.

use std::collections::{BTreeMap, BTreeSet};

use kernel::GuildId;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::{PathId, QuestId};
use crate::model::path::{BundleSkill, PathDocument, PathQuest};
use crate::model::quest::QuestDocument;
use crate::rules::banks::Banks;
use crate::rules::files::{FOLDER, file_named};

/// Proof that the guild's catalogue is locked until the transaction ends: nobody else publishes or retires meanwhile.
#[derive(Debug)]
pub(crate) struct CatalogueLock {
    guild: GuildId,
}

impl CatalogueLock {
    /// The guild.
    pub(crate) const fn guild(&self) -> GuildId {
        self.guild
    }
}

/// Locks the guild's catalogue; makes it, if there is none.
pub(crate) async fn catalogue_lock(conn: &mut PgConnection, guild: GuildId) -> Result<CatalogueLock, Error> {
    people::guild_ensure(&mut *conn, guild, None).await?;
    // The secret is made of two random uuids: 244 bits of chance.
    sqlx::query!(
        "INSERT INTO learning.catalogues (guild_id, shuffle_secret)
         VALUES ($1, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
         ON CONFLICT DO NOTHING",
        guild.get(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("SELECT revision FROM learning.catalogues WHERE guild_id = $1 FOR UPDATE", guild.get())
        .fetch_one(conn)
        .await?;
    Ok(CatalogueLock { guild })
}

/// Gives the catalogue another revision: what nodes remember of it no longer counts.
pub(crate) async fn catalogue_touch(conn: &mut PgConnection, lock: &CatalogueLock) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.catalogues SET revision = gen_random_uuid() WHERE guild_id = $1",
        lock.guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these skills the guild has not, or has retired.
pub(crate) async fn skills_unknown(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT k.slug AS "slug!" FROM unnest($2::text[]) AS k (slug)
            WHERE NOT EXISTS (SELECT FROM community.skills s WHERE s.guild_id = $1 AND s.slug = k.slug AND s.active)
            ORDER BY 1"#,
        guild.get(),
        slugs,
    )
    .fetch_all(conn)
    .await?)
}

/// How these skills are told of, as far as the guild has them.
pub(crate) async fn skills_told(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<BTreeMap<String, BundleSkill>, Error> {
    let rows = sqlx::query!(
        "SELECT slug, name, description, domain FROM community.skills WHERE guild_id = $1 AND slug = ANY ($2)",
        guild.get(),
        slugs,
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| {
        (row.slug, BundleSkill { name: row.name, description: row.description, domain: row.domain })
    });
    Ok(told.collect())
}

/// Which of these short names no quest of the guild has, published or not.
pub(crate) async fn quests_unknown(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT k.slug AS "slug!" FROM unnest($2::text[]) AS k (slug)
            WHERE NOT EXISTS (SELECT FROM learning.quests q WHERE q.guild_id = $1 AND q.slug = k.slug)"#,
        guild.get(),
        slugs,
    )
    .fetch_all(conn)
    .await?)
}

/// Whether PostgreSQL knows a zone of this name.
pub(crate) async fn zone_exists(conn: &mut PgConnection, zone: &str) -> Result<bool, Error> {
    if zone == "UTC" {
        return Ok(true);
    }
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1) AS "there!""#,
        zone,
    )
    .fetch_one(conn)
    .await?)
}

/// A quest to be published.
#[derive(Debug)]
pub(crate) struct PublishedQuest<'a> {
    /// Its id.
    pub(crate) id: QuestId,
    /// The document.
    pub(crate) document: &'a QuestDocument,
    /// The version it becomes: the next one, or the present one where only wording changed.
    pub(crate) version: i32,
    /// SHA-256 of what is graded.
    pub(crate) hash: [u8; 32],
    /// Questions of the banks that it draws from.
    pub(crate) banks: Banks,
}

/// Writes quests as they are published: a statement a table, however many they are.
#[kernel::boxed]
pub(crate) async fn quests_publish(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    quests: &[PublishedQuest<'_>],
    author: Option<Uuid>,
) -> Result<(), Error> {
    let guild = lock.guild.get();
    let ids: Vec<Uuid> = quests.iter().map(|quest| quest.id.get()).collect();
    steps_put(&mut *conn, guild, &ids, quests).await?;
    versions_put(&mut *conn, guild, quests, author).await?;
    version_files_put(&mut *conn, guild, &ids, quests).await?;
    let rows: Vec<Value> = quests
        .iter()
        .map(|quest| {
            let document = quest.document;
            json!({
                "id": quest.id, "title": document.title, "description": document.description, "language": document.language,
                "quest_type": document.quest_type, "difficulty": document.difficulty, "minutes": document.estimated_minutes,
                "xp": document.experience_points, "skill_tags": document.skills.keys().collect::<Vec<_>>(),
                "unlock": document.unlock, "version": quest.version,
            })
        })
        .collect();
    sqlx::query!(
        r#"UPDATE learning.quests q
              SET title = d.title, description = d.description, language = d.language, quest_type = d.quest_type,
                  difficulty_level = d.difficulty, estimated_duration_minutes = d.minutes, experience_points_reward = d.xp,
                  skill_tags = d.skill_tags, unlock_criteria = nullif(d.unlock, 'null'), current_version = d.version, is_active = true,
                  retired_at = NULL, published_at = coalesce(q.published_at, now()), draft = NULL, draft_revision = q.draft_revision + 1
             FROM jsonb_to_recordset($2) AS d (id uuid, title text, description text, language text, quest_type learning.quest_type,
                                               difficulty learning.difficulty_level, minutes int, xp int, skill_tags text[],
                                               unlock jsonb, version int)
            WHERE q.guild_id = $1 AND q.id = d.id"#,
        guild,
        Value::Array(rows),
    )
    .execute(&mut *conn)
    .await?;
    edges_put(&mut *conn, guild, &ids, quests).await?;
    resources_put(conn, guild, &ids, quests).await
}

async fn steps_put(
    conn: &mut PgConnection,
    guild: i64,
    ids: &[Uuid],
    quests: &[PublishedQuest<'_>],
) -> Result<(), Error> {
    let mut rows = Vec::new();
    for quest in quests {
        for (number, step) in (1..).zip(&quest.document.steps) {
            rows.push(json!({
                "quest_id": quest.id, "slug": step.slug, "number": number, "title": step.title, "description": step.description,
                "step_type": step.step_type, "xp": step.experience_points, "optional": step.optional,
                "content": { "url": step.url, "starter": step.coding.as_ref().map(|coding| &coding.starter) },
                "criteria": { "note_characters": step.note_characters, "quiz": step.quiz, "submission": step.submission,
                              "elsewhere": step.elsewhere,
                              "tests": step.coding.as_ref().map(|coding| &coding.tests) },
                "checker": step.coding.as_ref().and_then(|coding| coding.checker.as_ref()),
            }));
        }
    }
    // All retired first: their numbers may change places.
    sqlx::query!(
        "UPDATE learning.quest_steps SET retired_at = now() WHERE guild_id = $1 AND quest_id = ANY ($2) AND retired_at IS NULL",
        guild,
        ids,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"INSERT INTO learning.quest_steps (guild_id, quest_id, slug, step_number, title, description, step_type, content,
                                             validation_criteria, checker_script, experience_points, is_optional)
           SELECT $1, d.quest_id, d.slug, d.number, d.title, d.description, d.step_type, jsonb_strip_nulls(d.content),
                  jsonb_strip_nulls(d.criteria), d.checker, d.xp, d.optional
             FROM jsonb_to_recordset($2) AS d (quest_id uuid, slug text, number int, title text, description text,
                                               step_type learning.step_type, content jsonb, criteria jsonb, checker text, xp int,
                                               optional boolean)
            ORDER BY d.quest_id, d.number
           ON CONFLICT ON CONSTRAINT uq_quest_steps_quest_id_slug DO UPDATE
              SET step_number = excluded.step_number, title = excluded.title, description = excluded.description,
                  step_type = excluded.step_type, content = excluded.content, validation_criteria = excluded.validation_criteria,
                  checker_script = excluded.checker_script, experience_points = excluded.experience_points,
                  is_optional = excluded.is_optional, retired_at = NULL"#,
        guild,
        Value::Array(rows),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the versions, with the ids of their steps.
async fn versions_put(
    conn: &mut PgConnection,
    guild: i64,
    quests: &[PublishedQuest<'_>],
    author: Option<Uuid>,
) -> Result<(), Error> {
    let rows: Vec<Value> = quests
        .iter()
        .map(|quest| {
            let hash = hexadecimal(&quest.hash);
            json!({ "quest_id": quest.id, "version": quest.version, "document": quest.document, "hash": hash,
                    "banks": quest.banks })
        })
        .collect();
    sqlx::query!(
        r#"INSERT INTO learning.quest_versions (guild_id, quest_id, version, snapshot, hash, published_by)
           SELECT $1, d.quest_id, d.version, jsonb_build_object('quest', d.document, 'steps', coalesce(s.ids, '{}'), 'banks', d.banks),
                  decode(d.hash, 'hex'), $3
             FROM jsonb_to_recordset($2) AS d (quest_id uuid, version int, document jsonb, hash text, banks jsonb)
             LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.slug, s.id) AS ids FROM learning.quest_steps s
                                 WHERE s.guild_id = $1 AND s.quest_id = d.quest_id AND s.retired_at IS NULL) s ON true
            ORDER BY d.quest_id
           ON CONFLICT ON CONSTRAINT pk_quest_versions DO UPDATE SET snapshot = excluded.snapshot"#,
        guild,
        Value::Array(rows),
        author,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes which contents the versions' files have: as long as a version names them, they stay.
async fn version_files_put(
    conn: &mut PgConnection,
    guild: i64,
    ids: &[Uuid],
    quests: &[PublishedQuest<'_>],
) -> Result<(), Error> {
    let versions: Vec<i32> = quests.iter().map(|quest| quest.version).collect();
    // A version of which only wording changed may have had others.
    sqlx::query!(
        "DELETE FROM learning.quest_version_files f USING unnest($2::uuid[], $3::int[]) AS d (quest_id, version)
          WHERE f.guild_id = $1 AND f.quest_id = d.quest_id AND f.version = d.version",
        guild,
        ids,
        &versions,
    )
    .execute(&mut *conn)
    .await?;
    let mut rows = Vec::new();
    for quest in quests {
        for (name, file) in &quest.document.files {
            rows.push(json!({ "quest_id": quest.id, "version": quest.version, "name": name, "sha256": file.sha256 }));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"INSERT INTO learning.quest_version_files (guild_id, quest_id, version, name, sha256)
           SELECT $1, d.quest_id, d.version, d.name, decode(d.sha256, 'hex')
             FROM jsonb_to_recordset($2) AS d (quest_id uuid, version int, name text, sha256 text)"#,
        guild,
        Value::Array(rows),
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A String takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn edges_put(
    conn: &mut PgConnection,
    guild: i64,
    ids: &[Uuid],
    quests: &[PublishedQuest<'_>],
) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM learning.quest_prerequisites WHERE guild_id = $1 AND quest_id = ANY ($2)",
        guild,
        ids
    )
    .execute(&mut *conn)
    .await?;
    let (mut froms, mut tos) = (Vec::new(), Vec::new());
    for quest in quests {
        for slug in &quest.document.requires {
            froms.push(quest.id.get());
            tos.push(slug.clone());
        }
    }
    sqlx::query!(
        r#"INSERT INTO learning.quest_prerequisites (guild_id, quest_id, prerequisite_quest_id)
           SELECT $1, e.quest_id, q.id FROM unnest($2::uuid[], $3::text[]) AS e (quest_id, slug)
             JOIN learning.quests q ON q.guild_id = $1 AND q.slug = e.slug"#,
        guild,
        &froms,
        &tos,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM learning.quest_skills WHERE guild_id = $1 AND quest_id = ANY ($2)", guild, ids)
        .execute(&mut *conn)
        .await?;
    let (mut froms, mut slugs, mut points) = (Vec::new(), Vec::new(), Vec::new());
    for quest in quests {
        for (slug, amount) in &quest.document.skills {
            froms.push(quest.id.get());
            slugs.push(slug.clone());
            points.push(*amount);
        }
    }
    sqlx::query!(
        r#"INSERT INTO learning.quest_skills (guild_id, quest_id, skill_id, skill_points)
           SELECT $1, e.quest_id, s.id, e.points FROM unnest($2::uuid[], $3::text[], $4::int[]) AS e (quest_id, slug, points)
             JOIN community.skills s ON s.guild_id = $1 AND s.slug = e.slug"#,
        guild,
        &froms,
        &slugs,
        &points,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn resources_put(
    conn: &mut PgConnection,
    guild: i64,
    ids: &[Uuid],
    quests: &[PublishedQuest<'_>],
) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM learning.quest_resources WHERE guild_id = $1 AND quest_id = ANY ($2)",
        guild,
        ids
    )
    .execute(&mut *conn)
    .await?;
    let mut rows = Vec::new();
    for quest in quests {
        for (order, resource) in (0..).zip(&quest.document.resources) {
            let file = file_named(&resource.url).map(|name| format!("{FOLDER}{name}"));
            let url = file.is_none().then_some(&resource.url);
            rows.push(json!({ "quest_id": quest.id, "type": resource.resource_type, "title": resource.title,
                              "description": resource.description, "url": url, "file": file, "place": order }));
        }
    }
    sqlx::query!(
        r#"INSERT INTO learning.quest_resources (guild_id, quest_id, resource_type, title, description, url, file_path, display_order)
           SELECT $1, d.quest_id, d.type, d.title, d.description, d.url, d.file, d.place
             FROM jsonb_to_recordset($2) AS d (quest_id uuid, type learning.resource_type, title text, description text, url text,
                                               file text, place int)"#,
        guild,
        Value::Array(rows),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A quest's version as it was published: the snapshot.
pub(crate) async fn snapshot_get(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    version: i32,
) -> Result<Value, Error> {
    sqlx::query_scalar!(
        "SELECT snapshot FROM learning.quest_versions WHERE guild_id = $1 AND quest_id = $2 AND version = $3",
        guild.get(),
        quest.get(),
        version,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("version"))
}

/// Versions of quests as they were published.
pub(crate) async fn snapshots_get(
    conn: &mut PgConnection,
    guild: GuildId,
    asked: &BTreeSet<(QuestId, i32)>,
) -> Result<Vec<((QuestId, i32), Value)>, Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (quests, versions): (Vec<Uuid>, Vec<i32>) =
        asked.iter().map(|(quest, version)| (quest.get(), *version)).unzip();
    let rows = sqlx::query!(
        r#"SELECT v.quest_id AS "quest: QuestId", v.version, v.snapshot
             FROM unnest($2::uuid[], $3::int[]) AS asked (quest_id, version)
             JOIN learning.quest_versions v
               ON v.guild_id = $1 AND v.quest_id = asked.quest_id AND v.version = asked.version"#,
        guild.get(),
        &quests,
        &versions,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.quest, row.version), row.snapshot)).collect())
}

/// Writes a path as it is published. Tells short names of quests that the guild has not published; then nothing of it counts.
pub(crate) async fn path_publish(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    path: PathId,
    document: &PathDocument,
) -> Result<Vec<String>, Error> {
    let guild = lock.guild.get();
    let entries: Vec<(Option<usize>, &PathQuest)> = document.entries().collect();
    let slugs: Vec<String> = entries.iter().map(|(_, entry)| entry.quest.clone()).collect();
    let unknown = sqlx::query_scalar!(
        r#"SELECT k.slug AS "slug!" FROM unnest($2::text[]) AS k (slug)
            WHERE NOT EXISTS (SELECT FROM learning.quests q WHERE q.guild_id = $1 AND q.slug = k.slug AND q.is_active)"#,
        guild,
        &slugs,
    )
    .fetch_all(&mut *conn)
    .await?;
    if !unknown.is_empty() {
        return Ok(unknown);
    }
    let stored = serde_json::to_value(document).map_err(|error| Error::Corrupt("a path", error))?;
    // The epoch rises only when it matters to progress: other quests, other chapters, or another one mandatory.
    sqlx::query!(
        r#"UPDATE learning.learning_paths p
              SET name = $3, description = $4, language = $5, timezone = $6, path_type = ($7::text)::learning.path_type,
                  estimated_total_duration_hours = $8, experience_points_reward = $9, unlock_criteria = $10, is_published = true,
                  archived_at = NULL, published_at = coalesce(published_at, now()), document = $11, draft = NULL,
                  draft_revision = draft_revision + 1,
                  membership_epoch = membership_epoch
                      + (document->'quests' IS DISTINCT FROM $11::jsonb->'quests' OR document->'chapters' IS DISTINCT FROM $11::jsonb->'chapters')::int
            WHERE guild_id = $1 AND id = $2"#,
        guild,
        path.get(),
        document.name,
        document.description,
        document.language,
        document.timezone,
        format!("{:?}", document.path_type),
        document.estimated_hours,
        document.experience_points,
        document.unlock.as_ref().and_then(|rule| serde_json::to_value(rule).ok()),
        stored,
    )
    .execute(&mut *conn)
    .await?;
    chapters_put(&mut *conn, guild, path, document).await?;
    entries_put(&mut *conn, guild, path, document, &entries).await?;
    // What the whole of it brings.
    sqlx::query!(
        r#"UPDATE learning.learning_paths p
              SET total_experience_points = p.experience_points_reward
                  + coalesce((SELECT sum(c.experience_points_reward) FROM learning.quest_chapters c
                               WHERE c.guild_id = p.guild_id AND c.learning_path_id = p.id AND c.retired_at IS NULL), 0)::int
                  + coalesce((SELECT sum(q.experience_points_reward
                                         + coalesce((SELECT sum(s.experience_points) FROM learning.quest_steps s
                                                      WHERE s.guild_id = q.guild_id AND s.quest_id = q.id AND s.retired_at IS NULL), 0))
                                FROM learning.learning_path_quests l
                                JOIN learning.quests q ON q.guild_id = l.guild_id AND q.id = l.quest_id
                               WHERE l.guild_id = p.guild_id AND l.learning_path_id = p.id), 0)::int
            WHERE p.guild_id = $1 AND p.id = $2"#,
        guild,
        path.get(),
    )
    .execute(conn)
    .await?;
    Ok(Vec::new())
}

async fn chapters_put(
    conn: &mut PgConnection,
    guild: i64,
    path: PathId,
    document: &PathDocument,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.quest_chapters SET retired_at = now() WHERE guild_id = $1 AND learning_path_id = $2 AND retired_at IS NULL",
        guild,
        path.get(),
    )
    .execute(&mut *conn)
    .await?;
    let rows: Vec<Value> = (1..)
        .zip(&document.chapters)
        .map(|(place, chapter)| {
            json!({ "slug": chapter.slug, "title": chapter.title, "description": chapter.description, "place": place,
                    "starts": chapter.starts, "ends": chapter.ends, "xp": chapter.experience_points, "unlock": chapter.unlock })
        })
        .collect();
    sqlx::query!(
        r#"INSERT INTO learning.quest_chapters (guild_id, learning_path_id, slug, title, description, sequence, start_date, end_date,
                                                experience_points_reward, unlock_criteria)
           SELECT $1, $2, d.slug, d.title, d.description, d.place, d.starts, d.ends, d.xp, nullif(d.unlock, 'null')
             FROM jsonb_to_recordset($3) AS d (slug text, title text, description text, place int, starts date, ends date, xp int,
                                               unlock jsonb)
            ORDER BY d.place
           ON CONFLICT ON CONSTRAINT uq_quest_chapters_learning_path_id_slug DO UPDATE
              SET title = excluded.title, description = excluded.description, sequence = excluded.sequence,
                  start_date = excluded.start_date, end_date = excluded.end_date,
                  experience_points_reward = excluded.experience_points_reward, unlock_criteria = excluded.unlock_criteria,
                  retired_at = NULL"#,
        guild,
        path.get(),
        Value::Array(rows),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn entries_put(
    conn: &mut PgConnection,
    guild: i64,
    path: PathId,
    document: &PathDocument,
    entries: &[(Option<usize>, &PathQuest)],
) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM learning.learning_path_quests WHERE guild_id = $1 AND learning_path_id = $2",
        guild,
        path.get(),
    )
    .execute(&mut *conn)
    .await?;
    let rows: Vec<Value> = (1..)
        .zip(entries)
        .map(|(place, (chapter, entry))| {
            json!({ "quest": entry.quest, "chapter": chapter.map(|n| &document.chapters[n].slug), "place": place,
                    "mandatory": !entry.optional, "difficulty": entry.difficulty, "unlock": entry.unlock })
        })
        .collect();
    sqlx::query!(
        r#"INSERT INTO learning.learning_path_quests (guild_id, learning_path_id, chapter_id, quest_id, difficulty_level,
                                                      sequence_order, is_mandatory, unlock_criteria)
           SELECT $1, $2, c.id, q.id, coalesce(d.difficulty, q.difficulty_level), d.place, d.mandatory, nullif(d.unlock, 'null')
             FROM jsonb_to_recordset($3) AS d (quest text, chapter text, place int, mandatory boolean,
                                               difficulty learning.difficulty_level, unlock jsonb)
             JOIN learning.quests q ON q.guild_id = $1 AND q.slug = d.quest
             LEFT JOIN learning.quest_chapters c ON c.guild_id = $1 AND c.learning_path_id = $2 AND c.slug = d.chapter
            ORDER BY d.place"#,
        guild,
        path.get(),
        Value::Array(rows),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What stands in a snapshot: the document, the ids of its steps by their short names, and the banks that it drew from then.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Snapshot {
    /// The document.
    pub quest: QuestDocument,
    /// Ids of its steps.
    pub steps: BTreeMap<String, Uuid>,
    /// Questions of the banks that its quizzes draw from.
    #[serde(default)]
    pub banks: Banks,
}
