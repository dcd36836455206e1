//! A case, what it takes to make one, and what moderators do to it afterwards.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, MessageId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Action, CaseId, EffectState, RaidId, Resolution, RuleId, Source};

/// A moderation case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Case {
    /// The guild.
    pub guild_id: GuildId,
    /// Its row.
    pub id: CaseId,
    /// Its number in the guild, from 1 without gaps.
    pub case_number: i32,
    /// Whom it is about; 0 for a purge of everybody's messages.
    #[schema(value_type = String, example = "175928847299117063")]
    pub user_id: UserId,
    /// Their name at the time.
    pub user_tag: String,
    /// Who did it; 0 for Questhall itself.
    #[schema(value_type = String, example = "175928847299117063")]
    pub moderator_id: UserId,
    /// That one's name at the time.
    pub moderator_tag: String,
    /// What was done.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether nothing of it is in force any more.
    pub resolved: bool,
    /// When that was so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<DateTime<Utc>>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Where it came from.
    pub source: Source,
    /// The rule that matched, for automod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automod_rule_id: Option<RuleId>,
    /// The raid in whose time it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raid_id: Option<RaidId>,
    /// The case it follows from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_case_id: Option<CaseId>,
    /// The channel it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// The message it is about; its content is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// How many messages a purge removed, once Discord has told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_purged: Option<i32>,
    /// Whether Discord has it yet.
    pub effect_state: EffectState,
    /// Why Discord refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect_error: Option<String>,
    /// Whether the member could be told; absent while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_notified: Option<bool>,
    /// When it was declared void.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voided_at: Option<DateTime<Utc>>,
    /// Why it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub void_reason: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Who makes a case: a moderator by id and name, or Questhall itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderator {
    /// The person; [`UserId::HOUSE`] for Questhall itself.
    pub id: UserId,
    /// Their name.
    pub tag: String,
}

impl Moderator {
    /// Questhall itself.
    pub fn house() -> Self {
        Self { id: UserId::HOUSE, tag: "Questhall".to_owned() }
    }
}

/// A case to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// What is done.
    pub action: Action,
    /// Whom it is about. Left out for a purge of everybody's messages.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// Their name; taken from the guild's members if left out.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub user_tag: Option<String>,
    /// Why: 1 to 500 characters, shown to the member except for notes.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// For how many seconds: needed for a time-out (at most 28 days), possible for a ban and a warning.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub duration_seconds: Option<i64>,
    /// The channel it happened in; for a purge, the one that is purged.
    #[serde(default)]
    pub channel_id: Option<ChannelId>,
    /// The message it is about.
    #[serde(default)]
    pub message_id: Option<MessageId>,
    /// For a ban: how many seconds of the person's messages go too, at most 7 days.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    pub delete_message_seconds: Option<i32>,
    /// For a purge: how many messages at most, 1 to 1000.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<i32>,
    /// Whether the member is not told.
    #[serde(default)]
    pub quiet: bool,
    /// Links to evidence.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub evidence: Vec<NewEvidence>,
}

impl NewCase {
    /// A case about somebody, with nothing more said.
    pub fn about(action: Action, user: UserId, reason: impl Into<String>) -> Self {
        Self {
            action,
            user_id: Some(user),
            user_tag: None,
            reason: reason.into(),
            duration_seconds: None,
            channel_id: None,
            message_id: None,
            delete_message_seconds: None,
            limit: None,
            quiet: false,
            evidence: Vec::new(),
        }
    }

    /// For so many seconds.
    #[must_use]
    pub fn lasting(mut self, seconds: i64) -> Self {
        self.duration_seconds = Some(seconds);
        self
    }
}

/// What Discord says of somebody in a guild, as far as who may act upon whom depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rank {
    /// Whether the guild is theirs.
    pub owner: bool,
    /// Place of their highest role; 0 without any.
    pub position: i32,
    /// Their permissions in the guild, as Discord's bits.
    pub permissions: u64,
}

/// A permission of Discord's that an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Power {
    /// `KICK_MEMBERS`.
    Kick = 1 << 1,
    /// `BAN_MEMBERS`.
    Ban = 1 << 2,
    /// `ADMINISTRATOR`.
    Administrator = 1 << 3,
    /// `MANAGE_GUILD`.
    ManageGuild = 1 << 5,
    /// `MANAGE_MESSAGES`.
    ManageMessages = 1 << 13,
    /// `MODERATE_MEMBERS`.
    Moderate = 1 << 40,
}

/// How those in a case stand to each other on Discord. What is not known is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Whom it is about; `None` for who is not in the guild.
    pub target: Option<Rank>,
    /// Who acts; `None` for automod.
    pub moderator: Option<Rank>,
    /// The bot, which carries it out.
    pub bot: Option<Rank>,
}

/// Evidence to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCaseEvidence)]
pub struct NewEvidence {
    /// Where it is: http or https.
    #[schema(max_length = 2000)]
    pub url: String,
    /// What it shows.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// Evidence of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CaseEvidence)]
pub struct Evidence {
    /// Its row.
    pub id: Uuid,
    /// Where it is.
    pub url: String,
    /// What it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who added it; 0 for the operator.
    #[schema(value_type = String)]
    pub added_by: UserId,
    /// Their name.
    pub added_by_tag: String,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// What moderators may change of a case. What is left out stays; null for `duration_seconds` takes the end away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseEdit {
    /// Why: 1 to 500 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
    /// For how many seconds from the case's making.
    #[serde(default, deserialize_with = "kernel::fields::given")]
    #[schema(value_type = Option<i64>, minimum = 1)]
    pub duration_seconds: Option<Option<i64>>,
}

/// One change of a case after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaseEdited {
    /// What was changed: reason, `expires_at`, resolution, voided or evidence.
    pub field: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_value: Option<String>,
    /// What it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_value: Option<String>,
    /// Who changed it; absent for Questhall itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub edited_by: Option<UserId>,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_by_tag: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// How many cases of each action somebody, or a rule, made in a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CaseStatistics)]
pub struct Statistics {
    /// The moderator, for figures by moderator; 0 for Questhall itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub moderator_id: Option<UserId>,
    /// The rule, for figures by rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<RuleId>,
    /// Their name, or the rule's.
    pub name: String,
    /// What was done.
    pub action: Action,
    /// How often.
    pub cases: i64,
    /// How many of those were voided, or lifted on appeal.
    pub overturned: i64,
}
