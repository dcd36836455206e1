//! A guild's published quests, chapters and paths, for the graph.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use kernel::GuildId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::graph::{Chapter, Path, Quest, Source, SourceEntry};
use crate::ids::{ChapterId, PathId, QuestId};
use crate::model::quest::{Difficulty, QuestType};
use crate::rules::unlock::{Condition, Rule};

/// The revision of what the guild offers; none where nothing was ever published.
pub(crate) async fn revision_get(conn: &mut PgConnection, guild: GuildId) -> Result<Option<Uuid>, Error> {
    Ok(sqlx::query_scalar!("SELECT revision FROM learning.catalogues WHERE guild_id = $1", guild.get())
        .fetch_optional(conn)
        .await?)
}

fn rule(value: Option<Value>) -> Result<Option<Rule>, Error> {
    value
        .map(|value| serde_json::from_value(value).map_err(|error| Error::Corrupt("a rule", error)))
        .transpose()
}

/// Loads everything that the graph is made of.
pub(crate) async fn graph_load(conn: &mut PgConnection, guild: GuildId) -> Result<Source, Error> {
    let mut source = Source::default();
    quests(&mut *conn, guild, &mut source).await?;
    paths(&mut *conn, guild, &mut source).await?;
    source.days = days(conn, &source).await?;
    Ok(source)
}

async fn quests(conn: &mut PgConnection, guild: GuildId, source: &mut Source) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"SELECT q.id AS "id: QuestId", q.slug, q.title, q.quest_type AS "quest_type: QuestType",
                  q.difficulty_level AS "difficulty: Difficulty", q.estimated_duration_minutes, q.experience_points_reward,
                  q.current_version AS "version!", q.unlock_criteria, q.is_active,
                  (SELECT coalesce(jsonb_object_agg(s.slug, k.skill_points), '{}') FROM learning.quest_skills k
                     JOIN community.skills s ON s.guild_id = k.guild_id AND s.id = k.skill_id
                    WHERE k.guild_id = q.guild_id AND k.quest_id = q.id) AS "skills!",
                  ARRAY(SELECT r.slug FROM learning.quest_prerequisites p
                          JOIN learning.quests r ON r.guild_id = p.guild_id AND r.id = p.prerequisite_quest_id
                         WHERE p.guild_id = q.guild_id AND p.quest_id = q.id ORDER BY r.slug) AS "requires!"
             FROM learning.quests q
            WHERE q.guild_id = $1 AND q.current_version IS NOT NULL ORDER BY q.id"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        if !row.is_active {
            source.retired.push((row.slug, row.id));
            continue;
        }
        let skills: BTreeMap<String, i32> =
            serde_json::from_value(row.skills).map_err(|error| Error::Corrupt("a quest's skills", error))?;
        let quest = Quest {
            id: row.id,
            slug: row.slug,
            title: row.title,
            quest_type: row.quest_type,
            difficulty: row.difficulty,
            estimated_minutes: row.estimated_duration_minutes,
            experience_points: row.experience_points_reward,
            skills,
            version: row.version,
            condition: Condition::ALWAYS,
        };
        source.quests.push((quest, rule(row.unlock_criteria)?, row.requires));
    }
    Ok(())
}

async fn paths(conn: &mut PgConnection, guild: GuildId, source: &mut Source) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: PathId", slug, name, experience_points_reward, membership_epoch, unlock_criteria, timezone
             FROM learning.learning_paths WHERE guild_id = $1 AND is_published ORDER BY id"#,
        guild.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut places = HashMap::new();
    for row in rows {
        places.insert(row.id, source.paths.len());
        let path = Path {
            id: row.id,
            slug: row.slug,
            name: row.name,
            mandatory: Vec::new(),
            entries: Vec::new(),
            chapters: Vec::new(),
            experience_points: row.experience_points_reward,
            epoch: row.membership_epoch,
        };
        source.paths.push((path, rule(row.unlock_criteria)?, row.timezone));
    }
    // An end date is inclusive: the chapter closes as the next local day begins.
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: ChapterId", c.learning_path_id AS "path: PathId", c.slug, c.title, c.experience_points_reward,
                  c.unlock_criteria, (c.start_date::timestamp AT TIME ZONE p.timezone) AS opens_at,
                  ((c.end_date + 1)::timestamp AT TIME ZONE p.timezone) AS closes_at
             FROM learning.quest_chapters c
             JOIN learning.learning_paths p ON p.guild_id = c.guild_id AND p.id = c.learning_path_id
            WHERE c.guild_id = $1 AND p.is_published AND c.retired_at IS NULL ORDER BY c.learning_path_id, c.sequence"#,
        guild.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let Some(&path) = places.get(&row.path) else { continue };
        let chapter = Chapter {
            id: row.id,
            slug: row.slug,
            title: row.title,
            path,
            mandatory: Vec::new(),
            experience_points: row.experience_points_reward,
            opens_at: row.opens_at,
            closes_at: row.closes_at,
        };
        source.chapters.push((chapter, rule(row.unlock_criteria)?));
    }
    let rows = sqlx::query!(
        r#"SELECT l.learning_path_id AS "path: PathId", l.quest_id AS "quest: QuestId", l.chapter_id AS "chapter: ChapterId",
                  l.is_mandatory, l.difficulty_level AS "difficulty: Difficulty", l.unlock_criteria
             FROM learning.learning_path_quests l WHERE l.guild_id = $1
            ORDER BY l.learning_path_id, l.sequence_order"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let Some(&path) = places.get(&row.path) else { continue };
        source.entries.push(SourceEntry {
            path,
            quest: row.quest,
            chapter: row.chapter,
            optional: !row.is_mandatory,
            difficulty: row.difficulty,
            rule: rule(row.unlock_criteria)?,
        });
    }
    Ok(())
}

/// When the days begin that rules name, each in its zone.
async fn days(
    conn: &mut PgConnection,
    source: &Source,
) -> Result<HashMap<(NaiveDate, String), DateTime<Utc>>, Error> {
    let mut wanted: Vec<(NaiveDate, String)> = Vec::new();
    let mut ask = |rule: Option<&Rule>, zone: &str| {
        if let Some(rule) = rule {
            days_of(rule, &mut |day| wanted.push((day, zone.to_owned())));
        }
    };
    for (_, rule, _) in &source.quests {
        ask(rule.as_ref(), "UTC");
    }
    for (_, rule, zone) in &source.paths {
        ask(rule.as_ref(), zone);
    }
    for (chapter, rule) in &source.chapters {
        ask(rule.as_ref(), &source.paths[chapter.path].2);
    }
    for entry in &source.entries {
        ask(entry.rule.as_ref(), &source.paths[entry.path].2);
    }
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    wanted.sort();
    wanted.dedup();
    let (days, zones): (Vec<NaiveDate>, Vec<String>) = wanted.into_iter().unzip();
    let rows = sqlx::query!(
        r#"SELECT d.day AS "day!", d.zone AS "zone!", (d.day::timestamp AT TIME ZONE d.zone) AS "at!"
             FROM unnest($1::date[], $2::text[]) AS d (day, zone)"#,
        &days,
        &zones,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.day, row.zone), row.at)).collect())
}

fn days_of(rule: &Rule, take: &mut dyn FnMut(NaiveDate)) {
    match rule {
        Rule::All(rules) | Rule::Any(rules) => rules.iter().for_each(|rule| days_of(rule, take)),
        Rule::Not(rule) => days_of(rule, take),
        Rule::After(day) => take(*day),
        _ => {}
    }
}
