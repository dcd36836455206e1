//! What a batch changed about members, for those who act upon it in the same transaction.

use kernel::{GuildId, UserId};

use crate::EventType;

/// A figure before and after a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// What it was.
    pub before: i64,
    /// What it is now.
    pub after: i64,
}

impl Moved {
    /// Whether it rose to `threshold` or past it just now.
    pub fn reached(self, threshold: i64) -> bool {
        self.before < threshold && self.after >= threshold
    }

    /// By how much it changed.
    pub fn by(self) -> i64 {
        self.after - self.before
    }
}

/// What a batch of events changed in a guild. Totals are those after the batch, as its transaction sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The guild.
    pub guild_id: GuildId,
    /// The active season, if there is one.
    pub season_id: Option<i32>,
    /// The members for whom something was counted or rewarded, by id, each once. Bots are not among them.
    pub members: Vec<MemberChange>,
}

/// What a batch changed about a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// The member. Their row is locked until the transaction ends.
    pub user_id: UserId,
    /// Lifetime XP.
    pub xp: Moved,
    /// Lifetime stars.
    pub stars: Moved,
    /// Level.
    pub level: Moved,
    /// Lifetime counters of the lake (category 0) that rose.
    pub counters: Vec<(EventType, Moved)>,
    /// Season figures that changed: mostly of the active season, of earlier ones where events came late.
    pub seasons: Vec<SeasonChange>,
}

/// What a batch changed in a member's `user_stats` of a season.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeasonChange {
    /// The season.
    pub season_id: i32,
    /// XP earned in it.
    pub xp: Moved,
    /// Stars earned in it.
    pub stars: Moved,
    /// `messages_sent`.
    pub messages_sent: Moved,
    /// `reactions_given`.
    pub reactions_given: Moved,
    /// `reactions_received`.
    pub reactions_received: Moved,
    /// `threads_created`.
    pub threads_created: Moved,
    /// `voice_minutes`.
    pub voice_minutes: Moved,
}
