//! Questions: analysed, and read.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use learning::ids::QuestId;
use sqlx::PgConnection;
use uuid::Uuid;

/// Takes open subjects, at most so many.
pub(crate) async fn subjects_take(
    conn: &mut PgConnection,
    guild: GuildId,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM insight.open_subjects
          WHERE guild_id = $1
            AND subject_id IN (SELECT o.subject_id FROM insight.open_subjects o WHERE o.guild_id = $1 ORDER BY o.noted_at LIMIT $2)
         RETURNING subject_id",
        guild.get(),
        most,
    )
    .fetch_all(conn)
    .await
}

/// Analyses the questions of steps and assessments anew: the first graded try of each learner, and nothing else. Sums are taken in one order:
/// floating point gives the same only then.
pub(crate) async fn items_make(
    conn: &mut PgConnection,
    guild: GuildId,
    subjects: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH answers AS (DELETE FROM insight.item_answers WHERE guild_id = $1 AND subject_id = ANY ($2))
         DELETE FROM insight.item_figures WHERE guild_id = $1 AND subject_id = ANY ($2)",
        guild.get(),
        subjects
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"WITH firsts AS (
               SELECT DISTINCT ON (t.auth_user_id, coalesce(t.step_id, t.assessment_id)) t.id,
                      coalesce(t.step_id, t.assessment_id) AS subject_id, t.score, t.max_score, t.finished_at
                 FROM learning.item_tries t
                WHERE t.guild_id = $1 AND t.status = 'graded' AND t.max_score > 0
                  AND (t.step_id = ANY ($2) OR t.assessment_id = ANY ($2))
                ORDER BY t.auth_user_id, coalesce(t.step_id, t.assessment_id), t.run, t.try_number, t.id
           ), answers AS MATERIALIZED (
               SELECT f.subject_id, r.item, r.item_hash, f.id, r.answer, f.finished_at, (r.score / r.max_score)::float8 AS x,
                      r.score = r.max_score AS is_right,
                      ((f.score - r.score) / nullif(f.max_score - r.max_score, 0))::float8 AS rest
                 FROM firsts f JOIN learning.item_responses r ON r.guild_id = $1 AND r.try_id = f.id
           ), ranked AS (
               SELECT a.*, row_number() OVER (PARTITION BY subject_id, item, item_hash ORDER BY rest DESC, id) AS from_top,
                      count(rest) OVER (PARTITION BY subject_id, item, item_hash) AS n
                 FROM answers a
           ), figures AS (
               SELECT subject_id, item, item_hash, count(*) AS responses, count(*) FILTER (WHERE answer IS NULL) AS omitted,
                      avg(x ORDER BY id) AS facility, corr(x, rest ORDER BY id) AS discrimination,
                      covar_pop(x, rest ORDER BY id) AS covariance,
                      array_agg(x ORDER BY x) FILTER (WHERE rest IS NOT NULL) AS xs,
                      array_agg(rest ORDER BY rest) FILTER (WHERE rest IS NOT NULL) AS rests,
                      avg(x ORDER BY id) FILTER (WHERE rest IS NOT NULL AND from_top <= ceil(0.27 * n))
                          - avg(x ORDER BY id) FILTER (WHERE rest IS NOT NULL AND from_top > n - ceil(0.27 * n)) AS upper_lower,
                      max(finished_at) AS last_at
                 FROM ranked GROUP BY subject_id, item, item_hash
           ), put AS (
               INSERT INTO insight.item_answers (guild_id, subject_id, item, item_hash, answer, chosen, is_right, mean_rest)
               SELECT $1, subject_id, item, item_hash, coalesce(answer::text, 'null'), count(*), bool_and(is_right), avg(rest ORDER BY id)
                 FROM answers GROUP BY subject_id, item, item_hash, coalesce(answer::text, 'null')
               HAVING count(*) >= 2 AND length(coalesce(answer::text, 'null')) <= 500
           )
           INSERT INTO insight.item_figures (guild_id, subject_id, item, item_hash, responses, omitted, facility, discrimination,
                  efficiency, upper_lower, last_at)
           SELECT $1, subject_id, item, item_hash, responses, omitted, facility, discrimination,
                  covariance / nullif((SELECT covar_pop(u.x, u.rest) FROM unnest(xs, rests) AS u (x, rest)), 0), upper_lower, last_at
             FROM figures"#,
        guild.get(),
        subjects,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A question, as stored.
