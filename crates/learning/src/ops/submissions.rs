//! What is handed in for review, and how it is judged.

use jobs::outbox;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::authoring::{Author, read, written};
use super::complete::step_done;
use super::work::{Work as Attempt, version_read};
use crate::error::{Error, NO_TRIES};
use crate::ids::{QuestId, StepId, SubmissionId};
use crate::model::quest::SubmissionStep;
use crate::model::submission::{HandedIn, Judgement, Submission, Work};
use crate::rules::grading::judged;
use crate::store::{self, AttemptStatus, StepStatus, SubmissionRow};

/// A learner hands something in for a step. While it waits, nothing else can be handed in for it.
pub async fn submission_create(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
    step: StepId,
    work: &Work,
) -> Result<HandedIn, Error> {
    let data = written("what was handed in", work)?;
    db::retry(|| async {
        let mut tx = pool.begin().await?;
        let mut attempt = Attempt::lock(&mut tx, guild, user, quest).await?;
        let wanted = wanted_of(attempt.step(step)?.submission.as_ref())?.clone();
        attempt.ensure_active()?;
        work_check(work)?;
        let mut state = attempt.state(step);
        if state.status == StepStatus::Completed {
            return Err(Error::state("This step is completed already."));
        }
        let (used, waits) = store::submissions_count(&mut tx, guild, attempt.attempt.id, step).await?;
        if waits {
            return Err(Error::state("What you handed in before waits for its review."));
        }
        let max = wanted.max_tries.map(|max| i32::try_from(max).unwrap_or(i32::MAX));
        if max.is_some_and(|max| used >= max) {
            return Err(Error::Refused(NO_TRIES, "You have handed in as often as you may.".to_owned()));
        }
        let number = used + 1;
        let id = store::submission_insert(&mut tx, &attempt.learner, &attempt.attempt, step, number, &data)
            .await?;
        (state.status, state.tries) = (StepStatus::InProgress, number);
        store::step_put(&mut tx, &attempt.learner, attempt.attempt.id, step, &state).await?;
        let details = json!({ "submission": id, "number": number });
        store::event_insert(&mut tx, &attempt.learner, &attempt.event("submitted", Some(step), details))
            .await?;
        attempt.states.insert(step, state);
        let event = outbox::Event {
            guild_id: guild,
            event_type: "learning.submission_received",
            subject: format!("learning/submissions/{id}"),
            correlation_id: None,
            // For who may grade, and nobody else.
            user_id: Some(UserId::HOUSE),
            payload: json!({ "submission_id": id, "user_id": user, "quest_id": quest, "step_id": step }),
        };
        outbox::emit_one(&mut tx, event).await?;
        tx.commit().await?;
        Ok(HandedIn { id, attempt_number: number, tries_left: max.map(|max| max - number) })
    })
    .await
}

fn wanted_of(step: Option<&SubmissionStep>) -> Result<&SubmissionStep, Error> {
    step.ok_or_else(|| Error::state("This step takes nothing that is handed in."))
}

fn work_check(work: &Work) -> Result<(), Error> {
    if work.text.trim().is_empty() && work.links.is_empty() {
        return Err(Error::field("text", "must not be empty, unless there are links"));
    }
    if work.text.chars().count() > 100_000 {
        return Err(Error::field("text", "must be at most 100,000 characters long"));
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

/// A page of what was handed in, the oldest first; only what waits, unless all is asked for.
pub async fn submission_list(
    pool: &PgPool,
    guild: GuildId,
    all: bool,
    page: &PageQuery,
) -> Result<Page<Submission>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut tx = pool.begin().await?;
    let rows = store::submission_list(&mut tx, guild, None, !all, after, limit.plus_one()).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(submission_shown(&mut tx, guild, row).await?);
    }
    Ok(Page::new(shown, limit, |one| one.id))
}

