//! Announcements and where they go.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::ids::AnnouncementId;

kernel::decl_words! {
    /// What is announced.
    pub enum AnnouncementKind {
        /// A member reached a level.
        LevelUp = "level_up",
        /// A member earned an achievement.
        Achievement = "achievement",
        /// An administrator gave a member something.
        Award = "award",
        /// A season began or ended.
        Season = "season",
        /// A quest was posted or completed.
        Quest = "quest",
        /// A campaign began or ended, a challenge was released.
        Campaign = "campaign",
        /// Anything else, such as a double-XP weekend, or an administrator's own words.
        Notice = "notice",
    }
}

kernel::decl_words! {
    /// Where an announcement stands.
    pub enum AnnouncementStatus {
        /// It waits for its turn.
        Pending = "pending",
        /// Its turn has come: it left as `announcement.due`.
        Sent = "sent",
        /// Whom it is about does not wish it, an administrator took it back, or it waited a day and was about a member.
        Suppressed = "suppressed",
        /// It could not be posted.
        Failed = "failed",
    }
}

/// An announcement, waiting or gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Announcement {
    /// Its id.
    pub id: AnnouncementId,
    /// The channel.
    pub channel_id: ChannelId,
    /// What is announced.
    pub kind: AnnouncementKind,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What happened: the event's type and data, or the `text` of a notice.
    #[schema(value_type = Object)]
    pub what: Value,
    /// Where it stands.
    pub status: AnnouncementStatus,
    /// When its turn came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The channel in which a kind of thing is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelChoice {
    /// What is announced.
    pub kind: AnnouncementKind,
    /// The channel.
    pub channel_id: ChannelId,
    /// False while nothing of this kind is announced, also not in channels that a thing names itself.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
}

const fn yes() -> bool {
    true
}

/// The channels that a guild chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelChoices {
    /// One a kind; kinds that are not here are not announced.
    pub channels: Vec<ChannelChoice>,
}

/// An administrator's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotice {
    /// The channel; the one chosen for notices if left out.
    #[serde(default)]
    pub channel_id: Option<ChannelId>,
    /// What to say, 1 to 1,500 characters.
    #[schema(min_length = 1, max_length = 1_500)]
    pub text: String,
}

/// Which announcements to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementQuery {
    /// Only those that stand here.
    pub status: Option<AnnouncementStatus>,
    /// Only those for this channel.
    pub channel_id: Option<ChannelId>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}
