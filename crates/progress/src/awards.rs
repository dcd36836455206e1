//! Awards: XP, gold and stars given or taken by an administrator, with a reason.
//!
//! Promises: an award is journaled (`MANUAL_AWARD`) and audited in one transaction, for all its members or for none; nobody
//! is left with less than nothing; a request repeated under its `Idempotency-Key` gives nothing twice.
//!
//! Map: [`ops`] the transaction · [`routes`] the HTTP face.

pub mod ops;
pub mod routes;

use kernel::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "member.awarded" Everyone "an administrator gave a member something; taken things are told to the member and to those who administer" {
        user_id: Snowflake = "175928847299117063", "the member";
        xp: Integer = 100, "XP; negative when taken";
        gold: Integer = 0, "gold; negative when taken";
        stars: Integer = 0, "stars; negative when taken";
        reason: Text = "for a talk at the meet-up", "why";
    }
}

/// What is given, or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAward {
    /// The members, 1 to 500; each gets the same.
    #[schema(min_items = 1, max_items = 500)]
    pub user_ids: Vec<UserId>,
    /// XP, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, default = 0)]
    pub xp: i64,
    /// Gold, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, default = 0)]
    pub gold: i64,
    /// Stars, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, default = 0)]
    pub stars: i64,
    /// Why, 1 to 500 characters. Members see it.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What came of an award.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Awarded {
    /// The award's id, in the journal and the audit log.
    pub id: uuid::Uuid,
    /// The members, as they stand now.
    pub members: Vec<AwardedMember>,
}

/// A member after an award.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AwardedMember {
    /// The member.
    pub user_id: UserId,
    /// XP they have now.
    pub xp: i64,
    /// Level they have now.
    pub level: i32,
    /// Gold they have now.
    pub gold: i64,
    /// Stars they have now.
    pub stars: i64,
}
