//! Tries graded again by another key: first a dry run, then a job in bounded batches that a kill loses nothing of. Programs have to be run
//! again for it ([`super::programs`]), so their dry run is a job as well.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use access::Author;
use access::author::Deed;
use jobs::timers::At;
use kernel::GuildId;
use learning::ids::{LearnerId, QuestId, Subject, TryId};
use learning::ops::{Outcome, Work, current_version, judged_all, version_read};
use learning::store::{
    AttemptStatus, GradedResponse, GradedTry, Learner, Snapshot, graded_responses, graded_tries,
    learners_lock, tries_regrade,
};
use sandbox::Sandbox;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::programs;
use super::task::{grader, percent};
use crate::error::Error;
use crate::ids::RegradeId;
use crate::model::regrade::{Difference, NewRegrade, Regrade, RegradePreview};
use crate::rules::regrade::{Key, Regraded, share};
use crate::store::{self, Batch};
use crate::timers;

/// Tries of one batch: a transaction that locks their learners.
const BATCH: i64 = 1_000;
/// Differences that a dry run lists.
const LISTED: usize = 200;

fn subject_of(
    step: Option<learning::ids::StepId>,
    assessment: Option<learning::ids::AssessmentId>,
) -> Result<Subject, Error> {
    match (step, assessment) {
        (Some(step), None) => Ok(Subject::Step(step)),
        (None, Some(assessment)) => Ok(Subject::Assessment(assessment)),
        _ => Err(Error::field("step_id", "or `assessment_id` must be given, and not both")),
    }
}

/// The version whose key counts, and which that is.
async fn key_of(conn: &mut PgConnection, guild: GuildId, new: &NewRegrade) -> Result<(i32, Snapshot), Error> {
    let current = current_version(&mut *conn, guild, new.quest_id).await?;
    let version = new.key_version.unwrap_or(current);
    if !(1..=current).contains(&version) {
        return Err(Error::field("key_version", format!("must be a version of the quest: 1 to {current}")));
    }
    Ok((version, version_read(conn, guild, new.quest_id, version).await?))
}

/// Tries with their answers.
async fn answered(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    subject: Subject,
    after: Option<TryId>,
) -> Result<Vec<(GradedTry, Vec<GradedResponse>)>, Error> {
    let tries = graded_tries(&mut *conn, guild, quest, subject, after, BATCH).await?;
    let ids: Vec<Uuid> = tries.iter().map(|one| one.id.get()).collect();
    let mut answers: HashMap<TryId, Vec<GradedResponse>> = HashMap::with_capacity(tries.len());
    for one in graded_responses(conn, guild, &ids).await? {
        answers.entry(one.try_id).or_default().push(one);
    }
    Ok(tries
        .into_iter()
        .map(|one| {
            let answers = answers.remove(&one.id).unwrap_or_default();
            (one, answers)
        })
        .collect())
}

/// What a regrade would change. Changes nothing.
#[kernel::boxed]
pub async fn regrade_preview(
    pool: &PgPool,
    guild: GuildId,
    new: &NewRegrade,
) -> Result<RegradePreview, Error> {
    let subject = subject_of(new.step_id, new.assessment_id)?;
    let mut tx = db::begin(pool).await?;
    let (key_version, snapshot) = key_of(&mut tx, guild, new).await?;
    if snapshot.coding(new.quest_id, subject).is_ok() {
        let message = "is a program, which has to be run again: ask for a regrade with `dry`, and look at it when it is done";
        let field = if new.step_id.is_some() { "step_id" } else { "assessment_id" };
        return Err(Error::field(field, message));
    }
    let key = Key::new(snapshot.quiz(new.quest_id, subject)?);
    let mut preview = RegradePreview { key_version, ..RegradePreview::default() };
    let mut after = None;
    loop {
        let batch = answered(&mut tx, guild, new.quest_id, subject, after).await?;
        let Some((last, _)) = batch.last() else { break };
        after = Some(last.id);
        preview.looked_at += batch.len();
        for (was, answers) in batch {
            if let Some(Regraded { now, .. }) = key.regrade(&was, answers, new.lowers) {
                count(&mut preview, &was, &now);
            }
        }
    }
    Ok(preview)
}

fn count(preview: &mut RegradePreview, was: &GradedTry, now: &GradedTry) {
    preview.raised += usize::from(share(now) > share(was));
    preview.lowered += usize::from(share(now) < share(was));
    preview.newly_passed += usize::from(now.passed && !was.passed);
    preview.newly_failed += usize::from(was.passed && !now.passed);
    let differs = share(now) != share(was) || now.passed != was.passed;
    if differs && preview.differences.len() < LISTED {
        preview.differences.push(difference(was, now));
    }
}

