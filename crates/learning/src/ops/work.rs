//! What an operation in an attempt works with: the learner's lock, the attempt, its version and how its steps stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{GuildId, UserId};
use serde::Deserialize as _;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::files::files_view;
use crate::error::Error;
use crate::ids::{AssessmentId, AttemptId, QuestId, StepId, Subject};
use crate::model::assessment::Assessment;
use crate::model::coding::Coding;
use crate::model::learner::FileView;
use crate::model::quest::{QuestDocument, Step};
use crate::model::quiz::Quiz;
use crate::rules::banks::fill;
use crate::rules::progress::Progress;
use crate::store::{
    self, Attempt, AttemptEvent, AttemptStatus, Learner, QuestSeen, Snapshot, StepState, StepStatus,
    attempts_at, learner_lock, states_of,
};

/// An attempt that is locked with its learner.
#[derive(Debug)]
pub struct Work {
    /// The learner.
    pub learner: Learner,
    /// Their attempt.
    pub attempt: Attempt,
    /// Its version.
    pub version: Arc<Snapshot>,
    /// How its steps stand; those that were never touched are not among them.
    pub states: BTreeMap<StepId, StepState>,
    /// Assessments that are passed.
    pub passed: BTreeSet<AssessmentId>,
}

/// A version of a quest, read back.
#[kernel::boxed]
pub async fn version_read(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
    version: i32,
) -> Result<Snapshot, Error> {
    snapshot_read(&store::snapshot_get(conn, guild, quest, version).await?)
}

/// Versions of quests, read back: those of these that there are.
pub async fn versions_read(
    conn: &mut PgConnection,
    guild: GuildId,
    asked: &BTreeSet<(QuestId, i32)>,
) -> Result<BTreeMap<(QuestId, i32), Snapshot>, Error> {
    let snapshots = store::snapshots_get(conn, guild, asked).await?;
    snapshots.into_iter().map(|(which, snapshot)| Ok((which, snapshot_read(&snapshot)?))).collect()
}

fn snapshot_read(snapshot: &Value) -> Result<Snapshot, Error> {
    let mut read =
        Snapshot::deserialize(snapshot).map_err(|error| Error::Corrupt("a quest's version", error))?;
    // Learners meet a bank's questions as a pool of the quiz.
    fill(&mut read.quest, &read.banks);
    Ok(read)
}

impl QuestSeen {
    /// The version that is begun now, read back.
    pub fn current(&self) -> Result<Snapshot, Error> {
        snapshot_read(&self.snapshot)
    }

    /// The version of the attempt, read back, where that is another.
    pub(crate) fn other(&self) -> Result<Option<Snapshot>, Error> {
        self.begun.as_ref().and_then(|begun| begun.snapshot.as_ref()).map(snapshot_read).transpose()
    }

    /// The version that the member is in the middle of, else the one that is begun now.
    pub fn own(&self) -> Result<Snapshot, Error> {
        match self.other()? {
            Some(other) => Ok(other),
            None => self.current(),
        }
    }
}

/// An attempt, its version and how its steps stand, to be looked at.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) guild: GuildId,
    pub(crate) attempt: &'a Attempt,
    pub(crate) version: &'a Snapshot,
    pub(crate) states: &'a BTreeMap<StepId, StepState>,
    pub(crate) passed: &'a BTreeSet<AssessmentId>,
}

impl Seen<'_> {
    /// How a step stands.
    pub(crate) fn state(&self, id: StepId) -> StepState {
        self.states.get(&id).cloned().unwrap_or_default()
    }

    /// How much of the attempt's version is done.
    pub(crate) fn progress(&self) -> Progress {
        self.progress_in(self.version)
    }

    /// How much of another version would be done: what is done stays done.
    pub(crate) fn progress_in(&self, version: &Snapshot) -> Progress {
        let steps = version.quest.steps.iter().filter(|step| !step.optional).map(|step| {
            version.id(&step.slug).is_some_and(|id| self.state(id).status == StepStatus::Completed)
        });
        let assessments = version.quest.assessments.iter().filter(|one| one.counts());
        let passed =
            assessments.map(|one| self.passed.contains(&AssessmentId::of(self.attempt.quest, &one.slug)));
        Progress::of(steps.chain(passed))
    }
}

