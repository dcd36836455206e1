//! What was handed in for review.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::attempts::Attempt;
use super::learners::Learner;
use crate::error::Error;
use crate::ids::{AttemptId, QuestId, StepId, SubmissionId};

/// Something handed in for a step.
#[derive(Debug, Clone)]
pub(crate) struct SubmissionRow {
    /// Its id.
    pub(crate) id: SubmissionId,
    /// Who handed it in.
    pub(crate) user: UserId,
    /// The quest.
    pub(crate) quest: QuestId,
    /// The version whose rubric it is judged by.
    pub(crate) version: i32,
    /// Restarts of the attempt before it.
    pub(crate) run: i32,
    /// The step.
    pub(crate) step: StepId,
    /// Which hand-in it is.
    pub(crate) number: i32,
    /// submitted, graded and so on.
    pub(crate) status: String,
    /// When it was received.
    pub(crate) received_at: DateTime<Utc>,
    /// What was handed in.
    pub(crate) data: Value,
    /// Hundredths of a percent, once graded.
    pub(crate) grade: Option<i32>,
    /// Whether it passes, once graded.
    pub(crate) is_passed: Option<bool>,
    /// What the learner was told.
    pub(crate) feedback: Option<String>,
}

/// How often something was handed in for a step, and whether something still waits.
pub(crate) async fn submissions_count(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: AttemptId,
    step: StepId,
) -> Result<(i32, bool), Error> {
    let row = sqlx::query!(
        r#"SELECT count(*)::int AS "count!", coalesce(bool_or(status IN ('submitted', 'in_review', 'escalated')), false) AS "open!"
             FROM learning.quest_submissions WHERE guild_id = $1 AND attempt_id = $2 AND step_id = $3"#,
        guild.get(),
        attempt.get(),
        step.get(),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.open))
}

/// Keeps what was handed in. Grades are percents.
pub(crate) async fn submission_insert(
    conn: &mut PgConnection,
    learner: &Learner,
    attempt: &Attempt,
    step: StepId,
    number: i32,
    data: &Value,
) -> Result<SubmissionId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO learning.quest_submissions (guild_id, attempt_id, auth_user_id, quest_id, version, run, step_id, submission_data,
                                                   max_grade, attempt_number)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 100, $9) RETURNING id AS "id: SubmissionId""#,
        learner.guild.get(),
        attempt.id.get(),
        learner.id.get(),
        attempt.quest.get(),
        attempt.version,
        attempt.restarts,
        step.get(),
        data,
        number,
    )
    .fetch_one(conn)
    .await?)
}

/// What was handed in for steps, those that wait first and the oldest of them first; of one id, or a page of all.
pub(crate) async fn submission_list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<SubmissionId>,
    open: bool,
    after: Option<SubmissionId>,
    limit: i64,
) -> Result<Vec<SubmissionRow>, Error> {
    Ok(sqlx::query_as!(
        SubmissionRow,
        r#"SELECT s.id AS "id: SubmissionId", l.user_id AS "user: UserId", s.quest_id AS "quest: QuestId", s.version, s.run,
                  s.step_id AS "step!: StepId", s.attempt_number AS number, s.status, s.received_at, s.submission_data AS data,
                  (s.grade * 100)::int AS grade, s.is_passed, s.feedback
             FROM learning.quest_submissions s
             JOIN learning.learners l ON l.guild_id = s.guild_id AND l.auth_user_id = s.auth_user_id
            WHERE s.guild_id = $1 AND s.step_id IS NOT NULL AND ($2::uuid IS NULL OR s.id = $2)
              AND (NOT $3 OR s.status IN ('submitted', 'in_review', 'escalated')) AND ($4::uuid IS NULL OR s.id > $4)
            ORDER BY s.id LIMIT $5"#,
        guild.get(),
        only.map(SubmissionId::get),
        open,
        after.map(SubmissionId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Writes a grade, in hundredths of a percent, and its history.
pub(crate) async fn submission_grade(
    conn: &mut PgConnection,
    learner: &Learner,
    row: &SubmissionRow,
    grade: i32,
    passed: bool,
    feedback: Option<&str>,
    grader: Option<Uuid>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE learning.quest_submissions
            SET status = 'graded', graded_at = now(), graded_by = $3, grading_method = 'instructor', raw_grade = $4::int / 100.0,
                grade = $4::int / 100.0, is_passed = $5, feedback = $6, claimed_by = NULL, claim_expires_at = NULL
          WHERE guild_id = $1 AND id = $2 AND status IN ('submitted', 'in_review', 'escalated')",
        learner.guild.get(),
        row.id.get(),
        grader,
        grade,
        passed,
        feedback,
    )
    .execute(&mut *conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))?;
    sqlx::query!(
        "INSERT INTO learning.grade_history (guild_id, auth_user_id, quest_id, version, submission_id, changed_by, cause, new_grade,
                                             new_is_passed)
         VALUES ($1, $2, $3, $4, $5, $6, 'instructor', $7::int / 100.0, $8)",
        learner.guild.get(),
        learner.id.get(),
        row.quest.get(),
        row.version,
        row.id.get(),
        grader,
        grade,
        passed,
    )
    .execute(conn)
    .await?;
    Ok(())
}
