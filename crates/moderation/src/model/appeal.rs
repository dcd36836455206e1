//! Appeals.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, AppealId, CaseId};

kernel::decl_words! {
    /// Where an appeal stands.
    pub enum AppealStatus {
        /// Nobody decided yet.
        Open = "open",
        /// The case is undone.
        Accepted = "accepted",
        /// The case stands.
        Denied = "denied",
        /// The member took it back.
        Withdrawn = "withdrawn",
    }
}

/// An appeal against a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    /// Its row.
    pub id: AppealId,
    /// The case's number.
    pub case_number: i32,
    /// What the case did.
    pub action: Action,
    /// Whom it is about.
    pub user_id: UserId,
    /// Their name.
    pub user_tag: String,
    /// What they say.
    pub statement: String,
    /// Where it stands.
    pub status: AppealStatus,
    /// Who decided; 0 for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub decided_by: Option<UserId>,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by_tag: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Before this, no further appeal against the same case.
    pub next_allowed_at: DateTime<Utc>,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
}

/// What staff say of an appeal among themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppealNote {
    /// Who; 0 for the operator.
    #[schema(value_type = String)]
    pub author_id: UserId,
    /// Their name.
    pub author_tag: String,
    /// What.
    pub body: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// An appeal with what staff say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppealThread {
    /// The appeal.
    pub appeal: Appeal,
    /// What staff say, in order.
    pub notes: Vec<AppealNote>,
}

/// What a link opens to whom a case is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appealable {
    /// The guild.
    pub guild_id: GuildId,
    /// The case's number.
    pub case_number: i32,
    /// What was done.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it is in force.
    pub in_force: bool,
    /// Their last appeal against it, if any: what they said, and what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastAppeal>,
}

/// A member's last appeal against a case, as they see it: without who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastAppeal {
    /// What they said.
    pub statement: String,
    /// Where it stands.
    pub status: AppealStatus,
    /// Why it was decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<String>,
    /// Before this, no further one.
    pub next_allowed_at: DateTime<Utc>,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
}

/// A member's appeal against a case, as they see it, with what taking it back takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAppeal {
    /// Its row.
    pub id: AppealId,
    /// The case.
    pub case_id: CaseId,
    /// What they said, and what was decided.
    pub told: LastAppeal,
}

/// What a member says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AppealStatement)]
pub struct Statement {
    /// 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub statement: String,
}

/// What staff decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AppealDecision)]
pub struct Decision {
    /// Whether the case is undone.
    pub accept: bool,
    /// Why: 1 to 500 characters, told to the member.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}
