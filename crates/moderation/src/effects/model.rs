//! Effects: on whom they act, what they are, and what becomes of them.

use std::fmt;

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, MessageId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Action, CaseId, EffectId};

kernel::decl_words! {
    /// What is done.
    #[schema(as = ModerationEffectKind)]
    pub enum EffectKind {
        /// Bans a person.
        Ban = "ban",
        /// Lifts a ban.
        Unban = "unban",
        /// Times a member out.
        Timeout = "timeout",
        /// Lifts a time-out.
        Untimeout = "untimeout",
        /// Puts a member out.
        Kick = "kick",
        /// Bans up to 200 people at once.
        BulkBan = "bulk_ban",
        /// Deletes a message.
        DeleteMessage = "delete_message",
        /// Deletes the newest messages of a channel.
        Purge = "purge",
        /// Writes to a person.
        DirectMessage = "direct_message",
        /// Writes to the channel of those who moderate.
        Alert = "alert",
        /// Stops invites and direct messages of the guild for a while, or allows them again.
        IncidentActions = "incident_actions",
    }
}

impl EffectKind {
    /// How often it may be begun. A direct message is tried once, as what follows it must not wait.
    pub const fn attempts(self) -> i32 {
        match self {
            Self::DirectMessage => 1,
            Self::DeleteMessage => 5,
            Self::Alert => 6,
            _ => 12,
        }
    }
}

/// On whom or what an effect acts. Those of one target are done in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A person.
    User(UserId),
    /// A channel.
    Channel(ChannelId),
    /// The guild.
    Guild(GuildId),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Channel(id) => write!(f, "channel:{id}"),
            Self::Guild(id) => write!(f, "guild:{id}"),
        }
    }
}

/// What an effect needs, by kind. Reasons are moderators' words; what members wrote is in none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payload {
    /// Ban this person.
    Ban {
        /// Whom.
        user_id: UserId,
        /// How many seconds of their messages go too.
        delete_message_seconds: i32,
        /// For Discord's audit log; names the case.
        reason: String,
    },
    /// Lift this person's ban.
    Unban {
        /// Whose.
        user_id: UserId,
        /// For Discord's audit log.
        reason: String,
    },
    /// Time this member out. Send [`crate::rules::timeout_until`] of `until`: Discord refuses more than 28 days by its clock.
    Timeout {
        /// Whom.
        user_id: UserId,
        /// Until when.
        until: DateTime<Utc>,
        /// For Discord's audit log.
        reason: String,
    },
    /// Lift this member's time-out.
    Untimeout {
        /// Whose.
        user_id: UserId,
        /// For Discord's audit log.
        reason: String,
    },
    /// Put this member out.
    Kick {
        /// Whom.
        user_id: UserId,
        /// For Discord's audit log.
        reason: String,
    },
    /// Ban these people. An empty answer says nothing: their bans are seen one by one ([`crate::ops::bans_seen`]).
    BulkBan {
        /// Whom, at most 200.
        user_ids: Vec<UserId>,
        /// How many seconds of their messages go too.
        delete_message_seconds: i32,
        /// For Discord's audit log.
        reason: String,
    },
    /// Delete this message. That it is gone already is success. Where channel and message bear one id it is the first message of a thread or of a post
    /// in a forum: that goes as a whole.
    DeleteMessage {
        /// Where.
        channel_id: ChannelId,
        /// Which.
        message_id: MessageId,
        /// For Discord's audit log.
        reason: String,
    },
    /// Delete the newest messages of a channel; only those of one person, where one is named.
    Purge {
        /// Where.
        channel_id: ChannelId,
        /// Whose.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// How many at most.
        limit: i32,
        /// None that is younger: what is written after the command stays.
        before: DateTime<Utc>,
        /// For Discord's audit log.
        reason: String,
    },
    /// Tell this person of a case about them; wait for it at most 2 s.
    DirectMessage {
        /// Whom.
        user_id: UserId,
        /// The case's number.
        case_number: i32,
        /// What was done.
        action: Action,
        /// Why.
        reason: String,
        /// When it ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<DateTime<Utc>>,
        /// Whether they may appeal: then [`Leased::appeal_token`] is for the link.
        may_appeal: bool,
    },
    /// Tell those who moderate.
    Alert {
        /// Where; the guild's channel for alerts, if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        channel_id: Option<ChannelId>,
        /// What happened, as a sentence without content.
        text: String,
        /// Whom it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// The case that came of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        case_number: Option<i32>,
    },
    /// Stop invites and direct messages until then; allow them again, where it is absent.
    IncidentActions {
        /// Until when.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    },
}

