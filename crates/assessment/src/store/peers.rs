//! Reviews among learners: who is to write which, what was written, who owes. Needs the assessment's lock.

use std::collections::{BTreeMap, HashMap};

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

/// What reviewers are at.
pub(crate) async fn assignments_live(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewers: &[Uuid],
) -> Result<HashMap<LearnerId, ReviewId>, Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (a.reviewer_id) a.reviewer_id AS "reviewer: LearnerId", a.id AS "id: ReviewId"
             FROM assessment.peer_review_assignments a
             JOIN assessment.quest_submissions s ON s.guild_id = a.guild_id AND s.id = a.submission_id
            WHERE a.guild_id = $1 AND a.reviewer_id = ANY ($3) AND a.status = 'assigned' AND a.due_at > now() AND s.assessment_id = $2
            ORDER BY a.reviewer_id, a.id"#,
        lock.guild.get(),
        lock.id.get(),
        reviewers,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reviewer, row.id)).collect())
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
                  CASE WHEN a.status = 'assigned' AND a.due_at <= now() THEN 'expired' ELSE a.status END AS "status!"
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

/// A submission that some of those who ask could review.
#[derive(Debug)]
pub(crate) struct Open {
    /// How it stands.
    pub(crate) candidate: Candidate,
    /// Whose it is.
    pub(crate) author: LearnerId,
    /// Those of who ask that were given it before.
    pub(crate) had: Vec<LearnerId>,
}

/// What these reviewers may be given: for each of them at least as many as a request chooses among, though all others are given one
/// before. The last that each author handed in, those first that need a review.
pub(crate) async fn candidates(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewers: &[Uuid],
    required: i32,
) -> Result<Vec<Open>, Error> {
    // One's own is not among them, and each that is given moves back by one.
    let most = CONSIDERED + 1 + i64::try_from(reviewers.len()).unwrap_or(CONSIDERED);
    let rows = sqlx::query!(
        r#"WITH counted AS (
               SELECT a.submission_id, count(*) FILTER (WHERE a.status = 'completed' AND r.hidden_at IS NULL)::int AS completed,
                      count(*) FILTER (WHERE a.status = 'assigned')::int AS live,
                      array_agg(a.reviewer_id) FILTER (WHERE a.reviewer_id = ANY ($3)) AS had
                 FROM assessment.quest_submissions s
                 JOIN assessment.peer_review_assignments a ON a.guild_id = s.guild_id AND a.submission_id = s.id
                 LEFT JOIN assessment.submission_reviews r ON r.guild_id = a.guild_id AND r.assignment_id = a.id
                WHERE s.guild_id = $1 AND s.assessment_id = $2
                GROUP BY a.submission_id
           ), present AS (
               SELECT s.id, s.auth_user_id, s.status, s.received_at, coalesce(c.completed, 0) AS completed, coalesce(c.live, 0) AS live,
                      coalesce(c.had, '{}') AS had
                 FROM assessment.quest_submissions s
                 LEFT JOIN counted c ON c.submission_id = s.id
                WHERE s.guild_id = $1 AND s.assessment_id = $2 AND s.status <> 'withdrawn'
                  AND NOT EXISTS (SELECT FROM assessment.quest_submissions later
                                   WHERE later.guild_id = s.guild_id AND later.attempt_id = s.attempt_id
                                     AND later.assessment_id = s.assessment_id AND later.attempt_number > s.attempt_number)
           )
           SELECT id, auth_user_id AS "author: LearnerId", status = 'in_review' AS "waits!", received_at,
                  completed AS "completed!", live AS "live!", had AS "had!: Vec<LearnerId>"
             FROM present
            ORDER BY NOT (status = 'in_review' AND completed + live < $4), completed + live, received_at, id
            LIMIT $5 + (SELECT coalesce(max(h.n), 0) FROM (
                            SELECT count(*) AS n FROM assessment.peer_review_assignments a
                              JOIN assessment.quest_submissions o ON o.guild_id = a.guild_id AND o.id = a.submission_id
                             WHERE a.guild_id = $1 AND a.reviewer_id = ANY ($3) AND o.assessment_id = $2
                             GROUP BY a.reviewer_id) h)"#,
        lock.guild.get(),
        lock.id.get(),
        reviewers,
        required,
        most,
    )
    .fetch_all(conn)
    .await?;
    let count = |n: i32| u32::try_from(n).unwrap_or(0);
    let open = rows.into_iter().map(|row| Open {
        candidate: Candidate {
            id: row.id,
            completed: count(row.completed),
            live: count(row.live),
            waits: row.waits,
            received_at: row.received_at,
        },
        author: row.author,
        had: row.had,
    });
    Ok(open.collect())
}

