//! Reviews among learners: who is to write which, what was written, who owes. Needs the assessment's lock.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, LearnerId, QuestId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::assessments::AssessmentLock;
use crate::error::Error;
use crate::ids::{ReviewId, SubmissionId};
use crate::model::peer::ReviewOwed;
use crate::rules::allocation::Candidate;

/// How many submissions a request chooses among: the best of all by the same order, but for chance among equals.
const CONSIDERED: i64 = 50;

/// That somebody is to review a submission.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    pub(crate) submission: SubmissionId,
    pub(crate) assessment: AssessmentId,
    pub(crate) quest: QuestId,
    pub(crate) reviewer: LearnerId,
    pub(crate) status: String,
    pub(crate) due_at: DateTime<Utc>,
}

/// Takes back what was not written in time.
pub(crate) async fn assignments_expire(conn: &mut PgConnection, lock: &AssessmentLock) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE assessment.peer_review_assignments a SET status = 'expired'
           FROM assessment.quest_submissions s
          WHERE a.guild_id = $1 AND a.status = 'assigned' AND a.due_at <= now()
            AND s.guild_id = $1 AND s.id = a.submission_id AND s.assessment_id = $2",
        lock.guild.get(),
        lock.id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a reviewer is at.
pub(crate) async fn assignment_live(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewer: LearnerId,
) -> Result<Option<ReviewId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT a.id AS "id: ReviewId" FROM assessment.peer_review_assignments a
             JOIN assessment.quest_submissions s ON s.guild_id = a.guild_id AND s.id = a.submission_id
            WHERE a.guild_id = $1 AND a.reviewer_id = $3 AND a.status = 'assigned' AND a.due_at > now() AND s.assessment_id = $2
            ORDER BY a.id LIMIT 1"#,
        lock.guild.get(),
        lock.id.get(),
        reviewer.get(),
    )
    .fetch_optional(conn)
    .await?)
}

/// An assignment, whatever became of it.
#[kernel::boxed]
pub(crate) async fn assignment_get(
    conn: &mut PgConnection,
    guild: GuildId,
    id: ReviewId,
) -> Result<Assignment, Error> {
    sqlx::query_as!(
        Assignment,
        r#"SELECT a.submission_id AS "submission: SubmissionId", s.assessment_id AS "assessment!: AssessmentId",
                  s.quest_id AS "quest: QuestId", a.reviewer_id AS "reviewer: LearnerId",
                  CASE WHEN a.status = 'assigned' AND a.due_at <= now() THEN 'expired' ELSE a.status END AS "status!", a.due_at
             FROM assessment.peer_review_assignments a
             JOIN assessment.quest_submissions s ON s.guild_id = a.guild_id AND s.id = a.submission_id
            WHERE a.guild_id = $1 AND a.id = $2"#,
        guild.get(),
        id.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("review"))
}

/// What a reviewer could be given: present submissions of others that they were never given, those first that need it most.
pub(crate) async fn candidates(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewer: LearnerId,
    required: i32,
) -> Result<Vec<Candidate>, Error> {
    let rows = sqlx::query!(
        r#"SELECT s.id, s.status = 'in_review' AS "waits!", s.received_at, c.completed AS "completed!", c.live AS "live!"
             FROM assessment.quest_submissions s
            CROSS JOIN LATERAL (
                  SELECT count(*) FILTER (WHERE a.status = 'completed' AND r.hidden_at IS NULL)::int AS completed,
                         count(*) FILTER (WHERE a.status = 'assigned')::int AS live,
                         coalesce(bool_or(a.reviewer_id = $3), false) AS had
                    FROM assessment.peer_review_assignments a
                    LEFT JOIN assessment.submission_reviews r ON r.guild_id = a.guild_id AND r.assignment_id = a.id
                   WHERE a.guild_id = s.guild_id AND a.submission_id = s.id) c
            WHERE s.guild_id = $1 AND s.assessment_id = $2 AND s.auth_user_id <> $3 AND s.status <> 'withdrawn' AND NOT c.had
              AND NOT EXISTS (SELECT FROM assessment.quest_submissions later
                               WHERE later.guild_id = s.guild_id AND later.attempt_id = s.attempt_id
                                 AND later.assessment_id = s.assessment_id AND later.attempt_number > s.attempt_number)
            ORDER BY NOT (s.status = 'in_review' AND c.completed + c.live < $4), c.completed + c.live, s.received_at, s.id
            LIMIT $5"#,
        lock.guild.get(),
        lock.id.get(),
        reviewer.get(),
        required,
        CONSIDERED,
    )
    .fetch_all(conn)
    .await?;
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            id: row.id,
            completed: count(row.completed),
            live: count(row.live),
            waits: row.waits,
            received_at: row.received_at,
        })
        .collect())
}

