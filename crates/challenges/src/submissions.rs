//! Submissions: answers, judged in batches.
//!
//! What holds, however many answers arrive at however many nodes:
//! * the k-th solver of a part is the k-th: positions are 1, 2, 3, … without gaps or twins;
//! * a participant solves a part once; who sends the right answer again is told what it brought the first time;
//! * no window ever holds more recorded answers than its limit, and a right answer is never refused by one;
//! * an answer is judged as of its arrival: the database's time, less what passed since on this machine;
//! * score, histogram, journal, windows and events change in one commit;
//! * an answer to a challenge with a checker comes through twice: kept with its arrival, then with what the checker said;
//! * one answer's refusal is its own: the rest of its batch does not notice.
//!
//! Locks are taken in one order, so that nodes race without deadlock: campaigns (shared) → participants → parts →
//! histogram, each in the order of its key.
//!
//! | room | holds |
//! |---|---|
//! | `writer` | [`SubmissionWriter`]: gathers answers while the batch before them commits |
//! | `batch` | a batch from locks to verdicts, in one transaction |
//! | `judge` | the verdict on one answer, pure |
//! | `history` | answers given |
//! | `store` | the SQL: few statements per batch, however large |

mod batch;
mod history;
mod judge;
pub(crate) mod store;
mod writer;

use std::time::Instant;

use access::web::Repeatable;
use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChallengeId, GuildId, SubmissionId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::checks::Said;
use crate::error::Error;
use crate::model::CampaignKey;
use crate::rules::{MAX_ANSWER_BYTES, MAX_PARTS, canonical};

pub use batch::submit;
pub(crate) use history::answers_of;
pub use history::{PastSubmission, Whose, submission_list};
pub use store::rate_limits_clean;
pub(crate) use writer::WayIn;
pub use writer::{MAX_BATCH, SubmissionWriter};

/// An answer that has just arrived.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The guild in whose name the request came.
    pub guild_id: GuildId,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The member who answers, for themselves or their squad.
    pub user_id: UserId,
    /// The part answered; `None`: the first one not solved yet.
    pub part: Option<i32>,
    /// The answer, trimmed and with line ends as Unix has them; see [`Submission::new`].
    pub answer: String,
    /// When it arrived, by this machine's monotonic clock.
    pub arrived: Instant,
    /// The request that brought it, which must not be judged again under its `Idempotency-Key`.
    request: Repeatable,
    /// What its checker has said of it, where it has been there.
    pub(crate) settles: Option<Settles>,
}

/// What a checker has said of an answer, with what was kept of the answer meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Settles {
    /// The id that the answer is kept under; `None` for a tester's.
    pub(crate) id: Option<SubmissionId>,
    /// When it arrived, by the database's clock.
    pub(crate) arrived_at: DateTime<Utc>,
    /// The verdict.
    pub(crate) said: Said,
}

impl Submission {
    /// The key of its campaign: in the guild that is asked, so that another guild's is not found.
    pub(crate) const fn campaign(&self) -> CampaignKey {
        CampaignKey { guild_id: self.guild_id, id: self.campaign_id }
    }

    /// An answer that arrives now. Refused are answers that are empty, longer than 4 KiB (white space at
    /// their ends not counted), or hold a zero character, which
    /// PostgreSQL cannot store, and parts that no challenge has.
    pub fn new(
        (guild_id, campaign_id, challenge_id): (GuildId, CampaignId, ChallengeId),
        user_id: UserId,
        part: Option<i32>,
        answer: &str,
    ) -> Result<Self, Error> {
        let answer = canonical(answer);
        if answer.len() > MAX_ANSWER_BYTES {
            return Err(Error::field("answer", format!("must be at most {MAX_ANSWER_BYTES} bytes long")));
        }
        if answer.is_empty() {
            return Err(Error::field("answer", "must not be empty"));
        }
        if answer.contains('\0') {
            return Err(Error::field("answer", "must not contain a zero character"));
        }
        if part.is_some_and(|part| !(1..=MAX_PARTS).contains(&part)) {
            return Err(Error::field("part", format!("must be between 1 and {MAX_PARTS}")));
        }
        let answer = answer.into_owned();
        let (arrived, request) = (Instant::now(), Repeatable::current());
        let settles = None;
        Ok(Self { guild_id, campaign_id, challenge_id, user_id, part, answer, arrived, request, settles })
    }

    /// An answer that was kept for its checker, taken up again. No request waits for it.
    pub(crate) fn kept(
        (guild_id, campaign_id, challenge_id): (GuildId, CampaignId, ChallengeId),
        user_id: UserId,
        (part, answer): (i32, String),
    ) -> Self {
        let (arrived, request) = (Instant::now(), Repeatable::current());
        let part = Some(part);
        Self { guild_id, campaign_id, challenge_id, user_id, part, answer, arrived, request, settles: None }
    }
}

/// What became of an answer that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verdict {
    /// The recorded answer's id; absent when nothing was recorded (a repeated right answer, a tester's answer).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// The challenge.
    pub challenge_id: ChallengeId,
    /// The part that was judged.
    pub part: i32,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether it had been solved before: this answer changed nothing, and what follows is what the first one brought.
    pub already_solved: bool,
    /// Whether it counts. A tester's answers are judged and never count.
    pub counted: bool,
    /// Which solver of this part the participant is, from 1. Hidden while the scoreboard is frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    /// Points it brought (`point_based`). Hidden while the scoreboard is frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i32>,
    /// Milliseconds from the first request of the input to this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<i64>,
    /// What the challenge's checker has to say of it, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The part that is open now, where this answer opened one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_part: Option<i32>,
    /// More answers that the 5-second window takes now.
    pub left_in_5s: i32,
    /// More answers that the 5-minute window takes now.
    pub left_in_5min: i32,
    /// Whole seconds until the next answer is judged, where that is not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
    /// When the answer arrived.
    pub arrived_at: DateTime<Utc>,
}

/// What came of a submission: a verdict, or why there is none.
pub type Outcome = Result<Verdict, Error>;
