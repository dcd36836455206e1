//! `questhall assessment`: what learners hand in, for those who grade.

use access::{By, Origin};
use assessment::ids::{RegradeId, ReviewId, SubmissionId};
use assessment::ops;
use clap::Subcommand;
use kernel::{PageQuery, UserId};
use learning::ids::{AssessmentId, QuestId};
use learning::ops::Author;
use serde_json::json;

use super::operator::{on_database, one, pages, read, rows_of};
use crate::args::{Global, Guild};
use crate::failure::Failure;
use crate::screen::Screen;

static HERE: Origin = Origin { ip: None, request_id: None };

#[derive(Debug, Subcommand)]
pub(crate) enum AssessmentCommand {
    /// List what was handed in and waits for those who grade, the oldest first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Also what is graded, or what peers are at.
        #[arg(long)]
        all: bool,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show a submission with its grades and reviews.
    Show {
        #[command(flatten)]
        guild: Guild,
        /// The submission.
        submission: SubmissionId,
    },
    /// Claim what waits longest and nobody has, for 30 minutes.
    Next {
        #[command(flatten)]
        guild: Guild,
    },
    /// Give up a claim of the command line's.
    Release {
        #[command(flatten)]
        guild: Guild,
        /// The submission.
        submission: SubmissionId,
    },
    /// Judge a submission.
    Judge {
        #[command(flatten)]
        guild: Guild,
        /// The submission.
        submission: SubmissionId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Change a grade that was published.
    Override {
        #[command(flatten)]
        guild: Guild,
        /// The submission.
        submission: SubmissionId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// Give a learner a deadline of their own.
    Extend {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: QuestId,
        /// The assessment.
        assessment: AssessmentId,
        /// The learner.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// As in the API: JSON, @FILE or -.
        body: String,
    },
    /// List deadlines of single learners.
    Extensions {
        #[command(flatten)]
        guild: Guild,
        /// The quest.
        quest: QuestId,
        /// The assessment.
        assessment: AssessmentId,
    },
    /// Strike out a review that a learner wrote.
    Hide {
        #[command(flatten)]
        guild: Guild,
        /// The review.
        review: ReviewId,
    },
    /// Say what grading tries at a quiz again by another key would change; with --apply, ask for it.
    Regrade {
        #[command(flatten)]
        guild: Guild,
        /// As in the API: JSON, @FILE or -.
        body: String,
        /// Have it done.
        #[arg(long)]
        apply: bool,
    },
    /// Tell how far a regrade is.
    Progress {
        #[command(flatten)]
        guild: Guild,
        /// The regrade.
        regrade: RegradeId,
    },
    /// Tell how long hand-ins wait for people.
    Waiting {
        #[command(flatten)]
        guild: Guild,
    },
}

pub(crate) async fn run(
    global: &Global,
    command: &AssessmentCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use AssessmentCommand as C;
    let author = Author { by: By::Cli, origin: &HERE };
    on_database(global, async |pool| match command {
        C::List { guild, all, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                ops::submission_list(pool, guild.id, *all, &page).await
            });
            let columns =
                ["id", "user_id", "title", "status", "received_at", "late_seconds", "claimed_until", "grade"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Show { guild, submission } => {
            one(screen, ops::submission_details(pool, guild.id, *submission).await)
        }
        C::Next { guild } => one(screen, ops::submission_next(pool, guild.id, author).await),
        C::Release { guild, submission } => {
            let done = ops::claim_release(pool, guild.id, *submission, author).await;
            one(screen, done.map(|()| json!({ "released": submission })))
        }
        C::Judge { guild, submission, body } => {
            let judgement = read(body)?;
            one(screen, ops::submission_judge(pool, guild.id, *submission, &judgement, author).await)
        }
        C::Override { guild, submission, body } => {
            let change = read(body)?;
            one(screen, ops::submission_override(pool, guild.id, *submission, &change, author).await)
        }
        C::Extend { guild, quest, assessment, user, body } => {
            let new = read(body)?;
            one(screen, ops::extension_put(pool, guild.id, *quest, *assessment, *user, &new, author).await)
        }
        C::Extensions { guild, quest, assessment } => {
            let found = ops::extension_list(pool, guild.id, *quest, *assessment).await;
            let found = found.map_err(kernel::Problem::from)?;
            rows_of(screen, &found, &["user_id", "due_at", "reason", "updated_at"])
        }
        C::Hide { guild, review } => {
            let done = ops::review_hide(pool, guild.id, *review, author).await;
            one(screen, done.map(|()| json!({ "hidden": review })))
        }
        C::Regrade { guild, body, apply } => {
            let new = read(body)?;
            if *apply {
                one(screen, ops::regrade_create(pool, guild.id, &new, author).await)
            } else {
                one(screen, ops::regrade_preview(pool, guild.id, &new).await)
            }
        }
        C::Progress { guild, regrade } => one(screen, ops::regrade_get(pool, guild.id, *regrade).await),
        C::Waiting { guild } => one(screen, ops::waiting(pool, guild.id).await),
    })
    .await
}
