//! Checkers: an author's script that says whether an answer is right, where comparing it would not do.
//!
//! What holds:
//! * answers that are compared cost nothing of this: they never leave their batch;
//! * an answer to be checked is kept by its batch, with the time of its arrival, before the checker runs: a kill in the middle loses
//!   nothing, and whichever node takes it up gives the verdict as of the arrival, once;
//! * it counts against the windows from its arrival on; what fails on our side, or in the checker, takes that back;
//! * answers to one challenge get their verdicts in the order in which they arrived at a node, several being checked at once.
//!
//! | room | holds |
//! |---|---|
//! | `said` | what a checker reads and prints, pure |
//! | `run` | one run of a checker |
//! | `queue` | from a batch to the checker and back into a batch; taking up what another node left |
//! | `store` | the SQL |

mod queue;
mod run;
mod said;
pub(crate) mod store;

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChallengeId, GuildId, SubmissionId};

use crate::model::{CampaignKey, Participant};
use crate::submissions::Submission;

pub(crate) use queue::{Waiting, check_all};
pub use run::{Checked, Failure, checker_job, checker_run};
pub use said::Said;
pub use store::pending_campaigns;

/// An answer that a checker has to look at.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// The id that the answer will be recorded under; `None` for a tester's, which is recorded nowhere.
    pub(crate) id: Option<SubmissionId>,
    /// The answer.
    pub(crate) submission: Submission,
    /// Whose it is.
    pub(crate) participant: Participant,
    /// The part that it answers.
    pub(crate) part: i32,
    /// When it arrived, by the database's clock.
    pub(crate) arrived_at: DateTime<Utc>,
}

impl Check {
    pub(crate) const fn campaign(&self) -> CampaignKey {
        CampaignKey { guild_id: self.submission.guild_id, id: self.submission.campaign_id }
    }

    pub(crate) const fn within(&self) -> (GuildId, CampaignId, ChallengeId) {
        (self.submission.guild_id, self.submission.campaign_id, self.submission.challenge_id)
    }
}
