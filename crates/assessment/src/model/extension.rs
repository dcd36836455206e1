//! Deadlines of single learners.

use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A deadline to give a learner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExtension {
    /// Their deadline; the later of this and the assessment's own holds.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub due_at: DateTime<Utc>,
    /// Why, for those who grade: at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// A learner's deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Extension {
    /// The learner.
    pub user_id: UserId,
    /// Their deadline.
    pub due_at: DateTime<Utc>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was given or last changed.
    pub updated_at: DateTime<Utc>,
}
