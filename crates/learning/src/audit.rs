//! Progress, percentages, grants and unlocks re-derived from what they follow from.

use access::weekly::{Audit, Figure};
use jobs::schedule::JobError;
use kernel::GuildId;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::graph::Graph;

/// A figure that is not what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// Which figure, of what.
    pub what: String,
    /// As stored.
    pub stored: String,
    /// As derived.
    pub derived: String,
}

/// The slice's audit. Nothing is mended by itself: what is wrong of somebody's learning is for people to look at.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            let found = drift(conn, guild).await.map_err(failed)?;
            Ok(found.into_iter().map(Drift::told).collect())
        })
    },
    weekly: None,
};

/// What went wrong, for the job.
fn failed(error: Error) -> JobError {
    match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    }
}

impl Drift {
    /// In words that fit every slice.
    fn told(self) -> Figure {
        Figure { guild_id: self.guild_id, what: self.what, stored: self.stored, derived: self.derived }
    }
}

struct Row {
    guild_id: GuildId,
    what: String,
    id: Uuid,
    stored: String,
    derived: String,
}

/// All figures that differ, of one guild or of all; empty when all is well.
///
/// * What is done of an attempt: its steps that are completed, and assessments that are passed, and count in its version.
/// * Whether an attempt is completed: the event of it was written, once.
/// * XP of an attempt: its grants.
/// * What completed a step elsewhere has happened there, as far as that is still kept.
/// * A completed step, quest, chapter or path has its grant.
/// * Tries used: the tries there are. Score of a try: that of its answers.
/// * What is done of a path: its mandatory quests that are completed, unless it was completed before it changed.
/// * Files that a version keeps: those that its snapshot names.
/// * What is published can be opened by somebody.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, Error> {
    let figures = figures(&mut *conn, guild).await?;
    let drift = |row: Row| Drift {
        guild_id: row.guild_id,
        what: format!("{} {}", row.what, row.id),
        stored: row.stored,
        derived: row.derived,
    };
    let mut all: Vec<Drift> = figures.into_iter().map(drift).collect();
    all.extend(unreachable(conn, guild).await?);
    Ok(all)
}

