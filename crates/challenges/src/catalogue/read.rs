//! Challenges as a viewer sees them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::files::PictureSize;
use kernel::{CampaignId, ChallengeId, GuildId, HintId, Page, PageQuery};
use sqlx::PgConnection;
use uuid::Uuid;

use super::files::{self, Attachment, ScriptFile};
use super::languages::{heading, translations_read};
use super::{Authoring, Challenge, ChallengeDraft, HintDraft, Translation, Viewer};
use crate::error::Error;
use crate::model::CampaignFacts;
use crate::rules::{MAX_PARTS, Scoring, points_of, rules_read};
use crate::store::campaign_find;

struct Row {
    id: ChallengeId,
    order_position: i32,
    slug: String,
    title: String,
    description: String,
    part_descriptions: Vec<String>,
    languages: Vec<String>,
    parts: i32,
    released_at: Option<DateTime<Utc>>,
    closes_at: Option<DateTime<Utc>>,
    solve_counts: Vec<i32>,
    solved_parts: Vec<i32>,
    generation_script: String,
    script_version: i32,
    script_updated_at: DateTime<Utc>,
    script_error: Option<String>,
    categories: serde_json::Value,
    difficulty_level: Option<i32>,
    closes_after_minutes: Option<i32>,
    answer_rules: Option<serde_json::Value>,
    checker_script: Option<String>,
    checker_error: Option<String>,
    file_paths: Vec<String>,
    file_attached: Vec<bool>,
    file_bytes: Vec<i32>,
    file_sha256: Vec<String>,
    file_widths: Vec<Option<i32>>,
    file_heights: Vec<Option<i32>>,
}

/// A page of a campaign's challenges in their order; for participants those released, for testers those soon to be.
#[kernel::boxed]
pub async fn challenge_list(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    viewer: &Viewer,
    query: &PageQuery,
) -> Result<Page<Challenge>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let after: i32 = query.after().map_err(Error::Invalid)?.unwrap_or(0);
    let rows = rows(conn, facts, viewer, None, (after, limit.plus_one())).await?;
    let page = Page::new(rows, limit, |row| row.order_position);
    Ok(Page { items: challenges(conn, facts, viewer, page.items).await?, next: page.next })
}

/// All of a campaign's challenges in their order, as authors see them.
#[kernel::boxed]
pub(super) async fn challenges_all(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
) -> sqlx::Result<Vec<Challenge>> {
    let rows = rows(conn, facts, &Viewer::author(), None, (0, i64::MAX)).await?;
    challenges(conn, facts, &Viewer::author(), rows).await
}

/// What the author of a guild's campaign wrote, challenge by challenge in their order.
pub async fn drafts(
    conn: &mut PgConnection,
    guild: GuildId,
    campaign: CampaignId,
) -> Result<Vec<ChallengeDraft>, Error> {
    let facts = campaign_find(conn, guild, campaign).await?;
    Ok(challenges_all(conn, &facts).await?.iter().map(Challenge::draft).collect())
}

/// One challenge, if this viewer may know of it.
#[kernel::boxed]
pub async fn challenge_get(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    viewer: &Viewer,
    id: ChallengeId,
) -> Result<Challenge, Error> {
    let rows = rows(conn, facts, viewer, Some(id), (0, 1)).await?;
    challenges(conn, facts, viewer, rows).await?.pop().ok_or(Error::NotFound("challenge"))
}