impl Payload {
    /// What it is.
    pub const fn kind(&self) -> EffectKind {
        match self {
            Self::Ban { .. } => EffectKind::Ban,
            Self::Unban { .. } => EffectKind::Unban,
            Self::Timeout { .. } => EffectKind::Timeout,
            Self::Untimeout { .. } => EffectKind::Untimeout,
            Self::Kick { .. } => EffectKind::Kick,
            Self::BulkBan { .. } => EffectKind::BulkBan,
            Self::DeleteMessage { .. } => EffectKind::DeleteMessage,
            Self::Purge { .. } => EffectKind::Purge,
            Self::DirectMessage { .. } => EffectKind::DirectMessage,
            Self::Alert { .. } => EffectKind::Alert,
            Self::IncidentActions { .. } => EffectKind::IncidentActions,
        }
    }

    /// On what it acts, in a guild.
    pub fn target(&self, guild: GuildId) -> Target {
        match self {
            Self::Ban { user_id, .. }
            | Self::Unban { user_id, .. }
            | Self::Timeout { user_id, .. }
            | Self::Untimeout { user_id, .. }
            | Self::Kick { user_id, .. }
            | Self::DirectMessage { user_id, .. } => Target::User(*user_id),
            Self::DeleteMessage { channel_id, .. } | Self::Purge { channel_id, .. } => {
                Target::Channel(*channel_id)
            }
            Self::Alert { channel_id, .. } => channel_id.map_or(Target::Guild(guild), Target::Channel),
            Self::BulkBan { .. } | Self::IncidentActions { .. } => Target::Guild(guild),
        }
    }
}

/// An effect to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// The case that it carries out, or tells of.
    pub case_id: Option<CaseId>,
    /// What makes it happen once: at most 64 characters, unique in the guild. A second one of the key is not asked for.
    pub idempotency_key: String,
    /// What it needs.
    pub payload: Payload,
}

/// An effect in one's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The guild.
    pub guild_id: GuildId,
    /// Its row.
    pub id: EffectId,
    /// For [`super::applied`], [`super::failed`] and [`super::renew`].
    pub receipt: Receipt,
    /// The case that it carries out, or tells of.
    pub case_id: Option<CaseId>,
    /// What makes it happen once: a message's `nonce` with `enforce_nonce`. At most 25 characters.
    pub idempotency_key: String,
    /// How often it was begun, this time included.
    pub attempts: i32,
    /// What it needs.
    pub payload: Payload,
    /// For the link by which the case may be appealed: made anew with each attempt, never stored.
    pub appeal_token: Option<String>,
}

/// The right to say what became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The guild.
    pub guild_id: GuildId,
    /// Its row.
    pub id: EffectId,
    /// The lease's token.
    pub token: i64,
}

/// What came of an effect that Discord took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Settled {
    /// How many messages a purge removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<i32>,
    /// The message that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

/// Whether what one said of an effect was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was.
    Recorded,
    /// It is dead now, after this failure.
    Dead,
    /// Somebody else has the lease, or settled it: say nothing more.
    Lost,
}

/// An effect as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModerationEffect)]
pub struct Effect {
    /// Its row.
    pub id: EffectId,
    /// What is done.
    pub kind: EffectKind,
    /// On whom or what, such as `user:175928847299117063`.
    pub target: String,
    /// The number of the case that it carries out, or tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_number: Option<i32>,
    /// pending, leased, applied or dead.
    pub state: String,
    /// How often it was begun.
    pub attempts: i32,
    /// Why it last failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Discord's code of the last refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i32>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was applied, or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<DateTime<Utc>>,
}

/// Why an effect failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// In words for an administrator.
    pub reason: String,
    /// Discord's code, if it gave one.
    pub code: Option<i32>,
}
