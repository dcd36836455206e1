//! Reviews among learners. Each call holds the assessment's row: see [`crate::rules::allocation`] for why nobody waits for ever.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::Author;
use access::author::Deed;
use chrono::TimeDelta;
use jobs::outbox;
use jobs::timers::At;
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, LearnerId, QuestId, Subject};
use learning::model::assessment::{AssessmentType, Peers};
use learning::model::learner::FileView;
use learning::ops::{current_version, files_view, version_read};
use learning::rules::files::named_in;
use learning::store::{AttemptStatus, Snapshot, attempts_at, learner_find, learners_find};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::grade::{How, graded};
use super::task::{Held, Task, for_graders, grader, held, read, task_of, task_read, written};
use crate::error::Error;
use crate::ids::{ReviewId, SubmissionId};
use crate::model::peer::{Assigned, NewReview, ReviewOwed, ReviewTask, Reviewed};
use crate::model::submission::Judgement;
use crate::rules::allocation::choose;
use crate::rules::medians::{Verdict, combined, enough};
use crate::rules::rubric::judged;
use crate::store::{self, AssessmentLock, Assignment, Filter, Open};
use crate::timers;

/// A learner asks for something to review: the review they are at, else one that is missing most. Where there is none, they are let off
/// what they owe. Where many ask, [`crate::ReviewDesk`] answers them together.
pub async fn review_request(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    assessment: AssessmentId,
) -> Result<Assigned, Error> {
    let mut all = reviews_request(pool, guild, (quest, assessment), &[user]).await?;
    all.pop().unwrap_or(Err(Error::NotFound("assessment")))
}

/// Several learners ask for something to review, of one assessment: one after the other, in one transaction. What one is refused is no
/// other's matter. Nobody is among them twice.
#[kernel::boxed]
pub(crate) async fn reviews_request(
    pool: &PgPool,
    guild: GuildId,
    (quest, assessment): (QuestId, AssessmentId),
    users: &[UserId],
) -> Result<Vec<Result<Assigned, Error>>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        // What does not change by others' requests is looked at before the lock, so that it is held for little.
        let (wishes, versions) = wishes(&mut tx, guild, (quest, assessment), users).await?;
        let askers: Vec<&Asker> = wishes.iter().filter_map(|wish| wish.as_ref().ok()).collect();
        let mut assigned = if askers.is_empty() {
            HashMap::new()
        } else {
            let lock = store::assessment_lock(&mut tx, guild, assessment).await?;
            store::assignments_expire(&mut tx, &lock).await?;
            assigned(&mut tx, &lock, (quest, versions), &askers).await?
        };
        tx.commit().await?;
        let outcomes = wishes.into_iter().map(|wish| {
            let learner = wish?.learner;
            assigned.remove(&learner).ok_or(Error::NotFound("review"))
        });
        Ok(outcomes.collect())
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
    user: UserId,
    learner: LearnerId,
    peers: Peers,
}

/// Versions of a quest by their numbers.
type Versions = HashMap<i32, Snapshot>;

/// Who of these may ask; why the others may not. With the versions that were looked at.
async fn wishes(
    conn: &mut PgConnection,
    guild: GuildId,
    (quest, assessment): (QuestId, AssessmentId),
    users: &[UserId],
) -> Result<(Vec<Result<Asker, Error>>, Versions), Error> {
    let current = current_version(&mut *conn, guild, quest).await?;
    let learners = learners_find(&mut *conn, guild, users).await?;
    let ids: Vec<Uuid> = learners.values().map(|learner| learner.get()).collect();
    let attempts = attempts_at(&mut *conn, guild, &ids, quest).await?;
    let ids: Vec<Uuid> = attempts.values().map(|attempt| attempt.id.get()).collect();
    let handed_in = store::handed_in(&mut *conn, guild, assessment, &ids).await?;
    let numbers: BTreeSet<i32> = attempts.values().map(|attempt| attempt.version).chain([current]).collect();
    let mut versions = Versions::with_capacity(numbers.len());
    for number in numbers {
        versions.insert(number, version_read(&mut *conn, guild, quest, number).await?);
    }
    let wish = |user: &UserId| {
        let learner = learners.get(user);
        let attempt = learner.and_then(|learner| attempts.get(learner));
        let version = attempt.map_or(current, |attempt| attempt.version);
        let one = versions.get(&version).and_then(|version| version.assessment(quest, assessment));
        let one = one.ok_or(Error::NotFound("assessment"))?;
        if one.kind != AssessmentType::PeerReview {
            return Err(Error::state("Learners do not review each other here."));
        }
        let first = || Error::state("Hand in your own work first; then you see that of others.");
        let (Some(learner), Some(attempt)) = (learner, attempt) else { return Err(first()) };
        if matches!(attempt.status, AttemptStatus::Paused | AttemptStatus::Abandoned) {
            return Err(Error::state("The attempt is paused or was given up; take it up again first."));
        }
        if !handed_in.contains(&attempt.id) {
            return Err(first());
        }
        let peers = one.review.as_ref().and_then(|review| review.peers).unwrap_or_default();
        Ok(Asker { user: *user, learner: *learner, peers })
    };
    let wishes = users.iter().map(wish).collect();
    Ok((wishes, versions))
}

