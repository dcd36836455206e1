//! What members are granted, and what for.

use kernel::{Gold, GuildId, UserId, Xp};

kernel::decl_words! {
    /// What a change of XP, gold or stars was for (`activity_log.event_type`).
    #[schema(as = JournalKind)]
    #[expect(missing_docs, reason = "the names are 003's own and say it all")]
    pub enum Event {
        Message = "MESSAGE",
        ReactionGiven = "REACTION_GIVEN",
        ReactionReceived = "REACTION_RECEIVED",
        ThreadCreate = "THREAD_CREATE",
        VoiceTick = "VOICE_TICK",
        QuestComplete = "QUEST_COMPLETE",
        ManualAward = "MANUAL_AWARD",
        LevelUp = "LEVEL_UP",
        AchievementEarned = "ACHIEVEMENT_EARNED",
        CampaignReward = "CAMPAIGN_REWARD",
        LearningReward = "LEARNING_REWARD",
        Purchase = "PURCHASE",
        Refund = "REFUND",
        Import = "IMPORT",
    }
}

impl Event {
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
