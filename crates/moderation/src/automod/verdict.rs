//! What comes of judging: hits, each explained without a word of what was judged, and what is to be done.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, MessageId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::message::Member;
use crate::model::{Action, RuleId};

kernel::decl_words! {
    /// What a rule does on a match.
    #[schema(as = AutomodAction)]
    pub enum Act {
        /// The message goes.
        Delete = "delete",
        /// The member is warned.
        Warn = "warn",
        /// The member may not speak for a while.
        Timeout = "timeout",
        /// The member is put out.
        Kick = "kick",
        /// The member is banned.
        Ban = "ban",
        /// Those who moderate are told.
        Alert = "alert",
    }
}

impl Act {
    /// The case that it makes, if any.
    pub const fn case(self) -> Option<Action> {
        match self {
            Self::Delete | Self::Alert => None,
            Self::Warn => Some(Action::Warn),
            Self::Timeout => Some(Action::Timeout),
            Self::Kick => Some(Action::Kick),
            Self::Ban => Some(Action::Ban),
        }
    }
}

kernel::decl_words! {
    /// Where something was seen.
    #[schema(as = AutomodSurface)]
    pub enum Surface {
        /// The text.
        Content = "content",
        /// An embed.
        Embed = "embed",
        /// A component.
        Component = "component",
        /// An attachment's name or description.
        Attachment = "attachment",
        /// A sticker's name.
        Sticker = "sticker",
        /// A poll's question or answer.
        Poll = "poll",
        /// The name of a thread or a forum post.
        Title = "title",
        /// A message that is forwarded.
        Forwarded = "forwarded",
        /// A member's name.
        Name = "name",
        /// The account itself.
        Account = "account",
        /// How much was written, or who came, in a time.
        Rate = "rate",
    }
}

kernel::decl_words! {
    /// A step by which a text was brought into the form that was compared.
    #[schema(as = AutomodStep)]
    pub enum Step {
        /// Markdown was rendered to what is shown.
        Markdown = "markdown",
        /// Characters that are not drawn were dropped.
        Invisible = "invisible",
        /// Compatible forms became one: full-width, mathematical.
        Compatible = "compatible",
        /// Look-alikes of other scripts became Latin letters.
        Confusable = "confusable",
        /// Accents heaped on letters were dropped.
        Marks = "marks",
        /// Capitals became small.
        Case = "case",
        /// An address was decoded.
        Decoded = "decoded",
    }
}

/// Why a rule matched: where, by which steps, and the figures; nothing of the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = HitExplanation)]
pub struct Explanation {
    /// Where it was seen.
    pub surface: Surface,
    /// The steps that changed something before it was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Figures by their names: a count and its limit, the number of the pattern in the rule, a percentage, hours.
    #[schema(value_type = Object)]
    pub figures: Map<String, Value>,
}

/// A rule that matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The rule.
    pub rule_id: RuleId,
    /// Its name.
    pub rule: String,
    /// What it does.
    pub act: Act,
    /// For how long.
    pub duration_seconds: Option<i32>,
    /// Whether the message goes too.
    pub delete_message: bool,
    /// Its reason, or one made from its name.
    pub reason: String,
    /// Where it is told; the guild's usual channel, if absent.
    pub alert_channel_id: Option<ChannelId>,
    /// Whether nothing is done, as it is being tried.
    pub dry_run: bool,
    /// For a rule about joins: what raid mode does then, and for how many minutes.
    pub raid: Option<(crate::model::RaidAction, Option<i64>)>,
    /// Why it matched.
    pub explanation: Explanation,
}

/// What comes of judging a message, a name or a join.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What makes it count once: `message:<id>:<edited ms or 0>`, or `join:<user>:<joined ms>`.
    pub source_id: String,
    /// Who was judged.
    pub user_id: UserId,
    /// Their name.
    pub user_tag: String,
    /// What they may do, so that who is out of the bot's reach is not tried.
    pub rank: crate::model::Rank,
    /// Where it was written.
    pub channel_id: Option<ChannelId>,
    /// The message.
    pub message_id: Option<MessageId>,
    /// Further messages of the same kind that go with it: a burst, the same in other channels.
    pub also_delete: Vec<(ChannelId, MessageId)>,
    /// The rules that matched, in order: the first in earnest decides, unless it lets others go on.
    pub hits: Vec<Hit>,
}

impl Verdict {
    /// Nothing matched yet.
    pub(crate) fn of(source_id: String, member: &Member) -> Self {
        Self {
            source_id,
            user_id: member.user_id,
            user_tag: member.tag(),
            rank: member.rank,
            channel_id: None,
            message_id: None,
            also_delete: Vec::new(),
            hits: Vec::new(),
        }
    }

    /// Whether the message goes.
    pub fn deletes(&self) -> bool {
        self.message_id.is_some() && self.hits.iter().any(|hit| hit.delete_message && !hit.dry_run)
    }

    /// Whether nothing matched.
    pub fn is_clean(&self) -> bool {
        self.hits.is_empty()
    }
}

/// When somebody joined, as it counts: what Discord tells twice differs by some 400 ms.
pub(crate) fn join_source(user: UserId, joined_at: DateTime<Utc>) -> String {
    format!("join:{user}:{}", joined_at.timestamp_millis())
}
