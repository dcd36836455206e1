//! The types: a campaign's settings as authors write them, in `campaign.toml` and in JSON alike, and the campaign as
//! readers see it.

use chrono::{DateTime, Utc};
use kernel::{CampaignId, ChannelId, GuildId, TimerId, UserId};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

kernel::decl_words! {
    /// Who competes.
    pub enum CampaignType {
        /// Every member for themselves.
        Player = "player",
        /// Squads: members act for their squad.
        Squad = "squad",
    }
}

kernel::decl_words! {
    /// How solved parts become a standing.
    pub enum ScoringType {
        /// By parts solved, then by the least total of (submission − first request of the input).
        TimeBased = "time_based",
        /// The k-th solver of a part gets `max(0, starting_points − (k−1) × points_decrease_step)`.
        PointBased = "point_based",
    }
}

kernel::decl_words! {
    /// Where a campaign is in its life.
    pub enum Status {
        /// A draft, or published and waiting for its start.
        Created = "CREATED",
        /// Challenges are released and answers taken.
        Running = "RUNNING",
        /// Standings are final.
        Closed = "CLOSED",
        /// Rewards can be claimed.
        RewardClaim = "REWARD_CLAIM",
        /// Over, or cancelled.
        Expired = "EXPIRED",
    }
}

kernel::decl_words! {
    /// What a campaign's timer does when it is due.
    pub enum TimerType {
        /// CREATED → RUNNING, and releases challenge 1.
        StartCampaign = "START_CAMPAIGN",
        /// Releases the next challenge.
        ReleaseChallenge = "RELEASE_CHALLENGE",
        /// Stores the scoreboard that everyone but admins sees until the close.
        FreezeStandings = "FREEZE_STANDINGS",
        /// RUNNING → CLOSED, and stores the final standings.
        CloseCampaign = "CLOSE_CAMPAIGN",
        /// `CLOSED` → `REWARD_CLAIM`.
        OpenRewardClaim = "OPEN_REWARD_CLAIM",
        /// Reminds who has not claimed.
        RewardReminder = "REWARD_REMINDER",
        /// The safety net: anything → EXPIRED.
        ExpireCampaign = "EXPIRE_CAMPAIGN",
    }
}

/// A campaign's settings, the same in `campaign.toml` and in JSON. Fields left out have their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignSettings {
    /// Display name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Advent of Bytes")]
    pub name: String,
    /// Markdown, at most 20,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who competes.
    pub campaign_type: CampaignType,
    /// How standings are made.
    #[serde(default = "default_scoring")]
    pub scoring_type: ScoringType,
    /// `point_based`: what the first solver of a part gets, 0 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_points: Option<i32>,
    /// `point_based`: how much less each later solver gets, 0 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_decrease_step: Option<i32>,
    /// When it starts; none while it is an unscheduled draft. RFC 3339.
    #[serde(default, deserialize_with = "time_or_toml", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// How long it runs, in hours: 1 to 87,600.
    pub duration_hours: i32,
    /// Challenge n is released at `start_time + (n − 1) × release_delay_minutes`.
    #[serde(default = "default_release_delay")]
    pub release_delay_minutes: i32,
    /// Whether a timer closes it at its end; otherwise an admin does.
    #[serde(default = "yes")]
    pub auto_close: bool,
    /// Whether rewards can be claimed after the close.
    #[serde(default = "yes")]
    pub rewards_enabled: bool,
    /// Bytes paid on registration; refunded if the campaign is cancelled before it starts.
    #[serde(default)]
    pub entry_fee: i64,
    /// Discord channel for announcements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement_channel_id: Option<ChannelId>,
    /// The scoreboard freezes this many minutes before the end for all but admins; 0 never.
    #[serde(default)]
    pub freeze_minutes: i32,
    /// Testers see a challenge this many minutes before its release.
    #[serde(default)]
    pub early_access_minutes: i32,
    /// Who joins a squad after the start may act for it after this many minutes.
    #[serde(default)]
    pub late_join_minutes: i32,
    /// Whether members may change squads while this squad campaign runs.
    #[serde(default)]
    pub allow_squad_moves: bool,
    /// Whether staff are told when somebody submits the answer to another participant's input.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub tell_borrowed_answers: bool,
    /// How fast a participant may submit answers.
    #[serde(default)]
    pub rate_limit: RateLimit,
    /// Delays of the campaign's own timers.
    #[serde(default)]
    pub timers: TimerSettings,
    /// What is paid for which rank; an entry without ranks is for taking part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewards: Vec<Reward>,
}

