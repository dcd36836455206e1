//! Regrades: what another key would change, and the job that changes it.

use chrono::{DateTime, Utc};
use kernel::UserId;
use learning::ids::{AssessmentId, QuestId, StepId, TryId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::RegradeId;

/// What to grade again, and by which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRegrade {
    /// The quest.
    pub quest_id: QuestId,
    /// The Quiz or Coding step; or else
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<StepId>,
    /// the Quiz or `AutoGraded` assessment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment_id: Option<AssessmentId>,
    /// The version whose key counts; that which is begun now unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_version: Option<i32>,
    /// Whether tries that come to less are lowered, too. What was passed stays passed all the same.
    #[serde(default)]
    pub lowers: bool,
    /// Whether it is only to be told what would change: nothing is written but the regrade itself. Programs are run again for it.
    #[serde(default)]
    pub dry: bool,
    /// Why: 1 to 2,000 characters, for the history. Not asked for in a dry run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 2_000)]
    pub reason: String,
}

/// What a regrade would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegradePreview {
    /// The version whose key counts.
    pub key_version: i32,
    /// Tries that were looked at.
    pub looked_at: usize,
    /// Tries that would come to more.
    pub raised: usize,
    /// Tries that would come to less.
    pub lowered: usize,
    /// Tries that would pass, and did not.
    pub newly_passed: usize,
    /// Tries that would not pass, and did.
    pub newly_failed: usize,
    /// The first 200 of those that would change.
    pub differences: Vec<Difference>,
}

/// A try that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// The try.
    pub try_id: TryId,
    /// Whose it is.
    pub user_id: UserId,
    /// Percent before.
    pub from: String,
    /// Percent after.
    pub to: String,
    /// Whether it passed before.
    pub passed_before: bool,
    /// Whether it passes after.
    pub passed: bool,
}

/// A regrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Regrade {
    /// Its id.
    pub id: RegradeId,
    /// The quest.
    pub quest_id: QuestId,
    /// The step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_id: Option<StepId>,
    /// The assessment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessment_id: Option<AssessmentId>,
    /// The version whose key counts.
    pub key_version: i32,
    /// Whether tries are lowered, too.
    pub lowers: bool,
    /// Whether it only tells what would change.
    pub dry: bool,
    /// running or done.
    pub status: String,
    /// Tries looked at so far.
    pub looked_at: i32,
    /// Tries whose score changed, or would.
    pub changed: i32,
    /// Tries that pass now and did not.
    pub passed: i32,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// The first 200 tries that changed, or would.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}
