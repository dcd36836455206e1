//! Steps that learners open, confirm and skip.

use std::collections::{BTreeMap, HashMap};

use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::complete::{StepDone, steps_done};
use super::states::{attempt_shown, attempt_view};
use super::work::{Work, not_begun};
use crate::error::Error;
use crate::ids::{QuestId, StepId};
use crate::model::learner::{AttemptView, Confirmation};
use crate::model::quest::StepType;
use crate::store::{self, Learner, StepState, StepStatus};

/// A learner opens a step. Doing it again changes nothing.
pub async fn step_open(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    step: StepId,
) -> Result<AttemptView, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        work.step(step)?;
        work.ensure_active()?;
        let mut state = work.state(step);
        if state.status == StepStatus::NotStarted {
            state.status = StepStatus::InProgress;
            store::step_put(&mut tx, &work.learner, work.attempt.id, step, &state).await?;
            store::event_insert(&mut tx, &work.learner, &work.event("opened", Some(step), json!({}))).await?;
            work.states.insert(step, state);
        }
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}

/// A step that a learner confirms.
#[derive(Debug, Clone)]
pub(crate) struct Confirmed {
    pub(crate) guild: GuildId,
    pub(crate) user: UserId,
    pub(crate) quest: QuestId,
    pub(crate) step: StepId,
    pub(crate) confirmation: Confirmation,
}

/// A learner confirms a step that is completed by confirming. Doing it again changes nothing. Where many do so,
/// [`crate::StepDesk`] completes theirs together.
pub async fn step_complete(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    step: StepId,
    confirmation: &Confirmation,
) -> Result<AttemptView, Error> {
    let one = Confirmed { guild, user, quest, step, confirmation: confirmation.clone() };
    let mut all = steps_complete(pool, guild, &[one]).await?;
    all.pop().unwrap_or(Err(Error::NotFound("step")))
}

/// Learners of a guild confirm steps, each one, in one transaction. What one is refused is no other's matter.
#[kernel::boxed]
pub(crate) async fn steps_complete(
    pool: &PgPool,
    guild: GuildId,
    confirmed: &[Confirmed],
) -> Result<Vec<Result<AttemptView, Error>>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let quests: Vec<Uuid> = confirmed.iter().map(|one| one.quest.get()).collect();
        let current = store::current_versions(&mut tx, guild, &quests).await?;
        let mut works = works(&mut tx, guild, confirmed).await?;
        let mut refused: HashMap<UserId, Error> = HashMap::new();
        let mut done = Vec::with_capacity(works.len());
        let asked: HashMap<UserId, &Confirmed> = confirmed.iter().map(|one| (one.user, one)).collect();
        for work in &mut works {
            let user = work.learner.user;
            let Some(one) = asked.get(&user) else { continue };
            match confirm(work, one) {
                Ok((experience_points, state)) => {
                    done.push(StepDone { work, id: one.step, experience_points, state });
                }
                Err(error) => drop(refused.insert(user, error)),
            }
        }
        steps_done(&mut tx, guild, done).await?;
        tx.commit().await?;
        let works: HashMap<UserId, &Work> = works.iter().map(|work| (work.learner.user, work)).collect();
        let outcomes = confirmed.iter().map(|one| {
            if let Some(error) = refused.remove(&one.user) {
                return Err(error);
            }
            let current = *current.get(&one.quest).ok_or(Error::NotFound("quest"))?;
            works.get(&one.user).map(|work| attempt_shown(work, current)).ok_or_else(not_begun)
        });
        Ok(outcomes.collect())
    })
    .await
}

/// The attempts that they are of, locked with their learners. Who has begun nothing is not among them.
async fn works(conn: &mut PgConnection, guild: GuildId, confirmed: &[Confirmed]) -> Result<Vec<Work>, Error> {
    let users: Vec<UserId> = confirmed.iter().map(|one| one.user).collect();
    let learners = store::members_lock(&mut *conn, guild, &users).await?;
    let quest_of: HashMap<UserId, QuestId> = confirmed.iter().map(|one| (one.user, one.quest)).collect();
    let mut by_quest: BTreeMap<QuestId, Vec<Learner>> = BTreeMap::new();
    for learner in learners {
        if let Some(quest) = quest_of.get(&learner.user) {
            by_quest.entry(*quest).or_default().push(learner);
        }
    }
    let mut works = Vec::with_capacity(confirmed.len());
    for (quest, learners) in by_quest {
        works.extend(Work::of(&mut *conn, guild, &learners, quest).await?);
    }
    Ok(works)
}

/// What the step brings, and how it stands then, but for being completed; or why it cannot be confirmed.
fn confirm(work: &Work, one: &Confirmed) -> Result<(i32, StepState), Error> {
    let what = work.step(one.step)?;
    work.ensure_active()?;
    if what.elsewhere.is_some() {
        return Err(Error::state("This step is completed by what happens elsewhere in the guild."));
    }
    match what.step_type {
        StepType::Quiz => return Err(Error::state("A quiz is completed by passing it.")),
        StepType::Coding => return Err(Error::state("A program is completed by passing its tests.")),
        StepType::Submission => {
            return Err(Error::state("This step is completed by what you hand in being accepted."));
        }
        _ => {}
    }
    let note = one.confirmation.note.as_deref().map(str::trim).unwrap_or_default();
    let length = note.chars().count();
    if length > 20_000 {
        return Err(Error::field("note", "must be at most 20,000 characters long"));
    }
    if length < what.note_characters as usize {
        return Err(Error::field(
            "note",
            format!("must be at least {} characters long", what.note_characters),
        ));
    }
    let mut state = work.state(one.step);
    if !note.is_empty() {
        state.submission = Some(json!({ "note": note }));
    }
    Ok((what.experience_points, state))
}

/// A learner leaves an optional step out. Doing it again changes nothing.
pub async fn step_skip(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    step: StepId,
) -> Result<AttemptView, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        if !work.step(step)?.optional {
            return Err(Error::state("This step is not optional."));
        }
        work.ensure_active()?;
        let mut state = work.state(step);
        match state.status {
            StepStatus::Completed => return Err(Error::state("This step is completed already.")),
            StepStatus::Skipped => {}
            StepStatus::NotStarted | StepStatus::InProgress => {
                state.status = StepStatus::Skipped;
                store::step_put(&mut tx, &work.learner, work.attempt.id, step, &state).await?;
                store::event_insert(&mut tx, &work.learner, &work.event("skipped", Some(step), json!({})))
                    .await?;
                work.states.insert(step, state);
            }
        }
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
}
