//! What was handed in, its claims and its grades. Grades are percents, here in hundredths.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, AttemptId, LearnerId, QuestId, StepId, Subject};
use learning::ops::Work;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::SubmissionId;
use crate::rules::waiting::Wait;

/// Something handed in.
#[derive(Debug, Clone)]
pub(crate) struct SubmissionRow {
    pub(crate) id: SubmissionId,
    pub(crate) user: UserId,
    pub(crate) learner: LearnerId,
    pub(crate) attempt: AttemptId,
    pub(crate) quest: QuestId,
    pub(crate) version: i32,
    pub(crate) run: i32,
    pub(crate) step: Option<StepId>,
    pub(crate) assessment: Option<AssessmentId>,
    pub(crate) number: i32,
    pub(crate) status: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) late_seconds: i32,
    pub(crate) data: Value,
    pub(crate) raw_grade: Option<i32>,
    pub(crate) grade: Option<i32>,
    pub(crate) is_passed: Option<bool>,
    pub(crate) scores: Option<Value>,
    pub(crate) reviews_counted: i32,
    pub(crate) feedback: Option<String>,
    pub(crate) claimed_by: Option<Uuid>,
    /// None where that is over.
    pub(crate) claimed_until: Option<DateTime<Utc>>,
    pub(crate) review_due_at: Option<DateTime<Utc>>,
}

impl SubmissionRow {
    /// What it was handed in for.
    pub(crate) fn subject(&self) -> Result<Subject, Error> {
        match (self.step, self.assessment) {
            (Some(step), _) => Ok(Subject::Step(step)),
            (None, Some(assessment)) => Ok(Subject::Assessment(assessment)),
            (None, None) => Err(Error::NotFound("submission")),
        }
    }

    pub(crate) fn is_graded(&self) -> bool {
        self.status == "graded"
    }
}

/// Which submissions to list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    /// This one alone.
    pub(crate) only: Option<SubmissionId>,
    /// Of this attempt.
    pub(crate) attempt: Option<AttemptId>,
    /// For this assessment.
    pub(crate) assessment: Option<AssessmentId>,
    /// Those that wait for people who grade: peers may still be at the others.
    pub(crate) waiting: bool,
    /// After this one.
    pub(crate) after: Option<SubmissionId>,
}

/// Submissions, in the order in which they were handed in.
#[kernel::boxed]
pub(crate) async fn submission_list(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: Filter,
    limit: i64,
) -> Result<Vec<SubmissionRow>, Error> {
    Ok(sqlx::query_as!(
        SubmissionRow,
        r#"SELECT s.id AS "id: SubmissionId", l.user_id AS "user: UserId", s.auth_user_id AS "learner: LearnerId",
                  s.attempt_id AS "attempt: AttemptId", s.quest_id AS "quest: QuestId", s.version, s.run,
                  s.step_id AS "step: StepId", s.assessment_id AS "assessment: AssessmentId", s.attempt_number AS number, s.status,
                  s.received_at, s.late_seconds, s.submission_data AS data, (s.raw_grade * 100)::int AS raw_grade,
                  (s.grade * 100)::int AS grade, s.is_passed, s.scores, s.reviews_counted, s.feedback, s.claimed_by,
                  CASE WHEN s.claim_expires_at > now() THEN s.claim_expires_at END AS claimed_until, s.review_due_at
             FROM assessment.quest_submissions s
             JOIN learning.learners l ON l.guild_id = s.guild_id AND l.auth_user_id = s.auth_user_id
            WHERE s.guild_id = $1 AND ($2::uuid IS NULL OR s.id = $2) AND ($3::uuid IS NULL OR s.attempt_id = $3)
              AND ($4::uuid IS NULL OR s.assessment_id = $4) AND (NOT $5 OR s.status IN ('submitted', 'escalated'))
              AND ($6::uuid IS NULL OR s.id > $6)
            ORDER BY s.id LIMIT $7"#,
        guild.get(),
        filter.only.map(SubmissionId::get),
        filter.attempt.map(AttemptId::get),
        filter.assessment.map(AssessmentId::get),
        filter.waiting,
        filter.after.map(SubmissionId::get),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// One submission.
pub(crate) async fn submission_get(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
) -> Result<SubmissionRow, Error> {
    let filter = Filter { only: Some(id), ..Filter::default() };
    submission_list(conn, guild, filter, 1).await?.into_iter().next().ok_or(Error::NotFound("submission"))
}

/// What a learner handed in for an assessment.
pub(crate) async fn submissions_of_learner(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    learner: LearnerId,
) -> Result<Vec<SubmissionId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: SubmissionId" FROM assessment.quest_submissions
            WHERE guild_id = $1 AND auth_user_id = $3 AND assessment_id = $2 ORDER BY id"#,
        guild.get(),
        assessment.get(),
        learner.get(),
    )
    .fetch_all(conn)
    .await?)
}

