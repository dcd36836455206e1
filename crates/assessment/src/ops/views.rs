//! What learners are shown: what is asked, how they stand, how long they may have to wait.

use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, QuestId};
use learning::model::assessment::{Assessment, RubricVisibility};
use learning::model::learner::VisibleTest;
use learning::ops::{Work, current_version, tries_used, version_read};
use learning::store::{assessments_of, attempt_get, learner_find};
use sqlx::{PgConnection, PgPool};

use super::task::{percent, read};
use crate::error::Error;
use crate::model::view::{AssessmentView, OwnSubmission, Waiting};
use crate::rules::late::deadline;
use crate::rules::waiting::ninetieth;
use crate::store::{self, Filter};

/// How long hand-ins of the guild wait for people.
pub async fn waiting(pool: &PgPool, guild: GuildId) -> Result<Waiting, Error> {
    waiting_in(&mut *db::acquire(pool).await?, guild).await
}

/// The same in a transaction.
pub(super) async fn waiting_in(conn: &mut PgConnection, guild: GuildId) -> Result<Waiting, Error> {
    let waits = store::waits(conn, guild).await?;
    let of = waits.len();
    // In whole hours, the one begun included: nothing is promised that is not kept.
    Ok(Waiting { hours: ninetieth(waits).map(|seconds| (seconds.max(1) + 3_599) / 3_600), of })
}

/// The assessments of a quest as a member sees them: those of the version that they are in the middle of, else of that which is begun
/// now.
#[kernel::boxed]
pub async fn assessment_list(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<Vec<AssessmentView>, Error> {
    let mut tx = db::begin(pool).await?;
    let current = current_version(&mut tx, guild, quest).await?;
    let begun = match learner_find(&mut tx, guild, user).await? {
        Some(learner) => attempt_get(&mut tx, guild, learner, quest).await?,
        None => None,
    };
    if begun.is_none() {
        let version = version_read(&mut tx, guild, quest, current).await?;
        let views = version.quest.assessments.iter().map(|one| plain(quest, one));
        return Ok(views.collect());
    }
    let work = Work::lock(&mut tx, guild, user, quest).await?;
    // Of many waits, and said of what waits for people alone.
    let waiting = if work.version.quest.assessments.iter().any(|one| one.review.is_some()) {
        Some(waiting_in(&mut tx, guild).await?)
    } else {
        None
    };
    let mut views = Vec::with_capacity(work.version.quest.assessments.len());
    for one in &work.version.quest.assessments {
        let mut view = plain(quest, one);
        stands(&mut tx, &work, one, &mut view).await?;
        view.waiting = waiting.clone().filter(|_| one.review.is_some());
        views.push(view);
    }
    Ok(views)
}

/// An assessment as everybody sees it who may see the quest.
fn plain(quest: QuestId, one: &Assessment) -> AssessmentView {
    let (quiz, coding, review) = (one.quiz.as_ref(), one.coding.as_ref(), one.review.as_ref());
    let visible = coding.into_iter().flat_map(|coding| coding.tests.iter().filter(|test| !test.hidden));
    let always = review.filter(|review| review.rubric_visibility == RubricVisibility::Always);
    AssessmentView {
        id: AssessmentId::of(quest, &one.slug),
        slug: one.slug.clone(),
        kind: one.kind,
        title: one.title.clone(),
        description: one.description.clone(),
        optional: one.optional,
        test_out: one.test_out,
        pass_percent: quiz
            .map(|quiz| quiz.pass_percent)
            .or(review.map(|review| review.pass_percent))
            .unwrap_or(100),
        passed: false,
        best_grade: None,
        tries: 0,
        max_tries: quiz
            .and_then(|quiz| quiz.max_tries)
            .or(coding.and_then(|coding| coding.max_tries))
            .or(review.and_then(|review| review.max_tries)),
        time_limit_minutes: quiz.and_then(|quiz| quiz.time_limit_minutes),
        due_at: review.and_then(|review| review.due_at),
        grace_minutes: review.map_or(0, |review| review.grace_minutes),
        late_percent_per_day: review.map_or(0, |review| review.late_percent_per_day),
        late_days: review.map_or(0, |review| review.late_days),
        rubric: always.map(|review| review.rubric.clone()).unwrap_or_default(),
        starter: coding.map(|coding| coding.starter.clone()).filter(|starter| !starter.is_empty()),
        tests: visible
            .map(|test| VisibleTest {
                name: test.name.clone(),
                stdin: test.stdin.clone(),
                append: test.append.clone(),
                expected: test.expected.clone(),
            })
            .collect(),
        reviews_owed: 0,
        waiting: None,
        submissions: Vec::new(),
    }
}

/// How the learner stands with it.
async fn stands(
    conn: &mut PgConnection,
    work: &Work,
    one: &Assessment,
    view: &mut AssessmentView,
) -> Result<(), Error> {
    let (guild, learner, attempt) = (work.learner.guild, work.learner.id, work.attempt.id);
    let state = assessments_of(&mut *conn, guild, attempt).await?.get(&view.id).copied();
    view.passed = state.is_some_and(|state| state.passed_at.is_some());
    view.best_grade = state.map(|state| percent(state.best));
    let Some(review) = &one.review else {
        view.tries = tries_used(conn, work, view.id).await?;
        return Ok(());
    };
    let extension = store::extension_get(&mut *conn, guild, view.id, learner).await?;
    view.due_at = deadline(review, extension);
    view.reviews_owed = store::debt_get(&mut *conn, guild, view.id, learner).await?;
    let filter = Filter { attempt: Some(attempt), assessment: Some(view.id), ..Filter::default() };
    for row in store::submission_list(&mut *conn, guild, filter, 1_000).await? {
        view.tries = view.tries.max(row.number);
        let graded = row.is_graded();
        if graded && review.rubric_visibility == RubricVisibility::AfterGrading {
            view.rubric.clone_from(&review.rubric);
        }
        // Debt holds back one's own feedback, and nothing else.
        let told = graded && view.reviews_owed == 0;
        let comments = if told { store::reviews_of(&mut *conn, guild, row.id).await? } else { Vec::new() };
        view.submissions.push(OwnSubmission {
            id: row.id,
            attempt_number: row.number,
            status: row.status,
            received_at: row.received_at,
            late_seconds: row.late_seconds,
            work: read("what was handed in", row.data)?,
            raw_grade: row.raw_grade.map(percent),
            grade: row.grade.map(percent),
            passed: row.is_passed,
            feedback: row.feedback.filter(|_| told),
            comments: comments
                .into_iter()
                .filter(|one| one.hidden_at.is_none())
                .map(|one| one.feedback)
                .collect(),
        });
    }
    Ok(())
}