/// Why nothing can be done in an attempt that there is not.
pub(crate) fn not_begun() -> Error {
    Error::state("You have not begun this quest; begin it first.")
}

/// The assessments of an attempt that are passed.
pub(crate) async fn passed_of(
    conn: &mut PgConnection,
    guild: GuildId,
    attempt: &Attempt,
    version: &Snapshot,
) -> Result<BTreeSet<AssessmentId>, Error> {
    if version.quest.assessments.is_empty() {
        return Ok(BTreeSet::new());
    }
    let stand = store::assessments_of(conn, guild, attempt.id).await?;
    Ok(stand.into_iter().filter(|(_, one)| one.passed_at.is_some()).map(|(id, _)| id).collect())
}

impl Work {
    /// Files of the attempt's version.
    pub(crate) fn files(&self) -> Vec<FileView> {
        let of = (self.attempt.quest, self.attempt.version);
        files_view(self.learner.guild, of, &self.version.quest, None)
    }

    /// Locks the member's attempt at a quest.
    #[kernel::boxed]
    pub async fn lock(
        conn: &mut PgConnection,
        guild: GuildId,
        user: UserId,
        quest: QuestId,
    ) -> Result<Self, Error> {
        store::quest_published(&mut *conn, guild, quest).await?;
        let learner = learner_lock(&mut *conn, guild, user).await?;
        let mut work = Self::of(conn, guild, &[learner], quest).await?;
        work.pop().ok_or_else(not_begun)
    }

    /// The attempts at a quest of learners who are locked already, all of one guild. Who has none is not among them.
    pub async fn of(
        conn: &mut PgConnection,
        guild: GuildId,
        learners: &[Learner],
        quest: QuestId,
    ) -> Result<Vec<Self>, Error> {
        let ids: Vec<Uuid> = learners.iter().map(|learner| learner.id.get()).collect();
        let mut attempts = attempts_at(&mut *conn, guild, &ids, quest).await?;
        let mut versions: BTreeMap<i32, Arc<Snapshot>> = BTreeMap::new();
        for version in attempts.values().map(|attempt| attempt.version).collect::<BTreeSet<i32>>() {
            versions.insert(version, Arc::new(version_read(&mut *conn, guild, quest, version).await?));
        }
        let ids: Vec<Uuid> = attempts.values().map(|attempt| attempt.id.get()).collect();
        let mut states = states_of(&mut *conn, guild, &ids).await?;
        let assessed = versions.values().any(|version| !version.quest.assessments.is_empty());
        let stand = if assessed { store::assessments_in(conn, guild, &ids).await? } else { HashMap::new() };
        let of_attempt = |id: AttemptId| {
            let passed = stand.get(&id).into_iter().flatten().filter(|(_, one)| one.passed_at.is_some());
            passed.map(|(id, _)| *id).collect()
        };
        let mut all = Vec::with_capacity(attempts.len());
        for learner in learners {
            let Some(attempt) = attempts.remove(&learner.id) else { continue };
            let version = versions.get(&attempt.version).ok_or(Error::NotFound("version"))?;
            let version = Arc::clone(version);
            let states = states.remove(&attempt.id).unwrap_or_default();
            let passed = of_attempt(attempt.id);
            all.push(Self { learner: *learner, attempt, version, states, passed });
        }
        Ok(all)
    }

    /// The document of the attempt's version.
    pub fn document(&self) -> &QuestDocument {
        &self.version.quest
    }

    /// The step of this id in the attempt's version.
    pub fn step(&self, id: StepId) -> Result<&Step, Error> {
        self.version.step(id).ok_or(Error::NotFound("step"))
    }

    /// The assessment of this id in the attempt's version.
    pub fn assessment(&self, id: AssessmentId) -> Result<&Assessment, Error> {
        self.version.assessment(self.attempt.quest, id).ok_or(Error::NotFound("assessment"))
    }