/// How often something was handed in, and whether something still waits. What was handed in before a restart counts as well.
pub(crate) async fn submissions_count(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: AttemptId,
    subject: Subject,
) -> Result<(i32, bool), Error> {
    let row = sqlx::query!(
        r#"SELECT count(*)::int AS "count!", coalesce(bool_or(status IN ('submitted', 'in_review', 'escalated')), false) AS "open!"
             FROM assessment.quest_submissions
            WHERE guild_id = $1 AND attempt_id = $2 AND ($3::uuid IS NULL OR step_id = $3)
              AND ($4::uuid IS NULL OR assessment_id = $4)"#,
        guild.get(),
        attempt.get(),
        subject.step().map(StepId::get),
        subject.assessment().map(AssessmentId::get),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.open))
}

/// Those of these attempts in which something was handed in for an assessment.
pub(crate) async fn handed_in(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    attempts: &[Uuid],
) -> Result<HashSet<AttemptId>, Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT DISTINCT attempt_id AS "attempt: AttemptId" FROM assessment.quest_submissions
            WHERE guild_id = $1 AND attempt_id = ANY ($3) AND assessment_id = $2"#,
        guild.get(),
        assessment.get(),
        attempts,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Something to be kept.
#[derive(Debug)]
pub(crate) struct NewSubmission<'a> {
    pub(crate) subject: Subject,
    pub(crate) number: i32,
    pub(crate) data: &'a Value,
    pub(crate) late_seconds: i32,
    /// Hours that peers have; none where they do not review it.
    pub(crate) peer_hours: Option<i32>,
}

/// Keeps what was handed in; tells its id, and when peers' time is over.
pub(crate) async fn submission_insert(
    conn: &mut PgConnection,
    work: &Work,
    new: &NewSubmission<'_>,
) -> Result<(SubmissionId, Option<DateTime<Utc>>), Error> {
    let (learner, attempt) = (&work.learner, &work.attempt);
    let row = sqlx::query!(
        r#"INSERT INTO assessment.quest_submissions (guild_id, attempt_id, auth_user_id, quest_id, version, run, step_id, assessment_id,
                                                     submission_data, max_grade, attempt_number, late_seconds, review_due_at, status)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 100, $10, $11, now() + make_interval(hours => $12::int),
                   CASE WHEN $12::int IS NULL THEN 'submitted' ELSE 'in_review' END)
           RETURNING id AS "id: SubmissionId", review_due_at"#,
        learner.guild.get(),
        attempt.id.get(),
        learner.id.get(),
        attempt.quest.get(),
        attempt.version,
        attempt.restarts,
        new.subject.step().map(StepId::get),
        new.subject.assessment().map(AssessmentId::get),
        new.data,
        new.number,
        new.late_seconds,
        new.peer_hours,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.id, row.review_due_at))
}

/// A grade to be written.
#[derive(Debug)]
pub(crate) struct Grade<'a> {
    /// Before any penalty.
    pub(crate) raw: i32,
    /// What counts.
    pub(crate) grade: i32,
    pub(crate) passed: bool,
    /// Half points by criterion.
    pub(crate) scores: Option<Value>,
    /// Reviews of peers that it is the median of.
    pub(crate) reviews: i32,
    /// peer, instructor or override.
    pub(crate) cause: &'a str,
    pub(crate) feedback: Option<&'a str>,
    pub(crate) by: Option<Uuid>,
    pub(crate) reason: Option<&'a str>,
}

