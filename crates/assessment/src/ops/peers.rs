//! Reviews among learners. Each call holds the assessment's row: see [`crate::rules::allocation`] for why nobody waits for ever.

use std::collections::BTreeMap;

use access::Author;
use access::author::Deed;
use chrono::TimeDelta;
use jobs::outbox;
use jobs::timers::At;
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, LearnerId, QuestId, Subject};
use learning::model::assessment::{AssessmentType, Peers};
use learning::ops::{current_version, version_read};
use learning::store::{AttemptStatus, attempt_get, learner_find};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::grade::{How, graded};
use super::task::{Held, Task, for_graders, grader, held, read, task_read, written};
use crate::error::Error;
use crate::ids::{ReviewId, SubmissionId};
use crate::model::peer::{Assigned, NewReview, ReviewOwed, ReviewTask, Reviewed};
use crate::model::submission::Judgement;
use crate::rules::allocation::choose;
use crate::rules::medians::{Verdict, combined, enough};
use crate::rules::rubric::judged;
use crate::store::{self, AssessmentLock, Assignment, Filter};
use crate::timers;

/// A learner asks for something to review: the review they are at, else one that is missing most. Where there is none, they are let off
/// what they owe.
#[kernel::boxed]
pub async fn review_request(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    assessment: AssessmentId,
) -> Result<Assigned, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        // What does not change by others' requests is looked at before the lock, so that it is held for little.
        let asker = asker(&mut tx, guild, user, quest, assessment).await?;
        let lock = store::assessment_lock(&mut tx, guild, assessment).await?;
        store::assignments_expire(&mut tx, &lock).await?;
        let (id, forgiven) = match store::assignment_live(&mut tx, &lock, asker.learner).await? {
            Some(id) => (Some(id), 0),
            None => given(&mut tx, &lock, &asker).await?,
        };
        let review = match id {
            None => None,
            Some(id) => Some(review_task(&mut tx, guild, id).await?),
        };
        let reviews_owed = store::debt_get(&mut tx, guild, assessment, asker.learner).await?;
        tx.commit().await?;
        Ok(Assigned { review, reviews_owed, forgiven })
    })
    .await
}

/// What a learner has to review, over all quests: what is taken back soonest first, then what they owe.
pub async fn reviews_owed(pool: &PgPool, guild: GuildId, user: UserId) -> Result<Vec<ReviewOwed>, Error> {
    let mut conn = db::acquire(pool).await?;
    match learner_find(&mut conn, guild, user).await? {
        Some(learner) => store::reviews_owed(&mut conn, guild, learner).await,
        None => Ok(Vec::new()),
    }
}

/// Who asks for something to review, and may.
struct Asker {
    guild: GuildId,
    user: UserId,
    learner: LearnerId,
    quest: QuestId,
    peers: Peers,
}

async fn asker(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    assessment: AssessmentId,
) -> Result<Asker, Error> {
    let current = current_version(&mut *conn, guild, quest).await?;
    let learner = learner_find(&mut *conn, guild, user).await?;
    let attempt = match learner {
        Some(learner) => attempt_get(&mut *conn, guild, learner, quest).await?,
        None => None,
    };
    let version = attempt.as_ref().map_or(current, |attempt| attempt.version);
    let version = version_read(&mut *conn, guild, quest, version).await?;
    let one = version.assessment(quest, assessment).ok_or(Error::NotFound("assessment"))?;
    if one.kind != AssessmentType::PeerReview {
        return Err(Error::state("Learners do not review each other here."));
    }
    let first = || Error::state("Hand in your own work first; then you see that of others.");
    let (Some(learner), Some(attempt)) = (learner, attempt) else { return Err(first()) };
    if matches!(attempt.status, AttemptStatus::Paused | AttemptStatus::Abandoned) {
        return Err(Error::state("The attempt is paused or was given up; take it up again first."));
    }
    let subject = Subject::Assessment(assessment);
    let (used, _) = store::submissions_count(conn, guild, attempt.id, subject).await?;
    if used == 0 {
        return Err(first());
    }
    let peers = one.review.as_ref().and_then(|review| review.peers).unwrap_or_default();
    Ok(Asker { guild, user, learner, quest, peers })
}

