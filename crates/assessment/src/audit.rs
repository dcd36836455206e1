//! Grades re-derived from what they follow from.

use access::weekly::{Audit, Figure};
use jobs::schedule::JobError;
use kernel::GuildId;
use sqlx::PgConnection;
use uuid::Uuid;

/// The slice's audit. Nothing is mended by itself: a grade that is wrong is for people to look at.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| Box::pin(async move { drift(conn, guild).await.map_err(JobError::Database) }),
    weekly: None,
};

struct Row {
    guild_id: GuildId,
    what: String,
    id: Uuid,
    stored: String,
    derived: String,
}

/// All figures that differ, of one guild or of all; empty when all is well.
///
/// * A grade before any penalty: what its half points by criterion come to, by the rubric of its version.
/// * A grade: that, less the late policy's penalty.
/// * Half points of a grade by peers: the medians of as many visible reviews as were counted; where a review is gone or was hidden since,
///   nobody can tell any more.
/// * The last entry of a grade's history: the grade.
/// * A submission for an assessment that passes: the assessment is passed; and what is passed was passed by something.
/// * Reviews written by a learner: not fewer than there are.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Figure>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH graded AS (
               SELECT s.*, d.review
                 FROM assessment.quest_submissions s
                 JOIN learning.quest_versions v ON v.guild_id = s.guild_id AND v.quest_id = s.quest_id AND v.version = s.version
                 LEFT JOIN assessment.quest_assessments a ON a.guild_id = s.guild_id AND a.id = s.assessment_id
                CROSS JOIN LATERAL (
                      SELECT CASE WHEN s.step_id IS NOT NULL
                             THEN (SELECT p.part->'submission' FROM jsonb_array_elements(v.snapshot->'quest'->'steps') AS p (part)
                                    WHERE (v.snapshot->'steps'->>(p.part->>'slug'))::uuid = s.step_id)
                             ELSE (SELECT p.part->'review' FROM jsonb_array_elements(v.snapshot->'quest'->'assessments') AS p (part)
                                    WHERE p.part->>'slug' = a.slug) END AS review) d
                WHERE s.status = 'graded' AND ($1::bigint IS NULL OR s.guild_id = $1)
           ), points AS (
               SELECT s.guild_id, s.id,
                      sum(coalesce((s.scores->>(c.one->>'slug'))::numeric, 0)) AS reached, sum((c.one->>'points')::numeric * 2) AS full_points
                 FROM graded s CROSS JOIN LATERAL jsonb_array_elements(s.review->'rubric') AS c (one)
                WHERE s.scores IS NOT NULL GROUP BY s.guild_id, s.id
           ), reviews AS (
               SELECT s.guild_id, s.id, c.criterion AS slug, count(*) AS reviews,
                      (percentile_cont(0.5) WITHIN GROUP (ORDER BY c.points::numeric::double precision) * 2)::int AS halves
                 FROM graded s
                 JOIN assessment.peer_review_assignments a ON a.guild_id = s.guild_id AND a.submission_id = s.id
                 JOIN assessment.submission_reviews r ON r.guild_id = a.guild_id AND r.assignment_id = a.id AND r.hidden_at IS NULL
                CROSS JOIN LATERAL jsonb_each_text(r.scores) AS c (criterion, points)
                WHERE s.reviews_counted > 0 GROUP BY s.guild_id, s.id, c.criterion
           ), last AS (
               SELECT DISTINCT ON (h.guild_id, h.submission_id) h.guild_id, h.submission_id, h.new_grade
                 FROM assessment.grade_history h
                WHERE h.submission_id IS NOT NULL AND ($1::bigint IS NULL OR h.guild_id = $1)
                ORDER BY h.guild_id, h.submission_id, h.id DESC
           )
           SELECT guild_id AS "guild_id!: GuildId", what AS "what!", id AS "id!", stored AS "stored!", derived AS "derived!" FROM (
               SELECT s.guild_id, 'grade before penalties of submission' AS what, s.id, s.raw_grade::text AS stored,
                      (div(p.reached * 10000, p.full_points) / 100)::numeric(5,2)::text AS derived
                 FROM graded s JOIN points p ON p.guild_id = s.guild_id AND p.id = s.id
               UNION ALL
               SELECT s.guild_id, 'grade of submission', s.id, s.grade::text,
                      greatest(0, s.raw_grade - ceil(s.late_seconds / 86400.0)
                                  * coalesce((s.review->>'late_percent_per_day')::numeric, 0))::numeric(5,2)::text
                 FROM graded s
               UNION ALL
               SELECT s.guild_id, 'median of ' || r.slug || ' of submission', s.id, s.scores->>r.slug, r.halves::text
                 FROM graded s JOIN reviews r ON r.guild_id = s.guild_id AND r.id = s.id AND r.reviews = s.reviews_counted
               UNION ALL
               SELECT s.guild_id, 'history of submission', s.id, s.grade::text, coalesce(l.new_grade::numeric(5,2)::text, 'none')
                 FROM graded s LEFT JOIN last l ON l.guild_id = s.guild_id AND l.submission_id = s.id
               UNION ALL
               SELECT s.guild_id, 'assessment passed by submission', s.id, 'not passed', 'passed'
                 FROM graded s
                 JOIN learning.user_quest_attempts t ON t.guild_id = s.guild_id AND t.id = s.attempt_id
                 JOIN learning.quest_versions v ON v.guild_id = t.guild_id AND v.quest_id = t.quest_id AND v.version = t.version
                 JOIN assessment.quest_assessments a ON a.guild_id = s.guild_id AND a.id = s.assessment_id
                WHERE s.is_passed
                  AND jsonb_path_exists(v.snapshot, '$.quest.assessments[*] ? (@.slug == $slug)', jsonb_build_object('slug', a.slug))
                  AND NOT EXISTS (SELECT FROM learning.user_assessment_progress p
                                   WHERE p.guild_id = s.guild_id AND p.attempt_id = s.attempt_id
                                     AND p.assessment_id = s.assessment_id AND p.passed_at IS NOT NULL)
               UNION ALL
               SELECT p.guild_id, 'assessment ' || p.slug || ' of attempt', p.attempt_id, 'passed', 'nothing ever passed'
                 FROM learning.user_assessment_progress p
                WHERE p.passed_at IS NOT NULL AND ($1::bigint IS NULL OR p.guild_id = $1)
                  AND NOT EXISTS (SELECT FROM learning.item_tries t
                                   WHERE t.guild_id = p.guild_id AND t.attempt_id = p.attempt_id AND t.assessment_id = p.assessment_id
                                     AND t.is_passed)
                  AND NOT EXISTS (SELECT FROM assessment.quest_submissions s
                                    JOIN assessment.grade_history h ON h.guild_id = s.guild_id AND h.submission_id = s.id
                                   WHERE s.guild_id = p.guild_id AND s.attempt_id = p.attempt_id AND s.assessment_id = p.assessment_id
                                     AND h.new_is_passed)
               UNION ALL
               SELECT d.guild_id, 'reviews written of learner', d.reviewer_id, d.written::text, w.written::text
                 FROM assessment.review_debts d
                CROSS JOIN LATERAL (
                      SELECT count(*) AS written FROM assessment.peer_review_assignments a
                        JOIN assessment.quest_submissions s ON s.guild_id = a.guild_id AND s.id = a.submission_id
                       WHERE a.guild_id = d.guild_id AND a.reviewer_id = d.reviewer_id AND s.assessment_id = d.assessment_id
                         AND a.status = 'completed') w
                WHERE ($1::bigint IS NULL OR d.guild_id = $1) AND w.written > d.written
           ) figures
            WHERE stored IS DISTINCT FROM derived ORDER BY 1, 2, 3"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Figure {
            guild_id: row.guild_id,
            what: format!("{} {}", row.what, row.id),
            stored: row.stored,
            derived: row.derived,
        })
        .collect())
}
