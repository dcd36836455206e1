//! Grades: by those who grade, by the median of peers, and changed afterwards.

use access::Author;
use access::author::Deed;
use jobs::outbox;
use kernel::GuildId;
use learning::ids::Subject;
use learning::ops::{Outcome, judged as told_learning};
use learning::store::{AttemptStatus, event_insert};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::queue::shown;
use super::task::{Held, grader, held, written};
use crate::error::{CLAIMED, Error};
use crate::ids::SubmissionId;
use crate::model::submission::{Judgement, Override, Submission};
use crate::rules::rubric::{Marks, after_penalty, judged};
use crate::store::{self, Filter, Grade, SubmissionRow};

/// Somebody judges what was handed in. It completes the step, or passes the assessment, if it passes. Once judged it is changed by
/// [`submission_override`] alone. Audited.
#[kernel::boxed]
pub async fn submission_judge(
    pool: &PgPool,
    guild: GuildId,
    id: SubmissionId,
    judgement: &Judgement,
    author: Author<'_>,
) -> Result<Submission, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut held = held(&mut tx, guild, id).await?;
        if held.row.is_graded() {
            return Err(Error::state("This was judged already."));
        }
        let by = grader(&mut tx, &author).await?;
        not_own(&held, by)?;
        // As it is claimed: by nobody in particular where who asks is nobody that is known.
        let has_other = held.row.claimed_by.is_some_and(|claimer| claimer != by.unwrap_or_default());
        if has_other && held.row.claimed_until.is_some() {
            return Err(Error::Refused(
                CLAIMED,
                "Somebody else has claimed this; take another one.".to_owned(),
            ));
        }
        let marks = judged(&held.task.review.rubric, held.task.review.pass_percent, judgement)
            .map_err(Error::Invalid)?;
        let before = told(&held.row);
        let how = How { cause: "instructor", by, feedback: feedback_of(judgement), ..How::default() };
        graded(&mut tx, guild, &mut held, &marks, how).await?;
        let answer = recorded(&mut tx, guild, &before, id, ("GRADE", None), author).await?;
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

