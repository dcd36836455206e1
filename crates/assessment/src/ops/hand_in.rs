//! Learners hand in what people judge.

use chrono::{DateTime, Utc};
use jobs::outbox;
use jobs::timers::At;
use kernel::{GuildId, UserId};
use learning::error::NO_TRIES;
use learning::ids::{QuestId, Subject};
use learning::model::assessment::{AssessmentType, Peers};
use learning::ops::{Work as Attempt, version_read};
use learning::store::{attempt_get, event_insert, learner_find};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::task::{for_graders, task_of, written};
use super::views::waiting_in;
use crate::error::{Error, TOO_LATE};
use crate::ids::SubmissionId;
use crate::model::submission::HandedIn;
use crate::model::work::Work;
use crate::rules::late::{Lateness, lateness};
use crate::store::{self, AssessmentLock, NewSubmission};
use crate::timers;

/// A learner hands something in, for a step or an assessment. While it waits, nothing else can be handed in for it.
#[kernel::boxed]
pub async fn submission_create(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    subject: Subject,
    work: &Work,
) -> Result<HandedIn, Error> {
    work_check(work)?;
    let data = written("what was handed in", work)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let lock = row_lock(&mut tx, guild, user, quest, subject).await?;
        let mut attempt = Attempt::lock(&mut tx, guild, user, quest).await?;
        let task = task_of(&attempt.version, quest, subject)?;
        attempt.ensure_active()?;
        if let Subject::Step(_) = subject
            && attempt.is_done(subject)
        {
            return Err(Error::state("This step is completed already."));
        }
        let (used, waits) = store::submissions_count(&mut tx, guild, attempt.attempt.id, subject).await?;
        if waits {
            return Err(Error::state("What you handed in before waits for its review."));
        }
        let max = task.review.max_tries.map(|max| i32::try_from(max).unwrap_or(i32::MAX));
        if max.is_some_and(|max| used >= max) {
            let why = "You have handed in as often as you may.".to_owned();
            return Err(Error::Refused(NO_TRIES, why));
        }
        let extension = match subject {
            Subject::Step(_) => None,
            Subject::Assessment(id) => store::extension_get(&mut tx, guild, id, attempt.learner.id).await?,
        };
        let now = db::now(&mut tx).await?;
        let late_seconds = match lateness(&task.review, extension, now) {
            Lateness::InTime => 0,
            Lateness::Late(seconds) => seconds,
            Lateness::Over(since) => {
                let why = format!("Nothing is taken any more since {}.", since.format("%Y-%m-%d %H:%M UTC"));
                return Err(Error::Refused(TOO_LATE, why));
            }
        };
        let number = used + 1;
        let peers = task.peers();
        let peer_hours = peers.map(|peers| i32::try_from(peers.deadline_hours).unwrap_or(i32::MAX));
        let new = NewSubmission { subject, number, data: &data, late_seconds, peer_hours };
        let (id, review_due_at) = store::submission_insert(&mut tx, &attempt, &new).await?;
        learning::ops::opened(&mut tx, &mut attempt, subject, number).await?;
        let details = json!({ "submission": id, "number": number, "assessment": subject.assessment() });
        event_insert(&mut tx, &attempt.learner, &attempt.event("submitted", subject.step(), details)).await?;
        let row = store::submission_get(&mut tx, guild, id).await?;
        let mut events = vec![for_graders(guild, "assessment.submitted", &row)];
        if let (Some(peers), Some(lock), Some(due)) = (peers, &lock, review_due_at) {
            events.extend(given_to_peers(&mut tx, lock, &attempt, peers, id, due).await?);
        }
        outbox::emit(&mut tx, &events).await?;
        let waiting = waiting_in(&mut tx, guild).await?;
        tx.commit().await?;
        Ok(HandedIn {
            id,
            attempt_number: number,
            tries_left: max.map(|max| max - number),
            late_seconds,
            waiting,
        })
    })
    .await
}

/// The assessment's row, made if there is none; locked where its reviews are given out. Before the learner's lock, as everywhere.
async fn row_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    subject: Subject,
) -> Result<Option<AssessmentLock>, Error> {
    let Subject::Assessment(id) = subject else { return Ok(None) };
    // Whatever is not so is refused once the learner is locked.
    let Some(learner) = learner_find(&mut *conn, guild, user).await? else { return Ok(None) };
    let Some(attempt) = attempt_get(&mut *conn, guild, learner, quest).await? else { return Ok(None) };
    let version = version_read(&mut *conn, guild, quest, attempt.version).await?;
    let one = version.assessment(quest, id).ok_or(Error::NotFound("assessment"))?;
    store::assessment_ensure(&mut *conn, guild, quest, &one.slug, one.kind).await?;
    if one.kind != AssessmentType::PeerReview {
        return Ok(None);
    }
    store::assessment_lock(conn, guild, id).await.map(Some)
}

/// What handing in for peers brings besides: debt, the timer after which it falls to the instructors, and a word to those who owe.
async fn given_to_peers(
    conn: &mut PgConnection,
    lock: &AssessmentLock,
    attempt: &Attempt,
    peers: Peers,
    id: SubmissionId,
    due: DateTime<Utc>,
) -> Result<Vec<outbox::Event>, Error> {
    let learner = attempt.learner;
    store::debt_add(&mut *conn, lock, learner.id, i32::try_from(peers.owed).unwrap_or(i32::MAX)).await?;
    let about = timers::ReviewDue { submission_id: id };
    timers::REVIEW_DUE.schedule(&mut *conn, Some(learner.guild), At::At(due), &about).await?;
    let owing = store::owing(conn, lock, learner.id).await?;
    let quest = attempt.attempt.quest;
    Ok(owing
        .into_iter()
        .map(|user| outbox::Event {
            guild_id: learner.guild,
            event_type: "assessment.review_wanted",
            subject: format!("learning/quests/{quest}"),
            correlation_id: None,
            user_id: Some(user),
            payload: json!({ "user_id": user, "quest_id": quest, "assessment_id": lock.id }),
        })
        .collect())
}

fn work_check(work: &Work) -> Result<(), Error> {
    if work.text.trim().is_empty() && work.links.is_empty() {
        return Err(Error::field("text", "must not be empty, unless there are links"));
    }
    if work.text.chars().count() > 100_000 {
        return Err(Error::field("text", "must be at most 100,000 characters long"));
    }
    if work.text.contains('\0') {
        return Err(Error::field("text", "must not hold NUL characters"));
    }
    let is_link = |link: &String| {
        let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty())
            && link.len() <= 2_000
            && !link.chars().any(|c| c.is_whitespace() || c.is_control())
    };
    if work.links.len() > 20 || !work.links.iter().all(is_link) {
        return Err(Error::field(
            "links",
            "must be at most 20 addresses that begin with https:// or http://",
        ));
    }
    Ok(())
}