/// How fast a participant may submit answers. A right answer is never refused for being one of a burst.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimit {
    /// Answers in any 5 seconds: 1 to 1,000.
    pub per_5s: i32,
    /// Answers in any 5 minutes: 1 to 60,000.
    pub per_5min: i32,
    /// Seconds of lockout after a wrong answer; 0 is off.
    pub lockout_seconds: i32,
    /// Each further wrong answer in a row multiplies the lockout by this: 1 to 10.
    pub lockout_factor: f64,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_5s: 1, per_5min: 10, lockout_seconds: 0, lockout_factor: 2.0 }
    }
}

/// Delays of a campaign's own timers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimerSettings {
    /// Rewards can be claimed this many minutes after the close.
    pub reward_delay_minutes: i32,
    /// For how many days they can be claimed.
    pub claim_days: i32,
    /// Who has not claimed is reminded this many hours before the window ends; 0 never.
    pub reminder_hours: i32,
    /// Expires this many minutes after its start time if it never started.
    pub expire_unstarted_minutes: i32,
    /// Expires this many minutes after its end time if it never closed.
    pub expire_unclosed_minutes: i32,
    /// Expires this many hours after the close when there are no rewards to claim.
    pub expire_closed_hours: i32,
}

impl Default for TimerSettings {
    fn default() -> Self {
        Self {
            reward_delay_minutes: 5,
            claim_days: 7,
            reminder_hours: 24,
            expire_unstarted_minutes: 60,
            expire_unclosed_minutes: 120,
            expire_closed_hours: 48,
        }
    }
}

/// One row of a reward table. Who has a rank in `from`–`to` gets it; a row with `participation` is for everyone who
/// solved at least one part, and comes on top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Best rank of the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i32>,
    /// Last rank of the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i32>,
    /// For taking part, whatever the rank.
    #[serde(default, skip_serializing_if = "is_false")]
    pub participation: bool,
    /// Bytes; a squad's are split among its members at the close.
    #[serde(default)]
    pub bytes: i64,
    /// XP; split likewise.
    #[serde(default)]
    pub xp: i64,
    /// Gold; split likewise.
    #[serde(default)]
    pub gold: i64,
}

/// A campaign, as its guild's admins see it. Its secret is never shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Its guild.
    pub guild_id: GuildId,
    /// Where it is in its life.
    pub status: Status,
    /// What became of it, in a word: draft, published, active, completed, cancelled, or lapsed where it never started.
    pub state: String,
    /// What its author set.
    pub settings: CampaignSettings,
    /// `start_time + duration_hours`.
    pub end_time: Option<DateTime<Utc>>,
    /// When it was published; none for a draft.
    pub published_at: Option<DateTime<Utc>>,
    /// When it really started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it really closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When claims opened.
    pub reward_claim_at: Option<DateTime<Utc>>,
    /// When it expired or was cancelled.
    pub expired_at: Option<DateTime<Utc>>,
    /// When an admin cancelled it.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// How many challenges it has.
    pub challenges: i64,
    /// How many of them are released.
    pub challenges_released: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Campaign {
    /// Its key.
    pub const fn key(&self) -> challenges::CampaignKey {
        challenges::CampaignKey { guild_id: self.guild_id, id: self.id }
    }
}

/// Who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// A member's snowflake or a squad's UUID.
    pub participant_id: String,
    /// player or squad.
    pub participant_type: String,
    /// The name shown on leaderboards.
    pub display_name: String,
    /// Who registered, and paid.
    pub registered_by: UserId,
    /// When.
    pub registered_at: DateTime<Utc>,
    /// Bytes paid.
    pub fee_paid: i64,
}