/// Asks for a regrade: a job does it. Audited.
#[kernel::boxed]
pub async fn regrade_create(
    pool: &PgPool,
    guild: GuildId,
    new: &NewRegrade,
    author: Author<'_>,
) -> Result<Regrade, Error> {
    let subject = subject_of(new.step_id, new.assessment_id)?;
    let reason = new.reason.trim();
    if reason.is_empty() || reason.chars().count() > 2_000 || reason.contains('\0') {
        return Err(Error::field("reason", "must be 1 to 2,000 characters long"));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let (version, snapshot) = key_of(&mut tx, guild, new).await?;
        if snapshot.coding(new.quest_id, subject).is_err() {
            snapshot.quiz(new.quest_id, subject)?;
        }
        let by = grader(&mut tx, &author).await?;
        let id = store::regrade_insert(&mut tx, guild, new, version, by).await?;
        let after = json!({ "quest_id": new.quest_id, "key_version": version, "lowers": new.lowers, "dry": new.dry, "reason": reason });
        let deed = Deed::new("REGRADE", "assessment.regrades", id.to_string()).after(after);
        deed.because(Some(reason)).record(&mut tx, guild, author).await?;
        let about = timers::Carry { regrade_id: id };
        timers::REGRADE.schedule(&mut tx, Some(guild), At::Now, &about).await?;
        let regrade = one(&mut tx, guild, id).await?;
        tx.commit().await?;
        Ok(regrade)
    })
    .await
}

/// The guild's regrades, the latest first.
pub async fn regrade_list(pool: &PgPool, guild: GuildId) -> Result<Vec<Regrade>, Error> {
    store::regrade_list(&mut *db::acquire(pool).await?, guild, None).await
}

/// A regrade, and how far it is.
pub async fn regrade_get(pool: &PgPool, guild: GuildId, id: RegradeId) -> Result<Regrade, Error> {
    one(&mut *db::acquire(pool).await?, guild, id).await
}

pub(super) async fn one(conn: &mut PgConnection, guild: GuildId, id: RegradeId) -> Result<Regrade, Error> {
    let found = store::regrade_list(conn, guild, Some(id)).await?;
    found.into_iter().next().ok_or(Error::NotFound("regrade"))
}

/// Carries a regrade through, batch by batch. Run again, by whomever, it goes on where it was.
pub async fn regrade_run(
    pool: &PgPool,
    sandbox: Option<&Sandbox>,
    guild: GuildId,
    id: RegradeId,
) -> Result<(), Error> {
    while regrade_step(pool, sandbox, guild, id).await? {}
    Ok(())
}

/// One batch; tells whether there is more to do.
pub async fn regrade_step(
    pool: &PgPool,
    sandbox: Option<&Sandbox>,
    guild: GuildId,
    id: RegradeId,
) -> Result<bool, Error> {
    let mut conn = db::acquire(pool).await?;
    let asked = one(&mut conn, guild, id).await?;
    let subject = subject_of(asked.step_id, asked.assessment_id)?;
    let snapshot = version_read(&mut conn, guild, asked.quest_id, asked.key_version).await?;
    drop(conn);
    if let Ok(program) = snapshot.coding(asked.quest_id, subject) {
        return programs::step(pool, sandbox, guild, &asked, subject, program).await;
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let Some(after) = store::regrade_lock(&mut tx, guild, id).await? else { return Ok(false) };
        let regrade = one(&mut tx, guild, id).await?;
        let (batch, differences) = batch(&mut tx, guild, &regrade, after).await?;
        store::regrade_advance(&mut tx, guild, id, batch, &differences).await?;
        tx.commit().await?;
        Ok(batch.last.is_some())
    })
    .await
}

