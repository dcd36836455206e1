//! What is judged: everything of a message that people can see.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, MessageId, RoleId, UserId};

use crate::model::Rank;

/// A message as it came, or as it is after an edit. A thread that is made or renamed, and a forum post, are messages with a
/// [`title`](Message::title).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id; a thread's own id for a thread that is made or renamed without a message.
    pub id: MessageId,
    /// Where it was written.
    pub channel_id: ChannelId,
    /// What its channel is in: the channel of a thread, and the category. Rules that exempt one of these exempt it.
    pub parent_ids: Vec<ChannelId>,
    /// Who wrote it.
    pub author: Member,
    /// Whether it came as a change of one that was there.
    pub is_update: bool,
    /// When it was edited. An update without is Discord's own unfurling of links, and is not judged.
    pub edited_at: Option<DateTime<Utc>>,
    /// What it says.
    pub body: Body,
    /// The name of the thread or forum post that it begins, or renames.
    pub title: Option<String>,
    /// What it forwards: a forward's own content is empty.
    pub forwarded: Vec<Body>,
}

impl Message {
    /// A new message with nothing in it yet.
    pub fn new(id: MessageId, channel_id: ChannelId, author: Member) -> Self {
        Self {
            id,
            channel_id,
            parent_ids: Vec::new(),
            author,
            is_update: false,
            edited_at: None,
            body: Body::default(),
            title: None,
            forwarded: Vec::new(),
        }
    }

    /// What makes a hit of it count once: another after an edit.
    pub fn source_id(&self) -> String {
        format!("message:{}:{}", self.id, self.edited_at.map_or(0, |at| at.timestamp_millis()))
    }
}

/// What can be read in a message, or in one that is forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// The text, as Discord has it: with its Markdown.
    pub content: String,
    /// Its embeds.
    pub embeds: Vec<Embed>,
    /// Texts and addresses of its components: labels, text displays, buttons' links.
    pub components: Vec<String>,
    /// Its attachments.
    pub attachments: Vec<Attachment>,
    /// Names of its stickers.
    pub stickers: Vec<String>,
    /// Its poll.
    pub poll: Option<Poll>,
}

/// An embed, as texts: title, description, names and values of its fields, footer, author; and its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Embed {
    /// What can be read.
    pub texts: Vec<String>,
    /// Where it leads.
    pub urls: Vec<String>,
    /// Whether Discord made it from a link in the content, which is judged there.
    pub is_unfurled: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its description, for who cannot see it.
    pub alt: Option<String>,
    /// What Discord takes it for, such as `image/png`.
    pub content_type: Option<String>,
}

/// A poll.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Poll {
    /// What is asked.
    pub question: String,
    /// What can be answered.
    pub answers: Vec<String>,
}

/// Somebody in a guild, as the event about them says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Whether it is a bot or a webhook, which are not judged.
    pub is_bot: bool,
    /// The account's name, the name shown everywhere, the name in this guild: as far as there are any.
    pub names: Vec<String>,
    /// Their roles.
    pub role_ids: Vec<RoleId>,
    /// When the account was made: its id tells.
    pub created_at: DateTime<Utc>,
    /// When they joined.
    pub joined_at: Option<DateTime<Utc>>,
    /// Whether they have a picture of their own.
    pub has_avatar: bool,
    /// What they may do in the guild.
    pub rank: Rank,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            user_id: UserId::HOUSE,
            is_bot: false,
            names: Vec::new(),
            role_ids: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            joined_at: None,
            has_avatar: true,
            rank: Rank::default(),
        }
    }
}

impl Member {
    /// The name by which people know them.
    pub fn tag(&self) -> String {
        self.names.last().or(self.names.first()).cloned().unwrap_or_else(|| self.user_id.to_string())
    }
}

/// When an account was made, by its id.
pub fn created_at(user: UserId) -> DateTime<Utc> {
    const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;
    DateTime::from_timestamp_millis((user.get() >> 22) + DISCORD_EPOCH_MS).unwrap_or(DateTime::UNIX_EPOCH)
}
