//! What learners are shown: what is asked, how they stand, how long they may have to wait.

use std::collections::HashMap;

use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, QuestId};
use learning::model::assessment::{Assessment, RubricVisibility};
use learning::model::learner::{FileView, QuestHead, VisibleTest};
use learning::ops::files_view;
use learning::rules::files::named_in;
use learning::store::{Begun, QuestSeen, quest_seen};
use sqlx::{PgConnection, PgPool};

use super::task::{percent, read};
use crate::error::Error;
use crate::ids::SubmissionId;
use crate::model::view::{AssessmentView, OwnSubmission, Waiting};
use crate::rules::late::deadline;
use crate::rules::waiting::ninetieth;
use crate::store::{self, Filter, Stand, SubmissionRow};

/// The most that is shown of what was handed in in an attempt.
const MOST_SUBMISSIONS: i64 = 1_000;

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
    // An attempt, its grades and what was handed in are told together.
    let mut tx = db::begin_reading(pool).await?;
    let seen = quest_seen(&mut tx, guild, Some(user), quest).await?;
    views(&mut tx, guild, &seen).await
}

/// The same, with what the quest is called, where it is there for the member.
pub async fn quest_assessments(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<(QuestHead, Vec<AssessmentView>), Error> {
    // As above.
    let mut tx = db::begin_reading(pool).await?;
    let seen = quest_seen(&mut tx, guild, Some(user), quest).await?;
    if !seen.head.is_there() {
        return Err(Error::NotFound("quest"));
    }
    let views = views(&mut tx, guild, &seen).await?;
    Ok((seen.head, views))
}

async fn views(
    conn: &mut PgConnection,
    guild: GuildId,
    seen: &QuestSeen,
) -> Result<Vec<AssessmentView>, Error> {
    let version = seen.own()?;
    let assessments = &version.quest.assessments;
    let number = seen.begun.as_ref().map_or(seen.version, |begun| begun.attempt.version);
    let files = |text: &str| files_view(guild, (seen.head.id, number), &version.quest, Some(&named_in(text)));
    let plain = |one| plain(seen.head.id, one, files);
    let mut views: Vec<AssessmentView> = assessments.iter().map(plain).collect();
    let Some(begun) = seen.begun.as_ref().filter(|_| !views.is_empty()) else { return Ok(views) };
    // Of many waits, and said of what waits for people alone.
    let waiting = if assessments.iter().any(|one| one.review.is_some()) {
        Some(waiting_in(&mut *conn, guild).await?)
    } else {
        None
    };
    let ids: Vec<AssessmentId> = views.iter().map(|view| view.id).collect();
    let mut own = Own::read(conn, guild, begun, &ids).await?;
    for (view, one) in views.iter_mut().zip(assessments) {
        stands(&mut own, one, view)?;
        view.waiting = waiting.clone().filter(|_| one.review.is_some());
    }
    Ok(views)
}

/// An assessment as everybody sees it who may see the quest.
fn plain(quest: QuestId, one: &Assessment, files: impl Fn(&str) -> Vec<FileView>) -> AssessmentView {
    let (quiz, coding, review) = (one.quiz.as_ref(), one.coding.as_ref(), one.review.as_ref());
    let visible = coding.into_iter().flat_map(|coding| coding.tests.iter().filter(|test| !test.hidden));
    let always = review.filter(|review| review.rubric_visibility == RubricVisibility::Always);
    AssessmentView {
        id: AssessmentId::of(quest, &one.slug),
        slug: one.slug.clone(),
        kind: one.kind,
        title: one.title.clone(),
        description: one.description.clone(),
        files: files(&one.description),
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

/// What a learner has of the assessments of their attempt.
struct Own {
    grades: HashMap<AssessmentId, Stand>,
    submissions: HashMap<AssessmentId, Vec<SubmissionRow>>,
    comments: HashMap<SubmissionId, Vec<String>>,
}

impl Own {
    async fn read(
        conn: &mut PgConnection,
        guild: GuildId,
        begun: &Begun,
        assessments: &[AssessmentId],
    ) -> Result<Self, Error> {
        let attempt = begun.attempt.id;
        let grades = store::stands_of(&mut *conn, guild, (attempt, begun.learner), assessments).await?;
        let filter = Filter { attempt: Some(attempt), ..Filter::default() };
        let mut submissions = HashMap::<AssessmentId, Vec<SubmissionRow>>::new();
        for row in store::submission_list(&mut *conn, guild, filter, MOST_SUBMISSIONS).await? {
            if let Some(assessment) = row.assessment {
                submissions.entry(assessment).or_default().push(row);
            }
        }
        // Debt holds back one's own feedback, and nothing else.
        let told = submissions.iter().filter(|(id, _)| grades.get(id).is_none_or(|stand| stand.owed == 0));
        let told = told.flat_map(|(_, rows)| rows).filter(|row| row.is_graded()).map(|row| row.id);
        let comments = store::comments_of(conn, guild, &told.collect::<Vec<_>>()).await?;
        Ok(Self { grades, submissions, comments })
    }
}

/// How the learner stands with it.
fn stands(own: &mut Own, one: &Assessment, view: &mut AssessmentView) -> Result<(), Error> {
    let stand = own.grades.remove(&view.id).unwrap_or_default();
    view.passed = stand.passed;
    view.best_grade = stand.best.map(percent);
    let Some(review) = &one.review else {
        view.tries = stand.tries;
        return Ok(());
    };
    view.due_at = deadline(review, stand.extension);
    view.reviews_owed = stand.owed;
    for row in own.submissions.remove(&view.id).unwrap_or_default() {
        view.tries = view.tries.max(row.number);
        let graded = row.is_graded();
        if graded && review.rubric_visibility == RubricVisibility::AfterGrading {
            view.rubric.clone_from(&review.rubric);
        }
        let told = graded && view.reviews_owed == 0;
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
            comments: own.comments.remove(&row.id).unwrap_or_default(),
        });
    }
    Ok(())
}
