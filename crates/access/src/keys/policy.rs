//! What a guild, or the installation, demands of API keys.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::model::KeyError;
use crate::settings::{Field, Group};

/// Settings of API keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyPolicy {
    /// In how many days at the latest a new key expires; `None`: it need not.
    pub max_lifetime_days: Option<i64>,
    /// For how many minutes the old secret of a rotated key stays good.
    pub rotation_grace_minutes: i64,
}

/// The longest that an old secret may stay good: a week.
pub(super) const MAX_GRACE_MINUTES: i64 = 10_080;

impl Group for KeyPolicy {
    const CATEGORY: &'static str = "api_keys";
    const ABOUT: &'static str = "What is demanded of API keys. A guild's settings count for the keys confined to it, the installation's for all others.";
    const FIELDS: &'static [Field] = &[
        Field::integer(
        "max_lifetime_days",
        1,
        3_650,
        "A new key must expire within so many days; null: it need not expire. Keys that are there already stay as they are.",
    )
    .or_null(),
        Field::integer(
            "rotation_grace_minutes",
            0,
            MAX_GRACE_MINUTES,
            "For how many minutes the old secret of a rotated key stays good beside the new one, where the rotation does not say; 0: it is refused at once.",
        ),
    ];
}

impl KeyPolicy {
    /// Refuses an expiry that is too far away.
    pub(super) fn check_expiry(
        &self,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), KeyError> {
        let Some(days) = self.max_lifetime_days else { return Ok(()) };
        if expires_at.is_some_and(|at| at <= now + TimeDelta::days(days)) {
            return Ok(());
        }
        Err(KeyError::Invalid {
            field: "expires_at",
            message: format!("must be within {days} days: the setting api_keys.max_lifetime_days says so")
                .into(),
        })
    }
}