#[expect(clippy::too_many_lines, reason = "one statement, a part for each figure")]
async fn figures(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH attempts AS (
               SELECT a.*, v.snapshot FROM learning.user_quest_attempts a
                 JOIN learning.quest_versions v ON v.guild_id = a.guild_id AND v.quest_id = a.quest_id AND v.version = a.version
                WHERE $1::bigint IS NULL OR a.guild_id = $1
           ), parts AS (
               SELECT a.guild_id, a.id, coalesce(p.status = 'Completed', false) AS is_done
                 FROM attempts a
                CROSS JOIN LATERAL jsonb_array_elements(a.snapshot->'quest'->'steps') AS s (step)
                 LEFT JOIN learning.user_quest_step_progress p
                        ON p.guild_id = a.guild_id AND p.attempt_id = a.id
                       AND p.step_id = (a.snapshot->'steps'->>(s.step->>'slug'))::uuid
                WHERE NOT coalesce((s.step->>'optional')::boolean, false)
               UNION ALL
               SELECT a.guild_id, a.id, p.passed_at IS NOT NULL
                 FROM attempts a
                CROSS JOIN LATERAL jsonb_array_elements(a.snapshot->'quest'->'assessments') AS s (assessment)
                 LEFT JOIN learning.user_assessment_progress p
                        ON p.guild_id = a.guild_id AND p.attempt_id = a.id AND p.slug = s.assessment->>'slug'
                WHERE NOT coalesce((s.assessment->>'optional')::boolean, false)
                  AND NOT coalesce((s.assessment->>'test_out')::boolean, false)
           ), counted AS (
               SELECT guild_id, id, count(*) AS total, count(*) FILTER (WHERE is_done) AS done FROM parts GROUP BY guild_id, id
           ), finished AS (
               SELECT guild_id, attempt_id, count(*) AS times FROM learning.attempt_events
                WHERE event_type = 'quest_completed' AND ($1::bigint IS NULL OR guild_id = $1) GROUP BY guild_id, attempt_id
           ), earned AS (
               SELECT guild_id, attempt_id, sum(experience_points) AS xp FROM learning.reward_grants
                WHERE attempt_id IS NOT NULL AND ($1::bigint IS NULL OR guild_id = $1) GROUP BY guild_id, attempt_id
           ), tries AS (
               SELECT guild_id, attempt_id, step_id, count(*) AS tries FROM learning.item_tries
                WHERE step_id IS NOT NULL AND ($1::bigint IS NULL OR guild_id = $1) GROUP BY guild_id, attempt_id, step_id
           ), scores AS (
               SELECT r.guild_id, r.try_id, sum(r.score) AS score, sum(r.max_score) AS full_score FROM learning.item_responses r
                WHERE $1::bigint IS NULL OR r.guild_id = $1 GROUP BY r.guild_id, r.try_id
           )
           SELECT guild_id AS "guild_id!: GuildId", what AS "what!", id AS "id!", stored AS "stored!", derived AS "derived!" FROM (
               SELECT a.guild_id, 'done of attempt' AS what, a.id, a.done_count || ' of ' || a.total_count AS stored,
                      CASE WHEN a.status = 'Completed' THEN c.total ELSE c.done END || ' of ' || c.total AS derived
                 FROM attempts a JOIN counted c ON c.guild_id = a.guild_id AND c.id = a.id
               UNION ALL
               SELECT a.guild_id, 'completions of attempt', a.id, (a.status = 'Completed')::int::text, coalesce(f.times, 0)::text
                 FROM attempts a LEFT JOIN finished f ON f.guild_id = a.guild_id AND f.attempt_id = a.id
               UNION ALL
               SELECT a.guild_id, 'XP of attempt', a.id, a.total_experience_earned::text, coalesce(e.xp, 0)::text
                 FROM attempts a LEFT JOIN earned e ON e.guild_id = a.guild_id AND e.attempt_id = a.id
               UNION ALL
               SELECT a.guild_id, 'grant for the quest of attempt', a.id, 'none', 'one' FROM attempts a
                WHERE a.status = 'Completed' AND NOT EXISTS (
                      SELECT FROM learning.reward_grants g WHERE g.guild_id = a.guild_id AND g.auth_user_id = a.auth_user_id
                         AND g.source_type = 'quest' AND g.source_id = a.quest_id)
               UNION ALL
               SELECT p.guild_id, 'grant for a step of attempt', p.attempt_id, 'none', 'one'
                 FROM learning.user_quest_step_progress p JOIN attempts a ON a.guild_id = p.guild_id AND a.id = p.attempt_id
                WHERE p.status = 'Completed' AND NOT EXISTS (
                      SELECT FROM learning.reward_grants g WHERE g.guild_id = a.guild_id AND g.auth_user_id = a.auth_user_id
                         AND g.source_type = 'step' AND g.source_id = p.step_id)
               UNION ALL
               SELECT p.guild_id, 'grant for chapter', p.chapter_id, 'none', 'one' FROM learning.user_chapter_progress p
                WHERE ($1::bigint IS NULL OR p.guild_id = $1) AND p.status = 'Completed' AND NOT EXISTS (
                      SELECT FROM learning.reward_grants g WHERE g.guild_id = p.guild_id AND g.auth_user_id = p.auth_user_id
                         AND g.source_type = 'chapter' AND g.source_id = p.chapter_id)
               UNION ALL
               SELECT p.guild_id, 'grant for path', p.learning_path_id, 'none', 'one' FROM learning.user_learning_path_progress p
                WHERE ($1::bigint IS NULL OR p.guild_id = $1) AND p.status = 'Completed' AND NOT EXISTS (
                      SELECT FROM learning.reward_grants g WHERE g.guild_id = p.guild_id AND g.auth_user_id = p.auth_user_id
                         AND g.source_type = 'path' AND g.source_id = p.learning_path_id)
               UNION ALL
               -- What was completed elsewhere has happened there. The lake keeps its events for 90 days.
               SELECT p.guild_id, 'step completed elsewhere in attempt', p.attempt_id, 'completed', 'nothing of it'
                 FROM learning.user_quest_step_progress p
                 JOIN attempts a ON a.guild_id = p.guild_id AND a.id = p.attempt_id
                 JOIN learning.learners l ON l.guild_id = a.guild_id AND l.auth_user_id = a.auth_user_id
                WHERE p.status = 'Completed' AND p.submission_data->'elsewhere' IS NOT NULL
                  AND p.completed_at > now() - interval '60 days' AND a.started_at > now() - interval '80 days'
                  AND NOT learning.has_happened(a.guild_id, l.user_id, p.submission_data->'elsewhere', a.started_at)
                  AND NOT EXISTS (SELECT FROM progress.user_achievements r
                                   WHERE r.guild_id = a.guild_id AND r.user_id = l.user_id AND r.revoked_at IS NOT NULL
                                     AND r.achievement_id = (p.submission_data->'elsewhere'->>'achievement')::int)
               UNION ALL
               SELECT t.guild_id, 'tries in attempt', t.attempt_id, coalesce(p.attempts_count, 0)::text, t.tries::text
                 FROM tries t LEFT JOIN learning.user_quest_step_progress p
                   ON p.guild_id = t.guild_id AND p.attempt_id = t.attempt_id AND p.step_id = t.step_id
                 JOIN attempts a ON a.guild_id = t.guild_id AND a.id = t.attempt_id AND a.restarts = 0
               UNION ALL
               SELECT s.guild_id, 'score of try', s.try_id, t.score || ' of ' || t.max_score, s.score || ' of ' || s.full_score
                 FROM scores s JOIN learning.item_tries t ON t.guild_id = s.guild_id AND t.id = s.try_id
               UNION ALL
               SELECT p.guild_id, 'done of path', p.learning_path_id, p.completed_quests_count || ' of ' || p.total_quests_count,
                      d.done || ' of ' || d.total
                 FROM learning.user_learning_path_progress p
                 JOIN learning.learning_paths w ON w.guild_id = p.guild_id AND w.id = p.learning_path_id
                CROSS JOIN LATERAL (
                      SELECT count(*) AS total, count(*) FILTER (WHERE a.status = 'Completed') AS done
                        FROM learning.learning_path_quests l
                        JOIN learning.quests q ON q.guild_id = l.guild_id AND q.id = l.quest_id AND q.is_active
                        LEFT JOIN learning.user_quest_attempts a
                               ON a.guild_id = l.guild_id AND a.quest_id = l.quest_id AND a.auth_user_id = p.auth_user_id
                       WHERE l.guild_id = p.guild_id AND l.learning_path_id = p.learning_path_id AND l.is_mandatory) d
                WHERE ($1::bigint IS NULL OR p.guild_id = $1) AND w.is_published AND p.membership_epoch = w.membership_epoch
                  AND p.status <> 'Completed'
               UNION ALL
               SELECT v.guild_id, 'files of version ' || v.version || ' of quest', v.quest_id,
                      coalesce((SELECT string_agg(f.name || ' ' || encode(f.sha256, 'hex'), ', ' ORDER BY f.name COLLATE "C")
                                  FROM learning.quest_version_files f
                                 WHERE f.guild_id = v.guild_id AND f.quest_id = v.quest_id AND f.version = v.version), 'none'),
                      coalesce((SELECT string_agg(d.name || ' ' || (d.file->>'sha256'), ', ' ORDER BY d.name COLLATE "C")
                                  FROM jsonb_each(v.snapshot->'quest'->'files') AS d (name, file)), 'none')
                 FROM learning.quest_versions v WHERE $1::bigint IS NULL OR v.guild_id = $1
           ) figures
            WHERE stored <> derived ORDER BY 1, 2, 3"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Published quests that nobody could ever open: there should be none.
async fn unreachable(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, Error> {
    let guilds = sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild: GuildId" FROM learning.catalogues WHERE $1::bigint IS NULL OR guild_id = $1 ORDER BY 1"#,
        guild.map(GuildId::get),
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut all = Vec::new();
    for guild in guilds {
        let graph = Graph::load(&mut *conn, guild).await?;
        if let Err(Error::Unreachable(faults)) = crate::ops::reachable(&graph) {
            all.extend(faults.into_iter().map(|fault| Drift {
                guild_id: guild,
                what: format!("quest {}", fault.field),
                stored: "published".to_owned(),
                derived: fault.message,
            }));
        }
    }
    Ok(all)
}