/// Writes a grade and its history.
pub(crate) async fn grade_write(
    conn: &mut PgConnection,
    guild: GuildId,
    row: &SubmissionRow,
    grade: &Grade<'_>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE assessment.quest_submissions
            SET status = 'graded', graded_at = coalesce(graded_at, now()), graded_by = $3,
                grading_method = CASE WHEN $4 = 'peer' THEN 'peer' ELSE 'instructor' END, raw_grade = $5::int / 100.0,
                grade = $6::int / 100.0, is_passed = $7, feedback = $8, scores = $9, reviews_counted = $10, claimed_by = NULL,
                claim_expires_at = NULL
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        row.id.get(),
        grade.by,
        grade.cause,
        grade.raw,
        grade.grade,
        grade.passed,
        grade.feedback,
        grade.scores,
        grade.reviews,
    )
    .execute(&mut *conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(sqlx::Error::from)?;
    sqlx::query!(
        "INSERT INTO assessment.grade_history (guild_id, auth_user_id, quest_id, version, submission_id, changed_by, cause, old_grade,
                                               new_grade, old_is_passed, new_is_passed, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::int / 100.0, $9::int / 100.0, $10, $11, $12)",
        guild.get(),
        row.learner.get(),
        row.quest.get(),
        row.version,
        row.id.get(),
        grade.by,
        grade.cause,
        row.grade,
        grade.grade,
        row.is_passed,
        grade.passed,
        grade.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A grade or a change of one: when, cause, before, after, whether it passes, why.
pub(crate) type Change = (DateTime<Utc>, String, Option<i32>, i32, bool, Option<String>);

/// The grades of a submission, the first one first.
pub(crate) async fn history(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
) -> Result<Vec<Change>, Error> {
    let rows = sqlx::query!(
        r#"SELECT created_at, cause, (old_grade * 100)::int AS old_grade, (new_grade * 100)::int AS "new_grade!", new_is_passed, reason
             FROM assessment.grade_history WHERE guild_id = $1 AND submission_id = $2 ORDER BY id"#,
        guild.get(),
        id.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.created_at, row.cause, row.old_grade, row.new_grade, row.new_is_passed, row.reason))
        .collect())
}

/// Writes how late something is, after a deadline was extended.
pub(crate) async fn late_put(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
    late_seconds: i32,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE assessment.quest_submissions SET late_seconds = $3 WHERE guild_id = $1 AND id = $2",
        guild.get(),
        id.get(),
        late_seconds,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims what waits longest and nobody else has, for so many minutes.
pub(crate) async fn claim_next(
    conn: &mut PgConnection,
    guild: GuildId,
    by: Uuid,
    minutes: i32,
) -> Result<Option<SubmissionId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE assessment.quest_submissions s
              SET claimed_by = $2, claim_expires_at = now() + make_interval(mins => $3)
             FROM (SELECT id FROM assessment.quest_submissions
                    WHERE guild_id = $1 AND status IN ('submitted', 'escalated') AND auth_user_id <> $2
                      AND (claimed_by IS NULL OR claimed_by = $2 OR claim_expires_at <= now())
                    ORDER BY (claimed_by IS NOT DISTINCT FROM $2 AND claim_expires_at > now()) DESC, received_at, id
                    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) next
            WHERE s.guild_id = $1 AND s.id = next.id
           RETURNING s.id AS "id: SubmissionId""#,
        guild.get(),
        by,
        minutes,
    )
    .fetch_optional(conn)
    .await?)
}

/// Claims one, or renews one's claim; tells whether that was possible.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
    by: Uuid,
    minutes: i32,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE assessment.quest_submissions SET claimed_by = $3, claim_expires_at = now() + make_interval(mins => $4)
          WHERE guild_id = $1 AND id = $2 AND (claimed_by IS NULL OR claimed_by = $3 OR claim_expires_at <= now())",
        guild.get(),
        id.get(),
        by,
        minutes,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives up one's claim. Doing it again changes nothing.
pub(crate) async fn claim_release(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
    by: Uuid,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE assessment.quest_submissions SET claimed_by = NULL, claim_expires_at = NULL
          WHERE guild_id = $1 AND id = $2 AND claimed_by = $3",
        guild.get(),
        id.get(),
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Leaves to the instructors what peers were to review.
pub(crate) async fn escalate(conn: &mut PgConnection, guild: GuildId, id: SubmissionId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE assessment.quest_submissions SET status = 'escalated' WHERE guild_id = $1 AND id = $2 AND status = 'in_review'",
        guild.get(),
        id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Waits of the last 90 days, in seconds, and whether they are over: for what learners are told. The latest 2,000 are looked at.
pub(crate) async fn waits(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Wait>, Error> {
    let rows = sqlx::query!(
        r#"SELECT extract(epoch FROM coalesce(graded_at, now()) - received_at)::bigint AS "seconds!", graded_at IS NOT NULL AS "over!"
             FROM assessment.quest_submissions
            WHERE guild_id = $1 AND received_at > now() - interval '90 days' ORDER BY id DESC LIMIT 2000"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.seconds, row.over)).collect())
}