/// Gives somebody a submission to review, for so many hours.
pub(crate) async fn assignment_insert(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    submission: SubmissionId,
    reviewer: LearnerId,
    hours: i32,
) -> Result<ReviewId, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO assessment.peer_review_assignments (guild_id, submission_id, author_id, reviewer_id, due_at)
           SELECT $1, s.id, s.auth_user_id, $3, now() + make_interval(hours => $4)
             FROM assessment.quest_submissions s WHERE s.guild_id = $1 AND s.id = $2
           RETURNING id AS "id: ReviewId""#,
        lock.guild.get(),
        submission.get(),
        reviewer.get(),
        hours,
    )
    .fetch_one(conn)
    .await?)
}

/// Ends an assignment: completed or declined.
pub(crate) async fn assignment_end(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    id: ReviewId,
    status: &str,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE assessment.peer_review_assignments
            SET status = $3, completed_at = CASE WHEN $3 = 'completed' THEN now() END
          WHERE guild_id = $1 AND id = $2 AND status = 'assigned'",
        lock.guild.get(),
        id.get(),
        status,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        // Its time was over, or one of the two is forgotten.
        return Err(Error::state("This review was taken back meanwhile."));
    }
    Ok(())
}

/// Ends what is still to be written of a submission that needs no more.
pub(crate) async fn assignments_cancel(
    conn: &mut PgConnection,
    guild: GuildId,
    submission: SubmissionId,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE assessment.peer_review_assignments SET status = 'cancelled'
          WHERE guild_id = $1 AND submission_id = $2 AND status = 'assigned'",
        guild.get(),
        submission.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A review that was written.
#[derive(Debug, Clone)]
pub(crate) struct ReviewRow {
    pub(crate) id: ReviewId,
    pub(crate) scores: BTreeMap<String, u32>,
    pub(crate) feedback: String,
    pub(crate) written_at: DateTime<Utc>,
    pub(crate) hidden_at: Option<DateTime<Utc>>,
}

/// Keeps a review; `score` is in hundredths of a percent.
pub(crate) async fn review_insert(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    id: ReviewId,
    scores: &Value,
    score: i32,
    feedback: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO assessment.submission_reviews (guild_id, assignment_id, scores, score, feedback)
         VALUES ($1, $2, $3, $4::int / 100.0, $5)",
        lock.guild.get(),
        id.get(),
        scores,
        score,
        feedback,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The reviews of a submission, the first one first; hidden ones too.
pub(crate) async fn reviews_of(
    conn: &mut PgConnection,
    guild: GuildId,
    submission: SubmissionId,
) -> Result<Vec<ReviewRow>, Error> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: ReviewId", r.scores, r.feedback, r.created_at, r.hidden_at
             FROM assessment.peer_review_assignments a
             JOIN assessment.submission_reviews r ON r.guild_id = a.guild_id AND r.assignment_id = a.id
            WHERE a.guild_id = $1 AND a.submission_id = $2 ORDER BY r.id"#,
        guild.get(),
        submission.get(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let scores =
                serde_json::from_value(row.scores).map_err(|error| Error::Corrupt("a review", error))?;
            Ok(ReviewRow {
                id: row.id,
                scores,
                feedback: row.feedback,
                written_at: row.created_at,
                hidden_at: row.hidden_at,
            })
        })
        .collect()
}