/// Gives out a review, or lets the learner off.
async fn given(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    asker: &Asker,
) -> Result<(Option<ReviewId>, i32), Error> {
    let required = i32::try_from(asker.peers.required).unwrap_or(i32::MAX);
    let candidates = store::candidates(&mut *conn, lock, asker.learner, required).await?;
    let Some(choice) = choose(asker.learner.get(), asker.peers.required, &candidates) else {
        return Ok((None, store::debt_forgive(conn, lock, asker.learner).await?));
    };
    let hours = i32::try_from(asker.peers.lease_hours).unwrap_or(i32::MAX);
    let submission = SubmissionId::new(choice.id);
    let id = store::assignment_insert(&mut *conn, lock, submission, asker.learner, hours).await?;
    let event = outbox::Event {
        guild_id: asker.guild,
        event_type: "assessment.review_assigned",
        subject: format!("assessment/reviews/{id}"),
        correlation_id: None,
        user_id: Some(asker.user),
        payload: json!({ "user_id": asker.user, "review_id": id, "quest_id": asker.quest, "assessment_id": lock.id }),
    };
    outbox::emit_one(conn, event).await?;
    Ok((Some(id), 0))
}

async fn review_task(conn: &mut PgConnection, guild: GuildId, id: ReviewId) -> Result<ReviewTask, Error> {
    let assignment = store::assignment_get(&mut *conn, guild, id).await?;
    let row = store::submission_get(&mut *conn, guild, assignment.submission).await?;
    let task = task_read(conn, guild, &row).await?;
    Ok(ReviewTask {
        id,
        due_at: assignment.due_at,
        description: task.description,
        work: read("what was handed in", row.data)?,
        rubric: task.review.rubric,
    })
}

/// A review that is this learner's to write, under the assessment's lock.
async fn own(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    id: ReviewId,
) -> Result<(AssessmentLock, Assignment), Error> {
    let assignment = store::assignment_get(&mut *conn, guild, id).await?;
    let lock = store::assessment_lock(&mut *conn, guild, assignment.assessment).await?;
    let assignment = store::assignment_get(&mut *conn, guild, id).await?;
    let learner: Option<LearnerId> = learning::store::learner_find(conn, guild, user).await?;
    // What is another's is not there.
    if learner != Some(assignment.reviewer) {
        return Err(Error::NotFound("review"));
    }
    match assignment.status.as_str() {
        "assigned" => Ok((lock, assignment)),
        "completed" => Err(Error::state("You have written this review already.")),
        "declined" => Err(Error::state("You have declined this review.")),
        "expired" => Err(Error::state("The time for this review is over; ask for another one.")),
        _ => Err(Error::state("This review is not needed any more; ask for another one.")),
    }
}

/// A learner hands in the review they were given. If there are enough, the submission is graded by their medians, or falls to the
/// instructors where they lie too far apart.
#[kernel::boxed]
pub async fn review_submit(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    id: ReviewId,
    review: &NewReview,
) -> Result<Reviewed, Error> {
    let feedback = review.feedback.trim();
    if feedback.is_empty() || feedback.chars().count() > 20_000 || feedback.contains('\0') {
        return Err(Error::field("feedback", "must be 1 to 20,000 characters long"));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let (lock, assignment) = own(&mut tx, guild, user, id).await?;
        let row = store::submission_get(&mut tx, guild, assignment.submission).await?;
        let task = task_read(&mut tx, guild, &row).await?;
        let judgement = Judgement { scores: review.scores.clone(), ..Judgement::default() };
        let marks =
            judged(&task.review.rubric, task.review.pass_percent, &judgement).map_err(Error::Invalid)?;
        let scores = written("a review", &review.scores)?;
        store::review_insert(&mut tx, &lock, id, &scores, marks.share, feedback).await?;
        store::assignment_end(&mut tx, &lock, id, "completed").await?;
        store::debt_pay(&mut tx, &lock, assignment.reviewer).await?;
        if let Some(peers) = task.peers() {
            settled(&mut tx, guild, assignment.submission, peers.required as usize, false).await?;
        }
        let reviews_owed = store::debt_get(&mut tx, guild, lock.id, assignment.reviewer).await?;
        tx.commit().await?;
        Ok(Reviewed { reviews_owed })
    })
    .await
}

/// A learner declines the review they were given. It goes to somebody else, and they are not given it again; what they owe they owe.
#[kernel::boxed]
pub async fn review_decline(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    id: ReviewId,
) -> Result<Reviewed, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let (lock, assignment) = own(&mut tx, guild, user, id).await?;
        store::assignment_end(&mut tx, &lock, id, "declined").await?;
        let reviews_owed = store::debt_get(&mut tx, guild, lock.id, assignment.reviewer).await?;
        tx.commit().await?;
        Ok(Reviewed { reviews_owed })
    })
    .await
}