/// Gives submissions to reviewers, each for so many hours; tells their ids by reviewer. No reviewer is among them twice.
pub(crate) async fn assignments_insert(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    given: &[(SubmissionId, LearnerId, i32)],
) -> Result<HashMap<LearnerId, ReviewId>, Error> {
    let submissions: Vec<Uuid> = given.iter().map(|(submission, ..)| submission.get()).collect();
    let reviewers: Vec<Uuid> = given.iter().map(|(_, reviewer, _)| reviewer.get()).collect();
    let hours: Vec<i32> = given.iter().map(|(.., hours)| *hours).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO assessment.peer_review_assignments (guild_id, submission_id, author_id, reviewer_id, due_at)
           SELECT $1, s.id, s.auth_user_id, g.reviewer, now() + make_interval(hours => g.hours)
             FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS g (submission, reviewer, hours)
             JOIN assessment.quest_submissions s ON s.guild_id = $1 AND s.id = g.submission
           RETURNING reviewer_id AS "reviewer: LearnerId", id AS "id: ReviewId""#,
        lock.guild.get(),
        &submissions,
        &reviewers,
        &hours,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reviewer, row.id)).collect())
}

/// A review that somebody is given, with what was handed in.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) id: ReviewId,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) version: i32,
    pub(crate) data: Value,
}

/// What these reviews are of.
pub(crate) async fn assignments_given(
    conn: &mut PgConnection,
    guild: GuildId,
    reviews: &[Uuid],
) -> Result<Vec<Given>, Error> {
    Ok(sqlx::query_as!(
        Given,
        r#"SELECT a.id AS "id: ReviewId", a.due_at, s.version, s.submission_data AS data
             FROM assessment.peer_review_assignments a
             JOIN assessment.quest_submissions s ON s.guild_id = a.guild_id AND s.id = a.submission_id
            WHERE a.guild_id = $1 AND a.id = ANY ($2)"#,
        guild.get(),
        reviews,
    )
    .fetch_all(conn)
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

/// What reviewers wrote about these submissions and is not struck out, the first one first.
pub(crate) async fn comments_of(
    conn: &mut PgConnection,
    guild: GuildId,
    submissions: &[SubmissionId],
) -> Result<HashMap<SubmissionId, Vec<String>>, Error> {
    let mut comments = HashMap::<SubmissionId, Vec<String>>::new();
    if submissions.is_empty() {
        return Ok(comments);
    }
    let ids: Vec<Uuid> = submissions.iter().map(|id| id.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT a.submission_id AS "submission: SubmissionId", r.feedback
             FROM assessment.peer_review_assignments a
             JOIN assessment.submission_reviews r ON r.guild_id = a.guild_id AND r.assignment_id = a.id
            WHERE a.guild_id = $1 AND a.submission_id = ANY ($2) AND r.hidden_at IS NULL ORDER BY r.id"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        comments.entry(row.submission).or_default().push(row.feedback);
    }
    Ok(comments)
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
    let debts = debts_get(conn, guild, assessment, &[reviewer.get()]).await?;
    Ok(debts.get(&reviewer).copied().unwrap_or(0))
}

/// What these reviewers still owe; who owes nothing may be missing.
pub(crate) async fn debts_get(
    conn: &mut PgConnection,
    guild: GuildId,
    assessment: AssessmentId,
    reviewers: &[Uuid],
) -> Result<HashMap<LearnerId, i32>, Error> {
    let rows = sqlx::query!(
        r#"SELECT reviewer_id AS "reviewer: LearnerId", greatest(owed - written - forgiven, 0) AS "left!" FROM assessment.review_debts
            WHERE guild_id = $1 AND assessment_id = $2 AND reviewer_id = ANY ($3)"#,
        guild.get(),
        assessment.get(),
        reviewers,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reviewer, row.left)).collect())
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

/// Lets reviewers off what they still owe, on record; tells how much that was of each.
pub(crate) async fn debts_forgive(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    reviewers: &[Uuid],
) -> Result<HashMap<LearnerId, i32>, Error> {
    let mut left = debts_get(&mut *conn, lock.guild, lock.id, reviewers).await?;
    left.retain(|_, left| *left > 0);
    if left.is_empty() {
        return Ok(left);
    }
    let ids: Vec<Uuid> = left.keys().map(|reviewer| reviewer.get()).collect();
    sqlx::query!(
        "UPDATE assessment.review_debts SET forgiven = owed - written, forgiven_at = now()
          WHERE guild_id = $1 AND assessment_id = $2 AND reviewer_id = ANY ($3) AND owed > written + forgiven",
        lock.guild.get(),
        lock.id.get(),
        &ids,
    )
    .execute(conn)
    .await?;
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