/// A timer of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CampaignTimer {
    /// Its id.
    pub id: TimerId,
    /// Its campaign.
    pub campaign_id: CampaignId,
    /// What it does.
    pub timer_type: TimerType,
    /// PENDING, COMPLETED, FAILED or CANCELLED.
    pub status: String,
    /// When it is due.
    pub scheduled_at: DateTime<Utc>,
    /// When it was executed.
    pub executed_at: Option<DateTime<Utc>>,
    /// Details of its type.
    pub payload: serde_json::Value,
    /// Failures so far.
    pub retry_count: i32,
    /// The latest failure.
    pub last_error: Option<String>,
}

/// One transition of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StateLogEntry {
    /// The status before; none when it was made.
    pub from_state: Option<Status>,
    /// The status after.
    pub to_state: Status,
    /// The timer type or admin action that moved it.
    pub trigger_event: String,
    /// Who moved it.
    pub metadata: serde_json::Value,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What a member may claim, has claimed or let lapse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RewardClaim {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The member.
    pub user_id: UserId,
    /// The participant that earned it.
    pub participant_id: String,
    /// Its final rank.
    pub rank: i32,
    /// Bytes.
    pub bytes: i64,
    /// XP.
    pub xp: i64,
    /// Gold.
    pub gold: i64,
    /// When it was paid.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When it lapsed.
    pub lapsed_at: Option<DateTime<Utc>>,
}

/// One recorded figure of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// `ENGAGEMENT_COUNT`, `PARTICIPANT_COUNT`, `REWARD_CLAIMED`, `TIMER_EXECUTION_TIME` or `STATE_TRANSITION_TIME`.
    pub metric_type: String,
    /// The figure: a count, or milliseconds.
    pub value: f64,
    /// What it was measured over.
    pub attributes: serde_json::Value,
    /// The end of the minute measured.
    pub recorded_at: DateTime<Utc>,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

const fn default_scoring() -> ScoringType {
    ScoringType::TimeBased
}

const fn default_release_delay() -> i32 {
    1440
}

/// Reads a time from an RFC 3339 text, or from TOML's own date-time, which serde hands over as a map of one entry.
fn time_or_toml<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    struct Time;
    const WANTED: &str = "a time with its offset from UTC, such as 2026-12-01T18:00:00Z";

    impl<'de> de::Visitor<'de> for Time {
        type Value = Option<DateTime<Utc>>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(WANTED)
        }
        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D2: Deserializer<'de>>(self, inner: D2) -> Result<Self::Value, D2::Error> {
            inner.deserialize_any(self)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1))
                .map(|time| Some(time.with_timezone(&Utc)))
                .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            match map.next_entry::<String, String>()? {
                Some((_, text)) => self.visit_str(&text),
                None => Err(de::Error::custom(WANTED)),
            }
        }
    }
    deserializer.deserialize_any(Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "name = \"A\"\ncampaign_type = \"player\"\nduration_hours = 3\nstart_time = 2026-12-01T18:00:00+01:00\n";

    #[test]
    fn toml_and_json_say_the_same() {
        let from_toml: CampaignSettings = toml::from_str(TOML).unwrap();
        let json = serde_json::to_string(&from_toml).unwrap();
        assert!(json.contains("\"start_time\":\"2026-12-01T17:00:00Z\""), "{json}");
        assert_eq!(serde_json::from_str::<CampaignSettings>(&json).unwrap(), from_toml);
    }

    #[test]
    fn a_local_time_is_refused_because_nobody_knows_when_it_is() {
        let error = toml::from_str::<CampaignSettings>(&TOML.replace("+01:00", "")).unwrap_err().to_string();
        assert!(error.contains("offset from UTC"), "{error}");
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        let error =
            toml::from_str::<CampaignSettings>(&format!("{TOML}colour = 1\n")).unwrap_err().to_string();
        assert!(error.contains("colour"), "{error}");
    }
}
