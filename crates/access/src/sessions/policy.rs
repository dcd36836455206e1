//! How long sessions live.

use kernel::problem::FieldError;
use serde::{Deserialize, Serialize};

use crate::settings::{Field, Group};

/// Settings of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionPolicy {
    /// After how many hours a session ends, however much it is used.
    pub lifetime_hours: i64,
    /// After how many hours without use it ends.
    pub idle_hours: i64,
    /// After how many minutes Discord is asked again which roles somebody has.
    pub roles_minutes: i64,
    /// For how many minutes more its last answer counts while it gives none.
    pub roles_grace_minutes: i64,
}

impl SessionPolicy {
    /// For how many seconds Discord's word about somebody's roles counts at most.
    pub fn roles_seconds(&self) -> i64 {
        (self.roles_minutes + self.roles_grace_minutes) * 60
    }
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { lifetime_hours: 14 * 24, idle_hours: 2 * 24, roles_minutes: 10, roles_grace_minutes: 30 }
    }
}

impl Group for SessionPolicy {
    const CATEGORY: &'static str = "sessions";
    const ABOUT: &'static str = "How long people stay signed in.";
    const INSTALLATION_ONLY: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::integer(
            "lifetime_hours",
            1,
            8_760,
            "After how many hours a session ends, however much it is used. Sessions that are there already keep theirs.",
        ),
        Field::integer("idle_hours", 1, 8_760, "After how many hours without use a session ends."),
        Field::integer(
            "roles_minutes",
            1,
            1_440,
            "After how many minutes Discord is asked again which roles somebody who is signed in has.",
        ),
        Field::integer(
            "roles_grace_minutes",
            0,
            1_440,
            "For how many minutes more its last answer counts while it does not answer; then roles that follow Discord count as a member's.",
        ),
    ];

    fn validate(&self) -> Result<(), Vec<FieldError>> {
        if self.idle_hours <= self.lifetime_hours {
            return Ok(());
        }
        let message = "must not exceed lifetime_hours".to_owned();
        Err(vec![FieldError { field: "idle_hours".to_owned(), message }])
    }
}
