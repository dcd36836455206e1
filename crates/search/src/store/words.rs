//! By words: PostgreSQL's full-text search, each text in its own language.

use kernel::GuildId;
use learning::model::quest::{Difficulty, QuestType};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::Kind;
use crate::rules::parts::{BEGIN, END};

/// Of a text, how much an excerpt is taken from: PostgreSQL reads all of it.
const READ: i32 = 4_000;

/// Something whose words were found.
#[derive(Debug)]
pub(crate) struct Ranked {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) rank: f32,
}

/// Something as it is shown, hits marked.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) excerpt: String,
    pub(crate) language: String,
    pub(crate) quest_type: Option<QuestType>,
    pub(crate) difficulty: Option<Difficulty>,
}

/// How titles, and excerpts, are marked.
fn options(rest: &str) -> String {
    format!("StartSel=\"{BEGIN}\", StopSel=\"{END}\", {rest}")
}

fn title_options() -> String {
    options("HighlightAll=true")
}

fn excerpt_options() -> String {
    options("MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=\" … \"")
}

fn marks() -> String {
    [BEGIN, END].iter().collect()
}

/// Lets the transaction look at some two thousand of the quests that hold a very common word instead of at all of them: they are the
/// index's to choose, and what is rare among the words still narrows them down.
pub(crate) async fn common_words_limit(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SELECT set_config('gin_fuzzy_search_limit', '2000', true) AS set").fetch_one(conn).await?;
    Ok(())
}

/// Published quests that hold the words, the best first. In each language that the guild has quests in the words are read as words of
/// that language. Of very common words a part of the quests is ranked, see
/// [`common_words_limit`].
pub(crate) async fn quests_by_words(
    conn: &mut PgConnection,
    guild: GuildId,
    text: &str,
    language: Option<&str>,
    count: i64,
) -> sqlx::Result<Vec<Ranked>> {
    let rows = sqlx::query!(
        r#"WITH RECURSIVE languages AS (
               (SELECT q.language FROM learning.quests q WHERE q.guild_id = $1 AND q.is_active ORDER BY q.language LIMIT 1)
               UNION ALL
               SELECT (SELECT q.language FROM learning.quests q
                        WHERE q.guild_id = $1 AND q.is_active AND q.language > l.language ORDER BY q.language LIMIT 1)
                 FROM languages l WHERE l.language IS NOT NULL
           ), asked AS MATERIALIZED (
               SELECT l.language, websearch_to_tsquery(learning.search_config(l.language), $2) AS query
                 FROM languages l WHERE l.language IS NOT NULL AND ($3::text IS NULL OR l.language = $3)
           ), found AS (
               SELECT f.id, ts_rank(f.search_document, a.query, 1) AS rank
                 FROM asked a
                CROSS JOIN LATERAL (
                      SELECT q.id, q.search_document FROM learning.quests q
                       WHERE q.guild_id = $1 AND q.is_active AND q.language || '' = a.language AND q.search_document @@ a.query
                       LIMIT 1000) f
           )
           SELECT id AS "id!", rank AS "rank!" FROM found ORDER BY rank DESC, id LIMIT $4"#,
        guild.get(),
        text,
        language,
        count,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Ranked { kind: Kind::Quest, id: row.id, rank: row.rank }).collect())
}

/// Published paths that hold the words, the best first.
pub(crate) async fn paths_by_words(
    conn: &mut PgConnection,
    guild: GuildId,
    text: &str,
    language: Option<&str>,
    count: i64,
) -> sqlx::Result<Vec<Ranked>> {
    let rows = sqlx::query!(
        r#"SELECT p.id, ts_rank(p.search_document, websearch_to_tsquery(learning.search_config(p.language), $2), 1) AS "rank!"
             FROM learning.learning_paths p
            WHERE p.guild_id = $1 AND p.is_published AND p.archived_at IS NULL
              AND ($3::text IS NULL OR p.language = $3)
              AND p.search_document @@ websearch_to_tsquery(learning.search_config(p.language), $2)
            ORDER BY 2 DESC, p.id LIMIT $4"#,
        guild.get(),
        text,
        language,
        count,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Ranked { kind: Kind::Path, id: row.id, rank: row.rank }).collect())
}

/// Published quests as they are shown to who asked for these words.
pub(crate) async fn quests_shown(
    conn: &mut PgConnection,
    guild: GuildId,
    ids: &[Uuid],
    text: &str,
) -> sqlx::Result<Vec<Shown>> {
    let rows = sqlx::query!(
        r#"SELECT q.id, q.slug, q.language, q.quest_type AS "quest_type: QuestType", q.difficulty_level AS "difficulty: Difficulty",
                  ts_headline(learning.search_config(q.language), translate(q.title, $5, ''), a.query, $6) AS "title!",
                  ts_headline(learning.search_config(q.language), translate(left(q.description, $4), $5, ''), a.query, $7)
                      AS "excerpt!"
             FROM learning.quests q
            CROSS JOIN LATERAL (SELECT websearch_to_tsquery(learning.search_config(q.language), $3) AS query) a
            WHERE q.guild_id = $1 AND q.id = ANY ($2) AND q.is_active"#,
        guild.get(),
        ids,
        text,
        READ,
        marks(),
        title_options(),
        excerpt_options(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Shown {
            kind: Kind::Quest,
            id: row.id,
            slug: row.slug,
            title: row.title,
            excerpt: row.excerpt,
            language: row.language,
            quest_type: Some(row.quest_type),
            difficulty: Some(row.difficulty),
        })
        .collect())
}

/// Published paths as they are shown to who asked for these words.
pub(crate) async fn paths_shown(
    conn: &mut PgConnection,
    guild: GuildId,
    ids: &[Uuid],
    text: &str,
) -> sqlx::Result<Vec<Shown>> {
    let rows = sqlx::query!(
        r#"SELECT p.id, p.slug, p.language,
                  ts_headline(learning.search_config(p.language), translate(p.name, $5, ''), a.query, $6) AS "title!",
                  ts_headline(learning.search_config(p.language), translate(left(p.description, $4), $5, ''), a.query, $7)
                      AS "excerpt!"
             FROM learning.learning_paths p
            CROSS JOIN LATERAL (SELECT websearch_to_tsquery(learning.search_config(p.language), $3) AS query) a
            WHERE p.guild_id = $1 AND p.id = ANY ($2) AND p.is_published AND p.archived_at IS NULL"#,
        guild.get(),
        ids,
        text,
        READ,
        marks(),
        title_options(),
        excerpt_options(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Shown {
            kind: Kind::Path,
            id: row.id,
            slug: row.slug,
            title: row.title,
            excerpt: row.excerpt,
            language: row.language,
            quest_type: None,
            difficulty: None,
        })
        .collect())
}
