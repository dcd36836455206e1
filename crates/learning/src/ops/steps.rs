//! Steps that learners open, confirm and skip.

use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::PgPool;

use super::complete::step_done;
use super::states::attempt_view;
use super::work::Work;
use crate::error::Error;
use crate::ids::{QuestId, StepId};
use crate::model::learner::{AttemptView, Confirmation};
use crate::model::quest::StepType;
use crate::store::{self, StepStatus};

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

/// A learner confirms a step that is completed by confirming. Doing it again changes nothing.
#[kernel::boxed]
pub async fn step_complete(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    step: StepId,
    confirmation: &Confirmation,
) -> Result<AttemptView, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let mut work = Work::lock(&mut tx, guild, user, quest).await?;
        let what = work.step(step)?.clone();
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
        let note = confirmation.note.as_deref().map(str::trim).unwrap_or_default();
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
        let mut state = work.state(step);
        if !note.is_empty() {
            state.submission = Some(json!({ "note": note }));
        }
        step_done(&mut tx, &mut work, step, &what, state).await?;
        let view = attempt_view(&mut tx, &work).await?;
        tx.commit().await?;
        Ok(view)
    })
    .await
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
