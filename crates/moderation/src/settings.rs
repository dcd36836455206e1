//! What administrators choose about moderation.

use access::settings::{Field, Group};
use kernel::ChannelId;
use serde::{Deserialize, Serialize};

/// Settings of moderation, of a guild or for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModerationSettings {
    /// Where alerts go.
    pub alert_channel_id: Option<ChannelId>,
    /// Whether members are told by direct message.
    pub tell_members: bool,
    /// Whether members may appeal.
    pub appeals: bool,
    /// Hours until the same case may be appealed again.
    pub appeal_cooldown_hours: i64,
    /// Days that a link of an appeal opens it.
    pub appeal_link_days: i64,
    /// Seconds within which the same, done by two moderators, is done once.
    pub duplicate_seconds: i64,
    /// Days that hits are kept.
    pub hits_days: i64,
    /// Days that effects which were applied are kept.
    pub effects_days: i64,
    /// Minutes that raid mode lasts, unless said otherwise.
    pub raid_minutes: i64,
}

impl Default for ModerationSettings {
    fn default() -> Self {
        Self {
            alert_channel_id: None,
            tell_members: true,
            appeals: true,
            appeal_cooldown_hours: 168,
            appeal_link_days: 90,
            duplicate_seconds: 10,
            hits_days: 90,
            effects_days: 30,
            raid_minutes: 30,
        }
    }
}

impl Group for ModerationSettings {
    const CATEGORY: &'static str = "moderation";
    const ABOUT: &'static str = "Cases, appeals, alerts, and how long hits of automod are kept.";
    const FIELDS: &'static [Field] = &[
        Field::id("alert_channel_id", "Channel that is told of hits, raids and what failed; null for none.")
            .or_null(),
        Field::boolean("tell_members", "Tell members by direct message what was done and why."),
        Field::boolean("appeals", "Let members appeal cases."),
        Field::integer(
            "appeal_cooldown_hours",
            1,
            87_600,
            "Hours until the same case may be appealed again.",
        ),
        Field::integer("appeal_link_days", 1, 3_650, "Days that the link of an appeal can be used."),
        Field::integer(
            "duplicate_seconds",
            0,
            600,
            "Seconds within which the same action upon the same person by two moderators counts once; the second is told the number.",
        ),
        Field::integer("hits_days", 1, 3_650, "Days that hits of automod are kept."),
        Field::integer(
            "effects_days",
            1,
            365,
            "Days that what was done on Discord is kept; what failed is kept until it is sent again.",
        ),
        Field::integer("raid_minutes", 1, 1_440, "Minutes that raid mode lasts, unless said otherwise."),
    ];
}
