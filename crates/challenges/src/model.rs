//! The campaign as this slice sees it, and who acts for whom in it.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{CampaignId, GuildId, UserId};
use uuid::Uuid;

use crate::rules::{Limits, Scoring};

kernel::decl_words! {
    /// Who competes in a campaign: members for themselves, or squads.
    pub enum ParticipantType {
        /// A member; the participant id is their snowflake.
        Player = "player",
        /// A squad; the participant id is its UUID.
        Squad = "squad",
    }
}

/// A campaign by its key: the guild leads it, as it leads every key of its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignKey {
    /// Its guild.
    pub guild_id: GuildId,
    /// Its id.
    pub id: CampaignId,
}

impl CampaignKey {
    /// Many keys as the two arrays that a statement unnests: guilds, and campaigns beside them.
    pub fn columns(keys: &[Self]) -> (Vec<i64>, Vec<Uuid>) {
        keys.iter().map(|key| (key.guild_id.get(), key.id.get())).unzip()
    }
}

/// What judging, releasing and showing need to know of a campaign.
#[derive(Debug, Clone)]
pub struct CampaignFacts {
    /// Its id.
    pub id: CampaignId,
    /// Its guild.
    pub guild_id: GuildId,
    /// Its name, for the scoreboard feed.
    pub name: String,
    /// Who competes.
    pub participants: ParticipantType,
    /// `CREATED`, `RUNNING`, `CLOSED`, `REWARD_CLAIM` or `EXPIRED`.
    pub status: String,
    /// How it is scored.
    pub scoring: Scoring,
    /// `point_based`: what a part's first solver gets.
    pub starting_points: i32,
    /// `point_based`: how much less each later one gets.
    pub points_decrease_step: i32,
    /// When it starts, or started by its timetable.
    pub start_time: Option<DateTime<Utc>>,
    /// When answers are no longer taken.
    pub end_time: Option<DateTime<Utc>>,
    /// Challenge n is released at `start_time + (n-1) ×` this many minutes.
    pub release_delay_minutes: i32,
    /// The scoreboard freezes so long before the end; 0: never.
    pub freeze_minutes: i32,
    /// Testers are that far ahead of each release.
    pub early_access_minutes: i32,
    /// Windows and lockouts.
    pub limits: Limits,
    /// Whether it is published: before that, not even testers see anything.
    pub published: bool,
    /// Whether the frozen standings are stored.
    pub frozen_stored: bool,
    /// Whether the final standings are stored.
    pub final_stored: bool,
    /// Whether anybody has early access.
    pub has_testers: bool,
    /// The database's time when this was read.
    pub now: DateTime<Utc>,
}

impl CampaignFacts {
    /// Its key.
    pub const fn key(&self) -> CampaignKey {
        CampaignKey { guild_id: self.guild_id, id: self.id }
    }

    /// Whether answers are taken, as far as the status goes.
    pub fn is_running(&self) -> bool {
        self.status == "RUNNING"
    }

    /// Whether the competition is over: nothing is hidden any more, and nothing changes.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "CLOSED" | "REWARD_CLAIM" | "EXPIRED")
    }

    /// When the scoreboard freezes; `None` if it never does.
    pub fn freeze_at(&self) -> Option<DateTime<Utc>> {
        if self.freeze_minutes <= 0 {
            return None;
        }
        Some(self.end_time? - TimeDelta::minutes(self.freeze_minutes.into()))
    }

    /// If participants at `at` see a frozen scoreboard: since when.
    pub fn frozen_since(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.freeze_at().filter(|freeze| self.is_running() && at >= *freeze)
    }

    /// When a challenge at this place is released by the timetable.
    pub fn scheduled_release(&self, order_position: i32) -> Option<DateTime<Utc>> {
        let minutes = i64::from(order_position - 1) * i64::from(self.release_delay_minutes);
        Some(self.start_time? + TimeDelta::minutes(minutes))
    }

    /// Whether testers see a challenge at this place: published, not over, and within the head start.
    pub fn open_to_testers(&self, order_position: i32, at: DateTime<Utc>) -> bool {
        let ahead = TimeDelta::minutes(self.early_access_minutes.into());
        self.published
            && !self.is_over()
            && self.scheduled_release(order_position).is_some_and(|release| at >= release - ahead)
    }
}

/// For whom a member acts in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Acting {
    /// For a participant, who may or may not be registered.
    For(Participant),
    /// A tester: has an input of their own, early, and answers that are judged and counted nowhere.
    Tester(Participant),
    /// For nobody: in no squad that could compete.
    Nobody,
}

impl Acting {
    /// The participant whose input it is, if any.
    pub fn participant(&self) -> Option<&Participant> {
        match self {
            Self::For(participant) | Self::Tester(participant) => Some(participant),
            Self::Nobody => None,
        }
    }

    /// Whether this is a tester.
    pub fn is_tester(&self) -> bool {
        matches!(self, Self::Tester(_))
    }
}

/// A competitor, as rows name one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Participant {
    /// A player's snowflake or a squad's uuid, as text.
    pub id: String,
    /// Which of the two.
    pub kind: ParticipantType,
}

impl Participant {
    /// A member playing for themselves.
    pub fn player(user: UserId) -> Self {
        Self { id: user.to_string(), kind: ParticipantType::Player }
    }
}
