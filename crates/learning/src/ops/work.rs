//! What an operation in an attempt works with: the learner's lock, the attempt, its version and how its steps stand.

use std::collections::BTreeMap;

use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Error;
use crate::ids::{QuestId, StepId};
use crate::model::quest::{QuestDocument, Step};
use crate::rules::progress::Progress;
use crate::store::{
    self, Attempt, AttemptEvent, AttemptStatus, Learner, Snapshot, StepState, StepStatus, attempt_get,
    learner_lock, step_states,
};

/// An attempt that is locked with its learner.
pub(crate) struct Work {
    pub(crate) learner: Learner,
    pub(crate) attempt: Attempt,
    pub(crate) version: Snapshot,
    pub(crate) states: BTreeMap<StepId, StepState>,
}

/// A version of a quest, read back.
pub(crate) async fn version_read(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    version: i32,
) -> Result<Snapshot, Error> {
    let snapshot = store::snapshot_get(conn, guild, quest, version).await?;
    serde_json::from_value(snapshot).map_err(|error| Error::Corrupt("a quest's version", error))
}

impl Work {
    /// Locks the member's attempt at a quest.
    pub(crate) async fn lock(
        conn: &mut PgConnection,
        guild: GuildId,
        user: UserId,
        quest: QuestId,
    ) -> Result<Self, Error> {
        store::quest_published(&mut *conn, guild, quest).await?;
        let learner = learner_lock(&mut *conn, guild, user).await?;
        let attempt = attempt_get(&mut *conn, guild, learner.id, quest)
            .await?
            .ok_or_else(|| Error::state("You have not begun this quest; begin it first."))?;
        let version = version_read(&mut *conn, guild, quest, attempt.version).await?;
        let states = step_states(conn, guild, attempt.id).await?;
        Ok(Self { learner, attempt, version, states })
    }

    /// The document of the attempt's version.
    pub(crate) fn document(&self) -> &QuestDocument {
        &self.version.quest
    }

    /// The step of this id in the attempt's version.
    pub(crate) fn step(&self, id: StepId) -> Result<&Step, Error> {
        self.version.step(id).ok_or(Error::NotFound("step"))
    }

    /// How a step stands.
    pub(crate) fn state(&self, id: StepId) -> StepState {
        self.states.get(&id).cloned().unwrap_or_default()
    }

    /// Refuses unless the learner is at it, or has completed it and does what is left over.
    pub(crate) fn ensure_active(&self) -> Result<(), Error> {
        match self.attempt.status {
            AttemptStatus::InProgress | AttemptStatus::Completed => Ok(()),
            AttemptStatus::Paused => Err(Error::state("The attempt is paused; resume it first.")),
            AttemptStatus::Abandoned => Err(Error::state("The attempt was abandoned; begin it anew first.")),
        }
    }

    /// How much of the attempt's version is done.
    pub(crate) fn progress(&self) -> Progress {
        let mandatory = self.version.quest.steps.iter().filter(|step| !step.optional);
        Progress::of(mandatory.map(|step| {
            self.version.id(&step.slug).is_some_and(|id| self.state(id).status == StepStatus::Completed)
        }))
    }

    /// The first step that is neither done nor skipped.
    pub(crate) fn current(&self) -> Option<StepId> {
        let ids = self.version.quest.steps.iter().filter_map(|step| self.version.id(&step.slug));
        ids.into_iter()
            .find(|id| !matches!(self.state(*id).status, StepStatus::Completed | StepStatus::Skipped))
    }

    /// An event of this attempt.
    pub(crate) fn event<'a>(
        &self,
        event_type: &'a str,
        step: Option<StepId>,
        details: Value,
    ) -> AttemptEvent<'a> {
        AttemptEvent {
            attempt: self.attempt.id,
            quest: self.attempt.quest,
            version: self.attempt.version,
            run: self.attempt.restarts,
            event_type,
            step,
            details,
        }
    }
}

impl Snapshot {
    /// The id of the step with this short name.
    pub(crate) fn id(&self, slug: &str) -> Option<StepId> {
        self.steps.get(slug).copied().map(StepId::new)
    }

    /// The step of this id.
    pub(crate) fn step(&self, id: StepId) -> Option<&Step> {
        let (slug, _) = self.steps.iter().find(|(_, one)| **one == id.get())?;
        self.quest.step(slug)
    }
}