/// Somebody changes a grade that was published, and says why. What was passed stays passed; what passes now brings what it lacked.
/// Audited.
#[kernel::boxed]
pub async fn submission_override(
    pool: &PgPool,
    guild: GuildId,
    id: SubmissionId,
    change: &Override,
    author: Author<'_>,
) -> Result<Submission, Error> {
    let reason = change.reason.trim();
    if reason.is_empty() || reason.chars().count() > 2_000 || reason.contains('\0') {
        return Err(Error::field("reason", "must be 1 to 2,000 characters long"));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut held = held(&mut tx, guild, id).await?;
        if !held.row.is_graded() {
            return Err(Error::state("This was not judged yet; judge it instead."));
        }
        let by = grader(&mut tx, &author).await?;
        not_own(&held, by)?;
        let review = &held.task.review;
        let marks = judged(&review.rubric, review.pass_percent, &change.judgement).map_err(Error::Invalid)?;
        let (before, feedback) = (told(&held.row), feedback_of(&change.judgement));
        let how =
            How { cause: "override", by, feedback, reason: Some(reason), corrects: true, ..How::default() };
        graded(&mut tx, guild, &mut held, &marks, how).await?;
        let answer = recorded(&mut tx, guild, &before, id, ("OVERRIDE", Some(reason)), author).await?;
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

fn not_own(held: &Held, by: Option<Uuid>) -> Result<(), Error> {
    if by == Some(held.row.learner.get()) {
        return Err(Error::state("Nobody judges what they handed in themselves."));
    }
    Ok(())
}

fn feedback_of(judgement: &Judgement) -> Option<&str> {
    Some(judgement.feedback.trim()).filter(|text| !text.is_empty())
}

async fn recorded(
    conn: &mut PgConnection,
    guild: GuildId,
    before: &Value,
    id: SubmissionId,
    deed: (&str, Option<&str>),
    author: Author<'_>,
) -> Result<Submission, Error> {
    let (action, reason) = deed;
    let row = store::submission_get(&mut *conn, guild, id).await?;
    let deed = Deed::new(action, "assessment.quest_submissions", id.to_string()).before(before);
    deed.after(told(&row)).because(reason).record(&mut *conn, guild, author).await?;
    shown(conn, guild, row).await
}

/// What the audit log tells of a submission.
fn told(row: &SubmissionRow) -> Value {
    json!({ "user_id": row.user, "status": row.status, "grade": row.grade, "passed": row.is_passed })
}

/// How a grade comes about.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct How<'a> {
    /// peer, instructor or override.
    pub(super) cause: &'a str,
    pub(super) by: Option<Uuid>,
    pub(super) feedback: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
    /// Reviews of peers that it is the median of.
    pub(super) reviews: i32,
    /// Whether a grade was there before.
    pub(super) corrects: bool,
}

/// Writes a grade, tells learning and the learner. Everything is locked by then.
#[kernel::boxed]
pub(super) async fn graded(
    conn: &mut PgConnection,
    guild: GuildId,
    held: &mut Held,
    marks: &Marks,
    how: How<'_>,
) -> Result<(), Error> {
    let (row, review) = (&held.row, &held.task.review);
    let (grade, passed) =
        after_penalty(marks, review.pass_percent, row.late_seconds, review.late_percent_per_day);
    let scores = marks.halves.as_ref().map(|halves| written("points", halves)).transpose()?;
    let new = Grade {
        raw: marks.share,
        grade,
        passed,
        scores,
        reviews: how.reviews,
        cause: how.cause,
        feedback: how.feedback,
        by: how.by,
        reason: how.reason,
    };
    store::grade_write(&mut *conn, guild, row, &new).await?;
    store::assignments_cancel(&mut *conn, guild, row.id).await?;
    let subject = row.subject()?;
    let details =
        json!({ "submission": row.id, "grade": grade, "passed": passed, "assessment": row.assessment });
    let event = held.work.event("graded", subject.step(), details);
    event_insert(&mut *conn, &held.work.learner, &event).await?;
    let attempt = &held.work.attempt;
    let counts = match subject {
        // A step of an attempt that was begun anew meanwhile, or has another version without it, is not moved by it.
        Subject::Step(id) => {
            attempt.status != AttemptStatus::Abandoned
                && attempt.restarts == row.run
                && held.work.step(id).is_ok()
        }
        // An assessment is passed once and for all.
        Subject::Assessment(id) => held.work.assessment(id).is_ok(),
    };
    if counts {
        // Of several the best counts, after penalties: so handing in once more never makes it worse.
        let best = match subject {
            Subject::Assessment(id) if how.corrects => {
                let filter = Filter { attempt: Some(row.attempt), assessment: Some(id), ..Filter::default() };
                let all = store::submission_list(&mut *conn, guild, filter, 10_000).await?;
                all.into_iter().filter_map(|one| one.grade).max().unwrap_or(grade)
            }
            _ => grade,
        };
        let outcome = Outcome {
            grade: best,
            passed,
            feedback: how.feedback.map(str::to_owned),
            corrects: how.corrects,
            ..Outcome::default()
        };
        told_learning(&mut *conn, &mut held.work, subject, outcome).await?;
    }
    let row = &held.row;
    let event = outbox::Event {
        guild_id: guild,
        event_type: "assessment.graded",
        subject: format!("assessment/submissions/{}", row.id),
        correlation_id: None,
        user_id: Some(row.user),
        payload: json!({ "user_id": row.user, "submission_id": row.id, "quest_id": row.quest, "assessment_id": row.assessment,
                         "step_id": row.step, "passed": passed }),
    };
    Ok(outbox::emit_one(conn, event).await?)
}