async fn rows(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    viewer: &Viewer,
    id: Option<ChallengeId>,
    (after, count): (i32, i64),
) -> sqlx::Result<Vec<Row>> {
    // Testers see what is released up to this instant by the timetable.
    let ahead = chrono::TimeDelta::minutes(facts.early_access_minutes.into());
    let early = (viewer.acting.is_tester() && facts.open_to_testers(1, facts.now)).then(|| facts.now + ahead);
    sqlx::query_as!(
        Row,
        r#"SELECT ch.id AS "id: ChallengeId", ch.order_position, ch.slug, ch.title, ch.description, ch.part_descriptions, ch.parts,
                  ch.language || ARRAY(SELECT t.language FROM challenges.challenge_translations t
                        WHERE t.guild_id = ch.guild_id AND t.challenge_id = ch.id ORDER BY t.language) AS "languages!",
                  ch.released_at, ch.closes_at,
                  ARRAY(SELECT CASE WHEN $6::timestamptz IS NULL THEN p.solve_count ELSE coalesce(
                            (SELECT s.solve_position FROM challenges.challenge_submissions s
                             WHERE s.guild_id = p.guild_id AND s.challenge_id = p.challenge_id AND s.part = p.part AND s.is_correct
                               AND s.solve_position > 0 AND s.submission_timestamp < $6
                             ORDER BY s.solve_position DESC LIMIT 1), 0) END
                        FROM challenges.challenge_parts p WHERE p.guild_id = ch.guild_id AND p.challenge_id = ch.id ORDER BY p.part) AS "solve_counts!",
                  ARRAY(SELECT s.part FROM challenges.challenge_submissions s
                        WHERE s.guild_id = ch.guild_id AND s.challenge_id = ch.id AND s.participant_id = $7 AND s.is_correct
                        ORDER BY s.part) AS "solved_parts!",
                  CASE WHEN $4 THEN ch.generation_script ELSE '' END AS "generation_script!", ch.script_version,
                  ch.script_updated_at,
                  CASE WHEN ch.script_failed_version = ch.script_version THEN ch.script_error END AS script_error,
                  ch.categories, ch.difficulty_level, ch.closes_after_minutes, ch.answer_rules,
                  CASE WHEN $4 THEN ch.checker_script END AS checker_script,
                  CASE WHEN ch.checker_failed_version = ch.checker_version THEN ch.checker_error END AS checker_error,
                  f.paths AS "file_paths!", f.attached AS "file_attached!", f.bytes AS "file_bytes!", f.sha256 AS "file_sha256!",
                  f.widths AS "file_widths!: Vec<Option<i32>>", f.heights AS "file_heights!: Vec<Option<i32>>"
           FROM challenges.challenges ch JOIN campaigns.campaigns c ON c.guild_id = ch.guild_id AND c.id = ch.campaign_id
           -- Attachments, and for authors also what scripts find.
           CROSS JOIN LATERAL (
               SELECT coalesce(array_agg(f.path ORDER BY f.kind, f.path), '{}') AS paths,
                      coalesce(array_agg(f.kind = 'attachment' ORDER BY f.kind, f.path), '{}') AS attached,
                      coalesce(array_agg(octet_length(f.content) ORDER BY f.kind, f.path), '{}') AS bytes,
                      coalesce(array_agg(CASE WHEN $4 THEN encode(sha256(f.content), 'hex') ELSE '' END ORDER BY f.kind, f.path), '{}')
                          AS sha256,
                      coalesce(array_agg(f.width ORDER BY f.kind, f.path), '{}') AS widths,
                      coalesce(array_agg(f.height ORDER BY f.kind, f.path), '{}') AS heights
               FROM challenges.challenge_files f
               WHERE f.guild_id = ch.guild_id AND f.challenge_id = ch.id AND ($4 OR f.kind = 'attachment')) f
           WHERE ch.guild_id = $10 AND ch.campaign_id = $1 AND ($2::uuid IS NULL OR ch.guild_id = $10 AND ch.id = $2) AND ch.order_position > $3
             AND ($4 OR ch.released_at <= $8
                  OR c.start_time + (ch.order_position - 1) * make_interval(mins => c.release_delay_minutes) <= $5)
           ORDER BY ch.order_position LIMIT $9"#,
        facts.id.get(),
        id.map(ChallengeId::get),
        after,
        viewer.admin,
        early,
        viewer.view.horizon(),
        viewer.participant_id(),
        facts.now,
        count,
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await
}

async fn challenges(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    viewer: &Viewer,
    rows: Vec<Row>,
) -> sqlx::Result<Vec<Challenge>> {
    let mut hints = if viewer.admin {
        hints(conn, facts.guild_id, &rows.iter().map(|row| row.id.get()).collect::<Vec<_>>()).await?
    } else {
        HashMap::new()
    };
    let languages: Vec<Vec<String>> = rows.iter().map(|row| row.languages.clone()).collect();
    let chosen: Vec<&str> = languages.iter().map(|languages| viewer.reading.chosen(languages)).collect();
    // Authors get all that is told, readers what they read.
    let wanted: Vec<(ChallengeId, Option<&str>)> = rows
        .iter()
        .zip(&chosen)
        .filter(|(row, chosen)| row.languages.len() > 1 && (viewer.admin || row.languages[0] != **chosen))
        .map(|(row, chosen)| (row.id, (!viewer.admin).then_some(*chosen)))
        .collect();
    let mut translations = translations_read(conn, facts.guild_id, &wanted).await?;
    let challenges = rows.into_iter().zip(chosen).map(|(mut row, language)| {
        let hints = hints.remove(&row.id).unwrap_or_default();
        let files = files::shown(facts, row.id, row.files());
        let translations = translations.remove(&row.id).unwrap_or_default();
        if let Some(translation) = translations.iter().find(|translation| translation.language == language) {
            row.tell_in(translation);
        }
        challenge(facts, viewer, row, (language.to_owned(), translations), hints, files)
    });
    Ok(challenges.collect())
}

impl Row {
    /// Puts its texts into another language.
    fn tell_in(&mut self, translation: &Translation) {
        let title = translation.title.as_deref().or_else(|| heading(&translation.description));
        self.title = title.unwrap_or(&self.title).to_owned();
        self.description.clone_from(&translation.description);
        self.part_descriptions.clone_from(&translation.part_descriptions);
    }

    /// Takes out its files.
    fn files(&mut self) -> Vec<files::Listed> {
        let paths = std::mem::take(&mut self.file_paths).into_iter();
        let rest = self.file_attached.iter().zip(&self.file_bytes).zip(std::mem::take(&mut self.file_sha256));
        let side = |side: &Option<i32>| side.and_then(|side| u32::try_from(side).ok());
        let sizes = self.file_widths.iter().map(side).zip(self.file_heights.iter().map(side));
        let listed =
            paths.zip(rest).zip(sizes).map(|((path, ((attachment, bytes), sha256)), (width, height))| {
                let picture = width.zip(height).map(|(width, height)| PictureSize { width, height });
                files::Listed { attachment: *attachment, path, bytes: *bytes, sha256, picture }
            });
        listed.collect()
    }

    /// The texts of the parts that who has solved so much may read: each opens with the one before it.
    fn open_texts(&self) -> Vec<String> {
        let solved = (1..=MAX_PARTS).take_while(|part| self.solved_parts.contains(part)).count();
        self.part_descriptions.iter().take(solved).cloned().collect()
    }
}

fn challenge(
    facts: &CampaignFacts,
    viewer: &Viewer,
    row: Row,
    (language, translations): (String, Vec<Translation>),
    hints: Vec<HintDraft>,
    (attachments, files): (Vec<Attachment>, Vec<ScriptFile>),
) -> Challenge {
    let sees_all = viewer.admin || viewer.acting.is_tester();
    let part_descriptions = if sees_all { row.part_descriptions.clone() } else { row.open_texts() };
    let answers = rules_read(row.answer_rules);
    let points = match facts.scoring {
        Scoring::PointBased => {
            (1..=row.parts).map(|part| points_of(&answers, part, facts.starting_points)).collect()
        }
        Scoring::TimeBased => Vec::new(),
    };
    let authoring = viewer.admin.then(|| Authoring {
        generation_script: row.generation_script,
        script_version: row.script_version,
        script_updated_at: row.script_updated_at,
        script_error: row.script_error,
        categories: serde_json::from_value(row.categories).unwrap_or_default(),
        difficulty_level: row.difficulty_level,
        closes_after_minutes: row.closes_after_minutes,
        answers,
        checker_script: row.checker_script,
        checker_error: row.checker_error,
        hints,
        translations,
        files,
    });
    Challenge {
        id: row.id,
        campaign_id: facts.id,
        position: row.order_position,
        slug: row.slug,
        title: row.title,
        description: row.description,
        part_descriptions,
        language,
        languages: row.languages,
        parts: row.parts,
        released_at: row.released_at,
        closes_at: row.closes_at,
        solve_counts: row.solve_counts,
        points,
        solved_parts: row.solved_parts,
        attachments,
        authoring,
    }
}

/// Hints of these challenges, in their order.
async fn hints(
    conn: &mut PgConnection,
    guild: GuildId,
    challenges: &[Uuid],
) -> sqlx::Result<HashMap<ChallengeId, Vec<HintDraft>>> {
    let rows = sqlx::query!(
        r#"SELECT challenge_id AS "challenge_id: ChallengeId", id AS "id: HintId", body, part, cost_bytes, penalty
           FROM challenges.challenge_hints WHERE guild_id = $2 AND challenge_id = ANY ($1) ORDER BY challenge_id, position"#,
        challenges,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    let mut hints = HashMap::<ChallengeId, Vec<HintDraft>>::new();
    for row in rows {
        hints.entry(row.challenge_id).or_default().push(HintDraft {
            id: Some(row.id),
            body: row.body,
            part: row.part,
            cost_bytes: row.cost_bytes,
            penalty: row.penalty,
        });
    }
    Ok(hints)
}
