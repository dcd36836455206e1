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
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { lifetime_hours: 14 * 24, idle_hours: 2 * 24 }
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
    ];

    fn validate(&self) -> Result<(), Vec<FieldError>> {
        if self.idle_hours <= self.lifetime_hours {
            return Ok(());
        }
        let message = "must not exceed lifetime_hours".to_owned();
        Err(vec![FieldError { field: "idle_hours".to_owned(), message }])
    }
}
