//! Banks of questions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::GuildId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::CatalogueLock;
use crate::error::Error;
use crate::ids::QuestId;
use crate::model::bank::{BankDocument, BankSummary, BankUse};
use crate::model::quiz::Question;
use crate::rules::banks::Banks;

/// A bank as it is stored.
#[derive(Debug)]
pub(crate) struct BankRow {
    pub(crate) slug: String,
    pub(crate) revision: i32,
    pub(crate) retired_at: Option<DateTime<Utc>>,
    pub(crate) document: BankDocument,
}

fn read(questions: Value) -> Result<Vec<Question>, Error> {
    serde_json::from_value(questions).map_err(|error| Error::Corrupt("a bank", error))
}

/// These banks of the guild, as far as they are there; locked until the transaction ends.
pub(crate) async fn banks_get(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<Vec<BankRow>, Error> {
    let rows = sqlx::query!(
        "SELECT slug, title, questions, revision, retired_at FROM learning.question_banks
          WHERE guild_id = $1 AND slug = ANY ($2) ORDER BY slug FOR NO KEY UPDATE",
        guild.get(),
        slugs,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        Ok(BankRow {
            slug: row.slug,
            revision: row.revision,
            retired_at: row.retired_at,
            document: BankDocument { title: row.title, questions: read(row.questions)? },
        })
    });
    rows.collect()
}

/// The questions of these banks, without those that are retired.
pub(crate) async fn banks_load(
    conn: &mut PgConnection,
    guild: GuildId,
    slugs: &[String],
) -> Result<Banks, Error> {
    if slugs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = banks_get(conn, guild, slugs).await?;
    let rows = rows.into_iter().filter(|row| row.retired_at.is_none());
    Ok(rows.map(|row| (row.slug, row.document.questions)).collect())
}

/// Makes a bank.
pub(crate) async fn bank_insert(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    slug: &str,
    bank: &BankDocument,
    author: Option<Uuid>,
) -> Result<(), Error> {
    let questions = serde_json::to_value(&bank.questions).map_err(|error| Error::Corrupt("a bank", error))?;
    sqlx::query!(
        "INSERT INTO learning.question_banks (guild_id, slug, title, questions, created_by) VALUES ($1, $2, $3, $4, $5)",
        lock.guild().get(),
        slug,
        bank.title,
        questions,
        author,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a bank over the one that was there, which is retired no more.
pub(crate) async fn bank_write(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    slug: &str,
    bank: &BankDocument,
) -> Result<(), Error> {
    let questions = serde_json::to_value(&bank.questions).map_err(|error| Error::Corrupt("a bank", error))?;
    sqlx::query!(
        "UPDATE learning.question_banks SET title = $3, questions = $4, revision = revision + 1, retired_at = NULL
          WHERE guild_id = $1 AND slug = $2",
        lock.guild().get(),
        slug,
        bank.title,
        questions,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Retires a bank.
pub(crate) async fn bank_retire(
    conn: &mut PgConnection,
    lock: &CatalogueLock,
    slug: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE learning.question_banks SET retired_at = coalesce(retired_at, now()), revision = revision + 1
          WHERE guild_id = $1 AND slug = $2",
        lock.guild().get(),
        slug,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Published quests that draw from a bank, and whether it was another one when they were published.
pub(crate) async fn bank_uses(
    conn: &mut PgConnection,
    guild: GuildId,
    slug: &str,
) -> Result<Vec<BankUse>, Error> {
    Ok(sqlx::query_as!(
        BankUse,
        r#"SELECT q.id AS "quest_id: QuestId", q.slug, v.snapshot->'banks'->$2 IS DISTINCT FROM b.questions AS "behind!"
             FROM learning.quests q
             JOIN learning.quest_versions v ON v.guild_id = q.guild_id AND v.quest_id = q.id AND v.version = q.current_version
             JOIN learning.question_banks b ON b.guild_id = q.guild_id AND b.slug = $2
            WHERE q.guild_id = $1 AND q.is_active AND v.snapshot->'banks'->$2 IS NOT NULL ORDER BY q.slug"#,
        guild.get(),
        slug,
    )
    .fetch_all(conn)
    .await?)
}

/// The guild's banks by their short names.
pub(crate) async fn bank_list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<String>,
    limit: i64,
) -> Result<Vec<BankSummary>, Error> {
    Ok(sqlx::query_as!(
        BankSummary,
        r#"SELECT slug, title, jsonb_array_length(questions) AS "questions!", revision, retired_at FROM learning.question_banks
            WHERE guild_id = $1 AND ($2::text IS NULL OR slug > $2) ORDER BY slug LIMIT $3"#,
        guild.get(),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?)
}
