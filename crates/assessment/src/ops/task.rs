//! What is judged, and who judges: out of the version that a submission names.

use access::{Author, Bearer, By, Person};
use kernel::{GuildId, UserId};
use learning::ids::{QuestId, Subject};
use learning::model::assessment::{AssessmentType, Peers, Review, RubricVisibility};
use learning::ops::{Work, person_of, version_read};
use learning::store::Snapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::ids::SubmissionId;
use crate::store::{self, SubmissionRow};

/// What people look at.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) title: String,
    pub(crate) description: String,
    /// None for a step.
    pub(crate) kind: Option<AssessmentType>,
    pub(crate) review: Review,
}

impl Task {
    /// How learners review each other, where they do.
    pub(crate) fn peers(&self) -> Option<Peers> {
        (self.kind == Some(AssessmentType::PeerReview)).then(|| self.review.peers.unwrap_or_default())
    }
}

/// What is judged of a version: a `Submission` step, or an assessment that people judge.
pub(crate) fn task_of(version: &Snapshot, quest: QuestId, subject: Subject) -> Result<Task, Error> {
    let nothing = || Error::state("Nothing is handed in for this.");
    match subject {
        Subject::Step(id) => {
            let step = version.step(id).ok_or(Error::NotFound("step"))?;
            let wanted = step.submission.as_ref().ok_or_else(nothing)?;
            Ok(Task {
                title: step.title.clone(),
                description: step.description.clone(),
                kind: None,
                review: Review {
                    rubric: wanted.rubric.clone(),
                    rubric_visibility: RubricVisibility::Never,
                    pass_percent: wanted.pass_percent,
                    max_tries: wanted.max_tries,
                    due_at: None,
                    grace_minutes: 0,
                    late_percent_per_day: 0,
                    late_days: 0,
                    peers: None,
                },
            })
        }
        Subject::Assessment(id) => {
            let one = version.assessment(quest, id).ok_or(Error::NotFound("assessment"))?;
            Ok(Task {
                title: one.title.clone(),
                description: one.description.clone(),
                kind: Some(one.kind),
                review: one.review.clone().ok_or_else(nothing)?,
            })
        }
    }
}

/// What a submission is judged by: its own version's.
pub(crate) async fn task_read(
    conn: &mut PgConnection,
    guild: GuildId,
    row: &SubmissionRow,
) -> Result<Task, Error> {
    let version = version_read(conn, guild, row.quest, row.version).await?;
    task_of(&version, row.quest, row.subject()?)
}

/// A submission with everything locked that its grade touches: the assessment, its author, itself as it is then.
pub(crate) struct Held {
    pub(crate) row: SubmissionRow,
    pub(crate) work: Work,
    pub(crate) task: Task,
}

#[kernel::boxed]
pub(crate) async fn held(conn: &mut PgConnection, guild: GuildId, id: SubmissionId) -> Result<Held, Error> {
    let row = store::submission_get(&mut *conn, guild, id).await?;
    if let Some(assessment) = row.assessment {
        store::assessment_lock(&mut *conn, guild, assessment).await?;
    }
    let work = Work::lock(&mut *conn, guild, row.user, row.quest).await?;
    // Read again under the locks: somebody else may have been there first.
    let row = store::submission_get(&mut *conn, guild, id).await?;
    let task = task_read(conn, guild, &row).await?;
    Ok(Held { row, work, task })
}

/// Who grades: the person, else the key that is nobody's or the administrator; of the command line none.
pub(crate) async fn grader(conn: &mut PgConnection, author: &Author<'_>) -> Result<Option<Uuid>, Error> {
    if let Some(person) = person_of(&mut *conn, author).await? {
        return Ok(Some(person));
    }
    let By::Key(actor) = author.by else { return Ok(None) };
    Ok(match &actor.bearer {
        Bearer::Key { id, .. } => Some(id.get()),
        Bearer::Session(session) => match session.person {
            Person::Admin { id, .. } => Some(id),
            Person::User(_) => None,
        },
    })
}

pub(crate) fn read<T: DeserializeOwned>(what: &'static str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Corrupt(what, error))
}

pub(crate) fn written<T: Serialize>(what: &'static str, value: &T) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Corrupt(what, error))
}

/// Hundredths of a percent as a decimal.
pub(crate) fn percent(hundredths: i32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// An event for who may grade, and nobody else.
pub(crate) fn for_graders(
    guild: GuildId,
    event_type: &'static str,
    row: &SubmissionRow,
) -> jobs::outbox::Event {
    jobs::outbox::Event {
        guild_id: guild,
        event_type,
        subject: format!("assessment/submissions/{}", row.id),
        correlation_id: None,
        user_id: Some(UserId::HOUSE),
        payload: json!({ "submission_id": row.id, "user_id": row.user, "quest_id": row.quest, "assessment_id": row.assessment,
                         "step_id": row.step }),
    }
}
