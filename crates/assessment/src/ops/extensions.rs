//! Deadlines of single learners.

use access::Author;
use access::author::Deed;
use chrono::{DateTime, Utc};
use jobs::outbox;
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, QuestId};
use learning::ops::Work;
use serde_json::json;
use sqlx::PgPool;

use super::grade::{How, graded};
use super::task::{grader, held, task_of};
use crate::error::Error;
use crate::model::extension::{Extension, NewExtension};
use crate::rules::late::{Lateness, lateness};
use crate::rules::rubric::Marks;
use crate::store;

/// Gives a learner a deadline of their own, or another one. What they handed in is late by that one from now on, and its grade follows.
/// Audited.
#[kernel::boxed]
pub async fn extension_put(
    pool: &PgPool,
    guild: GuildId,
    quest: QuestId,
    assessment: AssessmentId,
    user: UserId,
    new: &NewExtension,
    author: Author<'_>,
) -> Result<Extension, Error> {
    if new.reason.as_deref().is_some_and(|reason| reason.chars().count() > 500 || reason.contains('\0')) {
        return Err(Error::field("reason", "must be at most 500 characters long"));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        // Makes sure of the quest and the assessment, and of an attempt whose deadline there is to extend.
        let attempt = Work::lock(&mut tx, guild, user, quest).await?;
        let one = attempt.assessment(assessment)?;
        let task = task_of(&attempt.version, quest, learning::ids::Subject::Assessment(assessment))?;
        if task.review.due_at.is_none() {
            return Err(Error::state("This assessment has no deadline that could be extended."));
        }
        let by = grader(&mut tx, &author).await?.unwrap_or_default();
        if by == attempt.learner.id.get() {
            return Err(Error::state("Nobody extends their own deadline."));
        }
        let (slug, kind) = (one.slug.clone(), one.kind);
        store::assessment_ensure(&mut tx, guild, quest, &slug, kind).await?;
        let before = store::extension_get(&mut tx, guild, assessment, attempt.learner.id).await?;
        store::extension_put(&mut tx, guild, assessment, attempt.learner.id, new, by).await?;
        let told = |due_at: Option<DateTime<Utc>>| json!({ "user_id": user, "due_at": due_at });
        let deed = Deed::new("EXTEND", "assessment.deadline_extensions", assessment.to_string());
        deed.before(told(before))
            .after(told(Some(new.due_at)))
            .because(new.reason.as_deref())
            .record(&mut tx, guild, author)
            .await?;
        let event = outbox::Event {
            guild_id: guild,
            event_type: "assessment.extended",
            subject: format!("learning/quests/{quest}"),
            correlation_id: None,
            user_id: Some(user),
            payload: json!({ "user_id": user, "quest_id": quest, "assessment_id": assessment, "due_at": new.due_at }),
        };
        outbox::emit_one(&mut tx, event).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    late_again(pool, guild, quest, assessment, user, author).await?;
    let mut conn = db::acquire(pool).await?;
    let found = store::extension_list(&mut conn, guild, assessment, Some(user)).await?;
    found.into_iter().next().ok_or(Error::NotFound("extension"))
}

/// Works out anew how late a learner's submissions are. A transaction each, with the locks in their order; doing it again changes
/// nothing.
async fn late_again(
    pool: &PgPool,
    guild: GuildId,
    quest: QuestId,
    assessment: AssessmentId,
    user: UserId,
    author: Author<'_>,
) -> Result<(), Error> {
    let mut conn = db::acquire(pool).await?;
    let Some(learner) = learning::store::learner_find(&mut conn, guild, user).await? else { return Ok(()) };
    let all = store::submissions_of_learner(&mut conn, guild, assessment, learner).await?;
    drop(conn);
    for id in all {
        db::retry(|| async {
            let mut tx = db::begin(pool).await?;
            let mut held = held(&mut tx, guild, id).await?;
            let extension = store::extension_get(&mut tx, guild, assessment, learner).await?;
            // The deadline that holds now, not that of the version it was handed in for.
            let Ok(task) = task_of(&held.work.version, quest, held.row.subject()?) else { return Ok(()) };
            let late = match lateness(&task.review, extension, held.row.received_at) {
                Lateness::InTime => 0,
                Lateness::Late(seconds) => seconds,
                // It was taken; so much it is late by.
                Lateness::Over(_) => held.row.late_seconds,
            };
            if late == held.row.late_seconds {
                return Ok(());
            }
            store::late_put(&mut tx, guild, id, late).await?;
            held.row.late_seconds = late;
            if let (Some(share), Some(_)) = (held.row.raw_grade, held.row.grade) {
                let review = &held.task.review;
                let halves: Option<std::collections::BTreeMap<String, u32>> =
                    held.row.scores.clone().map(|scores| super::task::read("points", scores)).transpose()?;
                let marks = match halves {
                    Some(halves) => crate::rules::rubric::marks(&review.rubric, review.pass_percent, halves),
                    None => Marks { share, passed: share >= 10_000, halves: None },
                };
                let by = grader(&mut tx, &author).await?;
                let feedback = held.row.feedback.clone();
                let how = How {
                    cause: "override",
                    by,
                    feedback: feedback.as_deref(),
                    reason: Some("The deadline was changed."),
                    reviews: held.row.reviews_counted,
                    corrects: true,
                };
                graded(&mut tx, guild, &mut held, &marks, how).await?;
            }
            tx.commit().await?;
            Ok::<_, Error>(())
        })
        .await?;
    }
    Ok(())
}

/// The deadlines that learners were given for an assessment.
pub async fn extension_list(
    pool: &PgPool,
    guild: GuildId,
    quest: QuestId,
    assessment: AssessmentId,
) -> Result<Vec<Extension>, Error> {
    let mut conn = db::acquire(pool).await?;
    let version = learning::ops::current_version(&mut conn, guild, quest).await?;
    let version = learning::ops::version_read(&mut conn, guild, quest, version).await?;
    if version.assessment(quest, assessment).is_none() {
        return Err(Error::NotFound("assessment"));
    }
    store::extension_list(&mut conn, guild, assessment, None).await
}