/// What each is at, or is given now; else they are let off.
async fn assigned(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    (quest, versions): (QuestId, Versions),
    askers: &[&Asker],
) -> Result<HashMap<LearnerId, Assigned>, Error> {
    let ids: Vec<Uuid> = askers.iter().map(|asker| asker.learner.get()).collect();
    let mut reviews = store::assignments_live(&mut *conn, lock, &ids).await?;
    let idle: Vec<&Asker> =
        askers.iter().filter(|asker| !reviews.contains_key(&asker.learner)).copied().collect();
    let given = given(&mut *conn, lock, quest, &idle).await?;
    let without: Vec<Uuid> = idle
        .iter()
        .filter(|asker| !given.contains_key(&asker.learner))
        .map(|asker| asker.learner.get())
        .collect();
    reviews.extend(given);
    let forgiven = if without.is_empty() {
        HashMap::new()
    } else {
        store::debts_forgive(&mut *conn, lock, &without).await?
    };
    let mut tasks = review_tasks(&mut *conn, lock, (quest, versions), reviews.values().copied()).await?;
    let owed = store::debts_get(conn, lock.guild, lock.id, &ids).await?;
    let assigned = askers.iter().map(|asker| {
        let learner = asker.learner;
        let one = Assigned {
            review: reviews.get(&learner).and_then(|id| tasks.remove(id)),
            reviews_owed: owed.get(&learner).copied().unwrap_or(0),
            forgiven: forgiven.get(&learner).copied().unwrap_or(0),
        };
        (learner, one)
    });
    Ok(assigned.collect())
}

/// Gives reviews out, in the order in which they are asked for; who is not among the answer finds nothing to review.
async fn given(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    quest: QuestId,
    askers: &[&Asker],
) -> Result<HashMap<LearnerId, ReviewId>, Error> {
    let mut by_required: BTreeMap<u32, Vec<&Asker>> = BTreeMap::new();
    for asker in askers {
        by_required.entry(asker.peers.required).or_default().push(asker);
    }
    let mut all = HashMap::with_capacity(askers.len());
    // Versions may differ in how many reviews they require.
    for (required, askers) in by_required {
        let ids: Vec<Uuid> = askers.iter().map(|asker| asker.learner.get()).collect();
        let wanted = i32::try_from(required).unwrap_or(i32::MAX);
        let mut open = store::candidates(&mut *conn, lock, &ids, wanted).await?;
        let mut chosen = Vec::with_capacity(askers.len());
        for asker in &askers {
            let learner = asker.learner;
            let mine = |one: &&Open| one.author != learner && !one.had.contains(&learner);
            let candidates = open.iter().filter(mine).map(|one| &one.candidate);
            let Some(choice) = choose(learner.get(), required, candidates) else { continue };
            if let Some(one) = open.iter_mut().find(|one| one.candidate.id == choice.id) {
                one.candidate.live += 1;
            }
            let hours = i32::try_from(asker.peers.lease_hours).unwrap_or(i32::MAX);
            chosen.push((SubmissionId::new(choice.id), learner, hours));
        }
        if !chosen.is_empty() {
            all.extend(store::assignments_insert(&mut *conn, lock, &chosen).await?);
        }
    }
    let events: Vec<outbox::Event> = askers
        .iter()
        .filter_map(|asker| {
            let id = all.get(&asker.learner)?;
            Some(outbox::Event {
                guild_id: lock.guild,
                event_type: "assessment.review_assigned",
                subject: format!("assessment/reviews/{id}"),
                correlation_id: None,
                user_id: Some(asker.user),
                payload: json!({ "user_id": asker.user, "review_id": id, "quest_id": quest, "assessment_id": lock.id }),
            })
        })
        .collect();
    outbox::emit(conn, &events).await?;
    Ok(all)
}

/// What reviewers are shown: each work by its own version's task. Versions that are not among those known are read.
async fn review_tasks(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    (quest, mut known): (QuestId, Versions),
    reviews: impl Iterator<Item = ReviewId>,
) -> Result<HashMap<ReviewId, ReviewTask>, Error> {
    let ids: Vec<Uuid> = reviews.map(ReviewId::get).collect();
    let mut tasks: HashMap<i32, (Task, Vec<FileView>)> = HashMap::new();
    let mut shown = HashMap::with_capacity(ids.len());
    for given in store::assignments_given(&mut *conn, lock.guild, &ids).await? {
        let (task, files) = match tasks.entry(given.version) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(new) => {
                let version = match known.remove(&given.version) {
                    Some(version) => version,
                    None => version_read(&mut *conn, lock.guild, quest, given.version).await?,
                };
                let task = task_of(&version, quest, Subject::Assessment(lock.id))?;
                let named = named_in(&task.description);
                let files = files_view(lock.guild, (quest, given.version), &version.quest, Some(&named));
                new.insert((task, files))
            }
        };
        let one = ReviewTask {
            id: given.id,
            due_at: given.due_at,
            description: task.description.clone(),
            files: files.clone(),
            work: read("what was handed in", given.data)?,
            rubric: task.review.rubric.clone(),
        };
        shown.insert(given.id, one);
    }
    Ok(shown)
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