/// Somebody who grades strikes a review out: it counts no more, and where the submission is not graded yet its place is open again.
/// Doing it again changes nothing. Audited.
#[kernel::boxed]
pub async fn review_hide(
    pool: &PgPool,
    guild: GuildId,
    id: ReviewId,
    author: Author<'_>,
) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let assignment = store::assignment_get(&mut tx, guild, id).await?;
        let lock = store::assessment_lock(&mut tx, guild, assignment.assessment).await?;
        let assignment = store::assignment_get(&mut tx, guild, id).await?;
        if assignment.status != "completed" {
            return Err(Error::state("This review was not written."));
        }
        let by = grader(&mut tx, &author).await?.unwrap_or_default();
        if store::review_hide(&mut tx, &lock, id, by).await? {
            let told = |hidden: bool| {
                json!({ "submission_id": assignment.submission, "quest_id": assignment.quest, "hidden": hidden })
            };
            let deed = Deed::new("HIDE", "assessment.submission_reviews", id.to_string()).before(told(false));
            deed.after(told(true)).record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Grades a submission by its reviews, if there are so many; leaves it to the instructors where they lie too far apart, or time is over.
async fn settled(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
    needed: usize,
    over: bool,
) -> Result<(), Error> {
    let mut held = held(&mut *conn, guild, id).await?;
    if held.row.status != "in_review" {
        return Ok(());
    }
    let reviews = store::reviews_of(&mut *conn, guild, id).await?;
    let visible: Vec<BTreeMap<String, u32>> =
        reviews.into_iter().filter(|one| one.hidden_at.is_none()).map(|one| one.scores).collect();
    let review = &held.task.review;
    match combined(&review.rubric, review.pass_percent, &visible, needed) {
        Verdict::Grade(marks) => {
            let reviews = i32::try_from(visible.len()).unwrap_or(i32::MAX);
            let how = How { cause: "peer", reviews, ..How::default() };
            graded(conn, guild, &mut held, &marks, how).await
        }
        Verdict::TooFew if !over => Ok(()),
        Verdict::TooFew | Verdict::Apart => escalated(conn, guild, &held).await,
    }
}

async fn escalated(conn: &mut PgConnection, guild: GuildId, held: &Held) -> Result<(), Error> {
    store::escalate(&mut *conn, guild, held.row.id).await?;
    outbox::emit_one(&mut *conn, for_graders(guild, "assessment.escalated", &held.row)).await?;
    remind_later(conn, guild, held.row.id, &held.task).await
}

/// Those who grade are reminded after as long as peers had, and again after that, until somebody grades it.
async fn remind_later(
    conn: &mut PgConnection,
    guild: GuildId,
    id: SubmissionId,
    task: &Task,
) -> Result<(), Error> {
    let hours = task.peers().unwrap_or_default().deadline_hours;
    let at = db::now(&mut *conn).await? + TimeDelta::hours(hours.into());
    let about = timers::Remind { submission_id: id, at };
    timers::REMIND.schedule(conn, Some(guild), At::At(at), &about).await?;
    Ok(())
}

/// The time that peers had for a submission is over: it is graded by what there is, or falls to the instructors. Doing it again changes
/// nothing.
pub async fn review_due(pool: &PgPool, guild: GuildId, id: SubmissionId) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let row = match store::submission_get(&mut tx, guild, id).await {
            // Its author was forgotten.
            Err(Error::NotFound(_)) => return Ok(()),
            other => other?,
        };
        let Some(assessment) = row.assessment else { return Ok(()) };
        let now = db::now(&mut tx).await?;
        if row.review_due_at.is_none_or(|due| due > now) {
            return Ok(());
        }
        store::assessment_lock(&mut tx, guild, assessment).await?;
        let task = task_read(&mut tx, guild, &row).await?;
        let needed = task.peers().map_or(1, |peers| enough(peers.required));
        settled(&mut tx, guild, id, needed, true).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Nobody has graded what fell to the instructors: those who grade are told again, and the owner with them.
pub async fn review_remind(pool: &PgPool, guild: GuildId, id: SubmissionId) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let filter = Filter { only: Some(id), ..Filter::default() };
        let Some(row) = store::submission_list(&mut tx, guild, filter, 1).await?.into_iter().next() else {
            return Ok(());
        };
        if row.status != "escalated" {
            return Ok(());
        }
        let task = task_read(&mut tx, guild, &row).await?;
        outbox::emit_one(&mut tx, for_graders(guild, "assessment.waiting_too_long", &row)).await?;
        remind_later(&mut tx, guild, id, &task).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