#[derive(Debug, Clone)]
pub(crate) struct ItemRow {
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) subject: Option<String>,
    pub(crate) item: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) responses: i32,
    pub(crate) omitted: i32,
    pub(crate) facility: f64,
    pub(crate) discrimination: Option<f64>,
    pub(crate) efficiency: Option<f64>,
    pub(crate) upper_lower: Option<f64>,
    pub(crate) last_at: DateTime<Utc>,
}

/// The questions of a quest, step by step, the wording and key that was asked last first.
pub(crate) async fn items_list(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
) -> sqlx::Result<Vec<ItemRow>> {
    sqlx::query_as!(
        ItemRow,
        r#"WITH subjects AS (
               SELECT s.id, s.step_number AS place, s.title FROM learning.quest_steps s WHERE s.guild_id = $1 AND s.quest_id = $2
               UNION ALL
               SELECT DISTINCT p.assessment_id, 1000000, NULL FROM learning.user_quest_attempts a
                 JOIN learning.user_assessment_progress p ON p.guild_id = a.guild_id AND p.attempt_id = a.id
                WHERE a.guild_id = $1 AND a.quest_id = $2)
           SELECT f.subject_id AS "subject_id?", s.title AS subject, f.item, f.item_hash AS hash, f.responses, f.omitted, f.facility, f.discrimination,
                  f.efficiency, f.upper_lower, f.last_at
             FROM subjects s JOIN insight.item_figures f ON f.guild_id = $1 AND f.subject_id = s.id
            ORDER BY s.place, f.subject_id, f.item, f.last_at DESC, f.item_hash"#,
        guild.get(),
        quest.get(),
    )
    .fetch_all(conn)
    .await
}

/// An answer, as stored.
#[derive(Debug, Clone)]
pub(crate) struct AnswerRow {
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) item: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) answer: String,
    pub(crate) chosen: i32,
    pub(crate) is_right: bool,
    pub(crate) mean_rest: Option<f64>,
}

/// The answers that were given at these subjects, the most frequent first.
pub(crate) async fn answers_list(
    conn: &mut PgConnection,
    guild: GuildId,
    subjects: &[Uuid],
) -> sqlx::Result<Vec<AnswerRow>> {
    sqlx::query_as!(
        AnswerRow,
        r#"SELECT subject_id AS "subject_id?", item, item_hash AS hash, answer, chosen, is_right, mean_rest FROM insight.item_answers
            WHERE guild_id = $1 AND subject_id = ANY ($2) ORDER BY chosen DESC, answer"#,
        guild.get(),
        subjects,
    )
    .fetch_all(conn)
    .await
}

/// Whether the guild has this bank.
pub(crate) async fn bank_exists(conn: &mut PgConnection, guild: GuildId, bank: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM learning.question_banks WHERE guild_id = $1 AND slug = $2) AS "there!""#,
        guild.get(),
        bank,
    )
    .fetch_one(conn)
    .await
}

