//! Hits as moderators see them.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::RuleId;
use crate::automod::{Act, RuleType};

/// A hit of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HitRow {
    /// Its row.
    pub id: Uuid,
    /// The rule.
    pub rule_id: RuleId,
    /// Its name.
    pub rule: String,
    /// What it looks at.
    pub rule_type: RuleType,
    /// Who was judged.
    pub user_id: UserId,
    /// Where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// What was judged, such as `message:<id>:<when it was edited, or 0>`.
    pub source_id: String,
    /// What the rule said to do.
    pub action: Act,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// The case that came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_number: Option<i32>,
    /// Where it was seen, by which steps, and the figures; nothing of the content.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// How often a rule matched in a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HitStatistics {
    /// The rule.
    pub rule_id: RuleId,
    /// Its name.
    pub rule: String,
    /// Whether these are of when it was tried.
    pub dry_run: bool,
    /// How often.
    pub hits: i64,
    /// By how many members.
    pub members: i64,
    /// How many cases came of it.
    pub cases: i64,
    /// How many of those were voided, or lifted on appeal.
    pub overturned: i64,
}