    /// The quiz that a step or an assessment is.
    pub(crate) fn quiz(&self, subject: Subject) -> Result<&Quiz, Error> {
        self.version.quiz(self.attempt.quest, subject)
    }

    /// The program to write that a step or an assessment is.
    pub(crate) fn coding(&self, subject: Subject) -> Result<&Coding, Error> {
        self.version.coding(self.attempt.quest, subject)
    }

    /// Whether a step is completed, or an assessment passed.
    pub fn is_done(&self, subject: Subject) -> bool {
        match subject {
            Subject::Step(id) => self.state(id).status == StepStatus::Completed,
            Subject::Assessment(id) => self.passed.contains(&id),
        }
    }

    /// How a step stands.
    pub fn state(&self, id: StepId) -> StepState {
        self.seen().state(id)
    }

    /// Refuses unless the learner is at it, or has completed it and does what is left over.
    pub fn ensure_active(&self) -> Result<(), Error> {
        match self.attempt.status {
            AttemptStatus::InProgress | AttemptStatus::Completed => Ok(()),
            AttemptStatus::Paused => Err(Error::state("The attempt is paused; resume it first.")),
            AttemptStatus::Abandoned => Err(Error::state("The attempt was abandoned; begin it anew first.")),
        }
    }

    /// It, to be looked at.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            guild: self.learner.guild,
            attempt: &self.attempt,
            version: &self.version,
            states: &self.states,
            passed: &self.passed,
        }
    }

    /// How much of the attempt's version is done.
    pub(crate) fn progress(&self) -> Progress {
        self.seen().progress()
    }

    /// How much of another version would be done: what is done stays done.
    pub(crate) fn progress_in(&self, version: &Snapshot) -> Progress {
        self.seen().progress_in(version)
    }

    /// The first step that is neither done nor skipped.
    pub(crate) fn current(&self) -> Option<StepId> {
        let ids = self.version.quest.steps.iter().filter_map(|step| self.version.id(&step.slug));
        ids.into_iter()
            .find(|id| !matches!(self.state(*id).status, StepStatus::Completed | StepStatus::Skipped))
    }

    /// An event of this attempt.
    pub fn event<'a>(&self, event_type: &'a str, step: Option<StepId>, details: Value) -> AttemptEvent<'a> {
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
    pub fn step(&self, id: StepId) -> Option<&Step> {
        let (slug, _) = self.steps.iter().find(|(_, one)| **one == id.get())?;
        self.quest.step(slug)
    }

    /// The quiz that a step or an assessment is; `quest` is the quest that it is a version of.
    pub fn quiz(&self, quest: QuestId, subject: Subject) -> Result<&Quiz, Error> {
        let quiz = match subject {
            Subject::Step(id) => self.step(id).ok_or(Error::NotFound("step"))?.quiz.as_ref(),
            Subject::Assessment(id) => {
                self.assessment(quest, id).ok_or(Error::NotFound("assessment"))?.quiz.as_ref()
            }
        };
        quiz.ok_or_else(|| Error::state("This is no quiz."))
    }

    /// The program to write that a step or an assessment is; `quest` is the quest that it is a version of.
    pub fn coding(&self, quest: QuestId, subject: Subject) -> Result<&Coding, Error> {
        let coding = match subject {
            Subject::Step(id) => self.step(id).ok_or(Error::NotFound("step"))?.coding.as_ref(),
            Subject::Assessment(id) => {
                self.assessment(quest, id).ok_or(Error::NotFound("assessment"))?.coding.as_ref()
            }
        };
        coding.ok_or_else(|| Error::state("This asks for no program."))
    }

    /// The assessment of this id; `quest` is the quest that it is a version of.
    pub fn assessment(&self, quest: QuestId, id: AssessmentId) -> Option<&Assessment> {
        self.quest.assessments.iter().find(|one| AssessmentId::of(quest, &one.slug) == id)
    }
}