async fn submission_shown(
    conn: &mut PgConnection,
    guild: GuildId,
    row: SubmissionRow,
) -> Result<Submission, Error> {
    let version = version_read(conn, guild, row.quest, row.version).await?;
    let step = version.step(row.step).ok_or(Error::NotFound("step"))?;
    let wanted = wanted_of(step.submission.as_ref())?;
    Ok(Submission {
        id: row.id,
        user_id: row.user,
        quest_id: row.quest,
        step_id: row.step,
        step_title: step.title.clone(),
        attempt_number: row.number,
        status: row.status,
        received_at: row.received_at,
        work: read("what was handed in", row.data)?,
        rubric: wanted.rubric.clone(),
        pass_percent: wanted.pass_percent,
        grade: row.grade.map(|grade| format!("{}.{:02}", grade / 100, grade % 100)),
        passed: row.is_passed,
        feedback: row.feedback,
    })
}

/// A reviewer judges what was handed in; it completes the step if it passes. Once judged it stays judged. Audited.
pub async fn submission_judge(
    pool: &PgPool,
    guild: GuildId,
    id: SubmissionId,
    judgement: &Judgement,
    author: Author<'_>,
) -> Result<Submission, Error> {
    db::retry(|| async {
        let mut tx = pool.begin().await?;
        let row = one(&mut tx, guild, id).await?;
        let mut attempt = Attempt::lock(&mut tx, guild, row.user, row.quest).await?;
        // Read again under the learner's lock: another reviewer may have been there first.
        let row = one(&mut tx, guild, id).await?;
        if row.status == "graded" {
            return Err(Error::state("This was judged already."));
        }
        let grader = author.person(&mut tx).await?;
        if grader == Some(attempt.learner.id.get()) {
            return Err(Error::state("Nobody judges what they handed in themselves."));
        }
        let version = version_read(&mut tx, guild, row.quest, row.version).await?;
        let step = version.step(row.step).ok_or(Error::NotFound("step"))?;
        let (share, passed) = judged(wanted_of(step.submission.as_ref())?, judgement).map_err(Error::Invalid)?;
        if judgement.feedback.chars().count() > 20_000 {
            return Err(Error::field("feedback", "must be at most 20,000 characters long"));
        }
        let feedback = Some(judgement.feedback.trim()).filter(|text| !text.is_empty());
        let grade = i32::try_from(share).unwrap_or(0);
        store::submission_grade(&mut tx, &attempt.learner, &row, grade, passed, feedback, grader).await?;
        let details = json!({ "submission": id, "grade": grade, "passed": passed });
        store::event_insert(&mut tx, &attempt.learner, &attempt.event("graded", Some(row.step), details)).await?;
        // An attempt that was begun anew meanwhile, or has another version without the step, is not moved by it.
        let counts = attempt.attempt.status != AttemptStatus::Abandoned && attempt.attempt.restarts == row.run;
        let present = attempt.step(row.step).ok().cloned();
        if let (true, Some(present)) = (counts, present) {
            let mut state = attempt.state(row.step);
            state.score = Some(state.score.unwrap_or(0).max(grade));
            state.feedback = feedback.map(str::to_owned);
            if passed {
                step_done(&mut tx, &mut attempt, row.step, &present, state).await?;
            } else {
                store::step_put(&mut tx, &attempt.learner, attempt.attempt.id, row.step, &state).await?;
            }
        }
        let event = outbox::Event {
            guild_id: guild,
            event_type: "learning.graded",
            subject: format!("learning/submissions/{id}"),
            correlation_id: None,
            user_id: Some(row.user),
            payload: json!({ "user_id": row.user, "submission_id": id, "quest_id": row.quest, "step_id": row.step, "passed": passed }),
        };
        outbox::emit_one(&mut tx, event).await?;
        let after = json!({ "user_id": row.user, "grade": grade, "passed": passed });
        author.record(&mut tx, guild, "GRADE", "learning.quest_submissions", id.to_string(), after).await?;
        let judged = one(&mut tx, guild, id).await?;
        let shown = submission_shown(&mut tx, guild, judged).await?;
        tx.commit().await?;
        Ok(shown)
    })
    .await
}

async fn one(conn: &mut PgConnection, guild: GuildId, id: SubmissionId) -> Result<SubmissionRow, Error> {
    let rows = store::submission_list(conn, guild, Some(id), false, None, 1).await?;
    rows.into_iter().next().ok_or(Error::NotFound("submission"))
}