/// The questions of a bank over all quizzes that draw them, by the first time that each learner was asked; the wording and key that was
/// asked last first.
pub(crate) async fn bank_items(
    conn: &mut PgConnection,
    guild: GuildId,
    bank: &str,
) -> sqlx::Result<Vec<ItemRow>> {
    sqlx::query_as!(
        ItemRow,
        r#"WITH answers AS MATERIALIZED (
               SELECT DISTINCT ON (t.auth_user_id, r.item) r.item, r.item_hash, t.id, r.answer, t.finished_at,
                      (r.score / r.max_score)::float8 AS x, ((t.score - r.score) / nullif(t.max_score - r.max_score, 0))::float8 AS rest
                 FROM learning.item_responses r JOIN learning.item_tries t ON t.guild_id = r.guild_id AND t.id = r.try_id
                WHERE r.guild_id = $1 AND r.item LIKE '%/%' AND split_part(r.item, '/', 1) = $2
                  AND t.status = 'graded' AND t.max_score > 0
                ORDER BY t.auth_user_id, r.item, t.finished_at, t.id
           ), ranked AS (
               SELECT a.*, row_number() OVER (PARTITION BY item, item_hash ORDER BY rest DESC, id) AS from_top,
                      count(rest) OVER (PARTITION BY item, item_hash) AS n
                 FROM answers a
           ), figures AS (
               SELECT item, item_hash, count(*)::int AS responses, (count(*) FILTER (WHERE answer IS NULL))::int AS omitted,
                      avg(x ORDER BY id) AS facility, corr(x, rest ORDER BY id) AS discrimination,
                      covar_pop(x, rest ORDER BY id) AS covariance,
                      array_agg(x ORDER BY x) FILTER (WHERE rest IS NOT NULL) AS xs,
                      array_agg(rest ORDER BY rest) FILTER (WHERE rest IS NOT NULL) AS rests,
                      avg(x ORDER BY id) FILTER (WHERE rest IS NOT NULL AND from_top <= ceil(0.27 * n))
                          - avg(x ORDER BY id) FILTER (WHERE rest IS NOT NULL AND from_top > n - ceil(0.27 * n)) AS upper_lower,
                      max(finished_at) AS last_at
                 FROM ranked GROUP BY item, item_hash
           )
           SELECT NULL::uuid AS subject_id, NULL::text AS subject, item, item_hash AS hash, responses AS "responses!", omitted AS "omitted!",
                  facility AS "facility!", discrimination,
                  covariance / nullif((SELECT covar_pop(u.x, u.rest) FROM unnest(xs, rests) AS u (x, rest)), 0) AS efficiency,
                  upper_lower, last_at AS "last_at!"
             FROM figures ORDER BY item, last_at DESC, item_hash"#,
        guild.get(),
        bank,
    )
    .fetch_all(conn)
    .await
}

/// The answers that two learners at least gave to questions of a bank when they were first asked, the most frequent first.
pub(crate) async fn bank_answers(
    conn: &mut PgConnection,
    guild: GuildId,
    bank: &str,
) -> sqlx::Result<Vec<AnswerRow>> {
    sqlx::query_as!(
        AnswerRow,
        r#"WITH answers AS MATERIALIZED (
               SELECT DISTINCT ON (t.auth_user_id, r.item) r.item, r.item_hash, t.id, coalesce(r.answer::text, 'null') AS answer,
                      r.score = r.max_score AS is_right, ((t.score - r.score) / nullif(t.max_score - r.max_score, 0))::float8 AS rest
                 FROM learning.item_responses r JOIN learning.item_tries t ON t.guild_id = r.guild_id AND t.id = r.try_id
                WHERE r.guild_id = $1 AND r.item LIKE '%/%' AND split_part(r.item, '/', 1) = $2
                  AND t.status = 'graded' AND t.max_score > 0
                ORDER BY t.auth_user_id, r.item, t.finished_at, t.id
           )
           SELECT NULL::uuid AS subject_id, item, item_hash AS hash, answer AS "answer!", count(*)::int AS "chosen!",
                  bool_and(is_right) AS "is_right!", avg(rest ORDER BY id) AS mean_rest
             FROM answers GROUP BY item, item_hash, answer HAVING count(*) >= 2 AND length(answer) <= 500
            ORDER BY count(*) DESC, answer"#,
        guild.get(),
        bank,
    )
    .fetch_all(conn)
    .await
}