async fn batch(
    conn: &mut PgConnection,
    guild: GuildId,
    regrade: &Regrade,
    after: Option<TryId>,
) -> Result<(Batch, Vec<Difference>), Error> {
    let quest = regrade.quest_id;
    let subject = subject_of(regrade.step_id, regrade.assessment_id)?;
    let snapshot = version_read(&mut *conn, guild, quest, regrade.key_version).await?;
    let key = Key::new(snapshot.quiz(quest, subject)?);
    // Read again under the locks: another regrade may have been there, or somebody new.
    let mut locked: Vec<Learner> = Vec::new();
    let mut tries = answered(&mut *conn, guild, quest, subject, after).await?;
    loop {
        let known: HashSet<LearnerId> = locked.iter().map(|learner| learner.id).collect();
        let wanted: BTreeSet<Uuid> = tries
            .iter()
            .filter(|(one, _)| !known.contains(&one.learner))
            .map(|(one, _)| one.learner.get())
            .collect();
        if wanted.is_empty() {
            break;
        }
        locked.extend(learners_lock(&mut *conn, guild, &wanted.into_iter().collect::<Vec<_>>()).await?);
        tries = answered(&mut *conn, guild, quest, subject, after).await?;
    }
    let (last, looked_at) = (tries.last().map(|(one, _)| one.id), tries.len());
    let changes: Vec<(GradedTry, Regraded)> = tries
        .into_iter()
        .filter_map(|(was, answers)| key.regrade(&was, answers, regrade.lowers).map(|now| (was, now)))
        .collect();
    let differ: Vec<(&GradedTry, &GradedTry)> = changes
        .iter()
        .map(|(was, regraded)| (was, &regraded.now))
        .filter(|(was, now)| (was.score, was.full, was.passed) != (now.score, now.full, now.passed))
        .collect();
    let passed: Vec<&GradedTry> =
        differ.iter().filter(|(was, now)| now.passed && !was.passed).map(|(_, now)| *now).collect();
    if !regrade.dry {
        let now: Vec<GradedTry> = changes.iter().map(|(_, regraded)| regraded.now.clone()).collect();
        let responses: Vec<GradedResponse> =
            changes.iter().flat_map(|(_, regraded)| regraded.responses.iter().cloned()).collect();
        tries_regrade(&mut *conn, guild, subject, &now, &responses).await?;
        store::regrades_record(&mut *conn, guild, regrade, &differ).await?;
        newly_passed(&mut *conn, &locked, quest, subject, &passed).await?;
    }
    let batch = Batch { last, looked_at, changed: differ.len(), passed: passed.len() };
    Ok((batch, differences(regrade, &differ)))
}

/// Of what a batch changes as much as the list still takes.
pub(super) fn differences(regrade: &Regrade, differ: &[(&GradedTry, &GradedTry)]) -> Vec<Difference> {
    let left = LISTED.saturating_sub(regrade.differences.len());
    differ.iter().take(left).map(|(was, now)| difference(was, now)).collect()
}

fn difference(was: &GradedTry, now: &GradedTry) -> Difference {
    Difference {
        try_id: was.id,
        user_id: was.user,
        from: percent(share(was)),
        to: percent(share(now)),
        passed_before: was.passed,
        passed: now.passed,
    }
}

/// What passes now brings what it lacked: once, whatever else passed before. Their learners are locked.
pub(super) async fn newly_passed(
    conn: &mut PgConnection,
    locked: &[Learner],
    quest: QuestId,
    subject: Subject,
    passed: &[&GradedTry],
) -> Result<(), Error> {
    let Some(guild) = locked.first().map(|learner| learner.guild) else { return Ok(()) };
    let mut left = passed.to_vec();
    while !left.is_empty() {
        // Of each learner one: their tries come one after the other.
        let mut now: HashMap<LearnerId, &GradedTry> = HashMap::with_capacity(left.len());
        left.retain(|one| match now.entry(one.learner) {
            Entry::Vacant(free) => {
                free.insert(one);
                false
            }
            Entry::Occupied(_) => true,
        });
        let learners: Vec<Learner> =
            locked.iter().filter(|learner| now.contains_key(&learner.id)).copied().collect();
        let mut works = Work::of(&mut *conn, guild, &learners, quest).await?;
        let outcomes = works.iter_mut().filter_map(|work| {
            let one = now.get(&work.learner.id)?;
            let outcome = Outcome { grade: share(one), passed: true, ..Outcome::default() };
            counts(work, subject, one).then_some((work, outcome))
        });
        judged_all(&mut *conn, guild, subject, outcomes.collect()).await?;
    }
    Ok(())
}

/// Whether a try is of the attempt as it is now, and of what its version has.
fn counts(work: &Work, subject: Subject, one: &GradedTry) -> bool {
    match subject {
        Subject::Step(id) => {
            work.attempt.status != AttemptStatus::Abandoned
                && work.attempt.restarts == one.run
                && work.step(id).is_ok()
        }
        Subject::Assessment(id) => work.assessment(id).is_ok(),
    }
}
