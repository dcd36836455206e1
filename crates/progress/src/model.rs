//! What members are granted, and what for.

use kernel::{Gold, GuildId, UserId, Xp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a change of XP, gold or stars was for (`activity_log.event_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = JournalKind)]
#[expect(missing_docs, reason = "the names are 003's own and say it all")]
pub enum Event {
    Message,
    ReactionGiven,
    ReactionReceived,
    ThreadCreate,
    VoiceTick,
    QuestComplete,
    ManualAward,
    LevelUp,
    AchievementEarned,
    CampaignReward,
    LearningReward,
    Purchase,
    Refund,
    Import,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Message,
        Self::ReactionGiven,
        Self::ReactionReceived,
        Self::ThreadCreate,
        Self::VoiceTick,
        Self::QuestComplete,
        Self::ManualAward,
        Self::LevelUp,
        Self::AchievementEarned,
        Self::CampaignReward,
        Self::LearningReward,
        Self::Purchase,
        Self::Refund,
        Self::Import,
    ];

    /// Reads back [`Event::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }

    /// Whether it comes of the lake's events (`source_system` is `discord`), as most of the journal does.
    pub const fn is_of_lake(self) -> bool {
        matches!(
            self,
            Self::Message
                | Self::ReactionGiven
                | Self::ReactionReceived
                | Self::ThreadCreate
                | Self::VoiceTick
        )
    }

    /// The name in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "MESSAGE",
            Self::ReactionGiven => "REACTION_GIVEN",
            Self::ReactionReceived => "REACTION_RECEIVED",
            Self::ThreadCreate => "THREAD_CREATE",
            Self::VoiceTick => "VOICE_TICK",
            Self::QuestComplete => "QUEST_COMPLETE",
            Self::ManualAward => "MANUAL_AWARD",
            Self::LevelUp => "LEVEL_UP",
            Self::AchievementEarned => "ACHIEVEMENT_EARNED",
            Self::CampaignReward => "CAMPAIGN_REWARD",
            Self::LearningReward => "LEARNING_REWARD",
            Self::Purchase => "PURCHASE",
            Self::Refund => "REFUND",
            Self::Import => "IMPORT",
        }
    }
}

/// A change of a member's XP, gold and stars, with the cause that makes it happen once. Negative amounts take back.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The guild it happens in.
    pub guild_id: GuildId,
    /// Who is granted it: a member already ([`people::member_ensure`]).
    pub user_id: UserId,
    /// XP gained; at most 2^31 − 1 at once.
    pub xp: Xp,
    /// Gold gained; at most 2^31 − 1 at once.
    pub gold: Gold,
    /// Stars gained; at most 2^31 − 1 at once.
    pub stars: i64,
    /// What it was for.
    pub event_type: Event,
    /// Where the cause is known: discord, campaigns, learning, community, import; 1 to 30 characters.
    pub source_system: String,
    /// The cause there, 1 to 100 characters: the same cause counts once per guild.
    pub source_event_id: String,
    /// How the figures came about, for people: a JSON object.
    pub metadata: serde_json::Value,
}

/// What became of a batch of grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// For each grant, in order, whether it took effect now; false where its cause had been granted already.
    pub fresh: Vec<bool>,
    /// Who reached a level for the first time, by guild and member.
    pub level_ups: Vec<LevelUp>,
}

/// A member reached a level, or several at once, that they had never reached before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelUp {
    /// The guild.
    pub guild_id: GuildId,
    /// The member.
    pub user_id: UserId,
    /// The highest level reached.
    pub level: i32,
    /// Gold paid for it, over all levels reached at once.
    pub gold: Gold,
    /// XP they have now.
    pub xp: Xp,
}