/// Strikes a review out; tells whether it counted before.
pub(crate) async fn review_hide(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    id: ReviewId,
    by: Uuid,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE assessment.submission_reviews SET hidden_at = now(), hidden_by = $3
          WHERE guild_id = $1 AND assignment_id = $2 AND hidden_at IS NULL",
        lock.guild.get(),
        id.get(),
        by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What somebody still owes.
pub(crate) async fn debt_get(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    reviewer: LearnerId,
) -> Result<i32, Error> {
    let owed = sqlx::query_scalar!(
        r#"SELECT greatest(owed - written - forgiven, 0) AS "left!" FROM assessment.review_debts
            WHERE guild_id = $1 AND assessment_id = $2 AND reviewer_id = $3"#,
        guild.get(),
        assessment.get(),
        reviewer.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(owed.unwrap_or(0))
}

/// What somebody is at, or still owes, of all assessments; at most 100.
pub(crate) async fn reviews_owed(
    conn: &mut PgConnection,
    guild: GuildId,
    reviewer: LearnerId,
) -> Result<Vec<ReviewOwed>, Error> {
    Ok(sqlx::query_as!(
        ReviewOwed,
        r#"SELECT a.quest_id AS "quest_id: QuestId", q.title AS quest, d.assessment_id AS "assessment_id: AssessmentId",
                  greatest(d.owed - d.written - d.forgiven, 0) AS "owed!", live.due_at AS "due_at?"
             FROM assessment.review_debts d
             JOIN assessment.quest_assessments a ON a.guild_id = d.guild_id AND a.id = d.assessment_id
             JOIN learning.quests q ON q.guild_id = a.guild_id AND q.id = a.quest_id
             LEFT JOIN LATERAL (
                  SELECT p.due_at FROM assessment.peer_review_assignments p
                    JOIN assessment.quest_submissions s ON s.guild_id = p.guild_id AND s.id = p.submission_id
                   WHERE p.guild_id = d.guild_id AND p.reviewer_id = d.reviewer_id AND p.status = 'assigned' AND p.due_at > now()
                     AND s.assessment_id = d.assessment_id
                   ORDER BY p.id LIMIT 1) live ON TRUE
            WHERE d.guild_id = $1 AND d.reviewer_id = $2
              AND (d.owed > d.written + d.forgiven OR live.due_at IS NOT NULL)
            ORDER BY live.due_at NULLS LAST, q.title, d.assessment_id LIMIT 100"#,
        guild.get(),
        reviewer.get(),
    )
    .fetch_all(conn)
    .await?)
}

/// Handing in for the first time brings debt; again it brings none.
pub(crate) async fn debt_add(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewer: LearnerId,
    owed: i32,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO assessment.review_debts AS d (guild_id, assessment_id, reviewer_id, owed) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT pk_review_debts DO UPDATE SET owed = greatest(d.owed, excluded.owed)",
        lock.guild.get(),
        lock.id.get(),
        reviewer.get(),
        owed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A review was written: it pays, also what is owed only later.
pub(crate) async fn debt_pay(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewer: LearnerId,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO assessment.review_debts AS d (guild_id, assessment_id, reviewer_id, written) VALUES ($1, $2, $3, 1)
         ON CONFLICT ON CONSTRAINT pk_review_debts DO UPDATE SET written = d.written + 1",
        lock.guild.get(),
        lock.id.get(),
        reviewer.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets somebody off what they still owe, on record; tells how much that was.
pub(crate) async fn debt_forgive(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewer: LearnerId,
) -> Result<i32, Error> {
    let left = debt_get(&mut *conn, lock.guild, lock.id, reviewer).await?;
    if left > 0 {
        sqlx::query!(
            "UPDATE assessment.review_debts SET forgiven = forgiven + $4, forgiven_at = now()
              WHERE guild_id = $1 AND assessment_id = $2 AND reviewer_id = $3",
            lock.guild.get(),
            lock.id.get(),
            reviewer.get(),
            left,
        )
        .execute(conn)
        .await?;
    }
    Ok(left)
}

/// Who owes reviews and is at none: they are told that there is something to review. At most 50.
pub(crate) async fn owing(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    but: LearnerId,
) -> Result<Vec<UserId>, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT l.user_id AS "user: UserId" FROM assessment.review_debts d
             JOIN learning.learners l ON l.guild_id = d.guild_id AND l.auth_user_id = d.reviewer_id
            WHERE d.guild_id = $1 AND d.assessment_id = $2 AND d.reviewer_id <> $3 AND d.owed > d.written + d.forgiven
              AND NOT EXISTS (SELECT FROM assessment.peer_review_assignments a
                                JOIN assessment.quest_submissions s ON s.guild_id = a.guild_id AND s.id = a.submission_id
                               WHERE a.guild_id = d.guild_id AND a.reviewer_id = d.reviewer_id AND a.status = 'assigned'
                                 AND s.assessment_id = d.assessment_id)
            ORDER BY d.updated_at, l.user_id LIMIT 50"#,
        lock.guild.get(),
        lock.id.get(),
        but.get(),
    )
    .fetch_all(conn)
    .await?)
}
