//! The queue of those who grade: what waits, claims that expire, what there is to see of one.

use std::collections::BTreeSet;

use access::Author;
use kernel::{GuildId, Page, PageQuery, Problem};
use learning::ids::QuestId;
use learning::ops::{version_read, versions_read};
use learning::store::Snapshot;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::task::{grader, percent, read, task_of};
use crate::error::{CLAIMED, Error};
use crate::ids::SubmissionId;
use crate::model::peer::WrittenReview;
use crate::model::submission::{GradeChange, Next, Submission, SubmissionDetails};
use crate::store::{self, Filter, SubmissionRow};

/// How long a claim lasts unless it is renewed, in minutes.
const CLAIM: i32 = 30;

/// A page of what was handed in, the oldest first; only what waits for those who grade, unless all is asked for.
#[kernel::boxed]
pub async fn submission_list(
    pool: &PgPool,
    guild: GuildId,
    all: bool,
    page: &PageQuery,
) -> Result<Page<Submission>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let filter = Filter { waiting: !all, after, ..Filter::default() };
    let list = async {
        let mut conn = db::acquire(pool).await?;
        let rows = store::submission_list(&mut conn, guild, filter, limit.plus_one()).await?;
        let asked: BTreeSet<(QuestId, i32)> = rows.iter().map(|row| (row.quest, row.version)).collect();
        let versions = versions_read(&mut conn, guild, &asked).await?;
        let shown = rows.into_iter().map(|row| {
            let version = versions.get(&(row.quest, row.version)).ok_or(Error::NotFound("version"))?;
            shown_by(version, row)
        });
        shown.collect::<Result<Vec<_>, Error>>()
    };
    Ok(Page::new(list.await?, limit, |one| one.id))
}

/// A submission as those see it who grade.
pub(super) async fn shown(
    conn: &mut PgConnection,
    guild: GuildId,
    row: SubmissionRow,
) -> Result<Submission, Error> {
    let version = version_read(conn, guild, row.quest, row.version).await?;
    shown_by(&version, row)
}

fn shown_by(version: &Snapshot, row: SubmissionRow) -> Result<Submission, Error> {
    let task = task_of(version, row.quest, row.subject()?)?;
    Ok(Submission {
        id: row.id,
        user_id: row.user,
        quest_id: row.quest,
        assessment_id: row.assessment,
        step_id: row.step,
        title: task.title,
        attempt_number: row.number,
        status: row.status,
        received_at: row.received_at,
        late_seconds: row.late_seconds,
        claimed_until: row.claimed_until,
        work: read("what was handed in", row.data)?,
        rubric: task.review.rubric,
        pass_percent: task.review.pass_percent,
        raw_grade: row.raw_grade.map(percent),
        grade: row.grade.map(percent),
        passed: row.is_passed,
        feedback: row.feedback,
    })
}

/// A submission with its grades and reviews.
#[kernel::boxed]
pub async fn submission_details(
    pool: &PgPool,
    guild: GuildId,
    id: SubmissionId,
) -> Result<SubmissionDetails, Error> {
    // A grade and its history are told together.
    let mut tx = db::begin_reading(pool).await?;
    let row = store::submission_get(&mut tx, guild, id).await?;
    let history = store::history(&mut tx, guild, id).await?;
    let reviews = store::reviews_of(&mut tx, guild, id).await?;
    Ok(SubmissionDetails {
        submission: shown(&mut tx, guild, row).await?,
        history: history
            .into_iter()
            .map(|(at, cause, from, to, passed, reason)| GradeChange {
                at,
                cause,
                from: from.map(percent),
                to: percent(to),
                passed,
                reason,
            })
            .collect(),
        reviews: reviews
            .into_iter()
            .map(|one| WrittenReview {
                id: one.id,
                scores: one.scores,
                feedback: one.feedback,
                written_at: one.written_at,
                hidden_at: one.hidden_at,
            })
            .collect(),
    })
}

/// Claims what waits longest and nobody has; what one has claimed already comes first.
#[kernel::boxed]
pub async fn submission_next(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Next, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let by = claimer(&mut tx, &author).await?;
        let submission = match store::claim_next(&mut tx, guild, by, CLAIM).await? {
            None => None,
            Some(id) => {
                let row = store::submission_get(&mut tx, guild, id).await?;
                Some(shown(&mut tx, guild, row).await?)
            }
        };
        tx.commit().await?;
        Ok(Next { submission })
    })
    .await
}

/// Claims a submission, or renews one's claim.
#[kernel::boxed]
pub async fn submission_claim(
    pool: &PgPool,
    guild: GuildId,
    id: SubmissionId,
    author: Author<'_>,
) -> Result<Submission, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let row = store::submission_get(&mut tx, guild, id).await?;
        let by = claimer(&mut tx, &author).await?;
        if row.is_graded() {
            return Err(Error::state("This was judged already."));
        }
        if row.learner.get() == by {
            return Err(Error::state("Nobody judges what they handed in themselves."));
        }
        if !store::claim(&mut tx, guild, id, by, CLAIM).await? {
            return Err(Error::Refused(
                CLAIMED,
                "Somebody else has claimed this; take another one.".to_owned(),
            ));
        }
        let row = store::submission_get(&mut tx, guild, id).await?;
        let answer = shown(&mut tx, guild, row).await?;
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

/// Gives up one's claim. Doing it again changes nothing.
#[kernel::boxed]
pub async fn claim_release(
    pool: &PgPool,
    guild: GuildId,
    id: SubmissionId,
    author: Author<'_>,
) -> Result<(), Error> {
    let mut tx = db::begin(pool).await?;
    store::submission_get(&mut tx, guild, id).await?;
    let by = claimer(&mut tx, &author).await?;
    store::claim_release(&mut tx, guild, id, by).await?;
    tx.commit().await?;
    Ok(())
}

/// Who claims. The command line is one and the same, whoever sits at it.
async fn claimer(conn: &mut PgConnection, author: &Author<'_>) -> Result<Uuid, Error> {
    Ok(grader(conn, author).await?.unwrap_or(Uuid::nil()))
}
