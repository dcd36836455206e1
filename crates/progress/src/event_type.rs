//! What can happen on Discord, as far as it is counted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened (`event_lake.event_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A message was written.
    MessageCreate,
    /// Somebody reacted to a message.
    ReactionAdd,
    /// Somebody took a reaction back.
    ReactionRemove,
    /// A thread was begun.
    ThreadCreate,
    /// Somebody came into a voice channel.
    VoiceJoin,
    /// Somebody left voice.
    VoiceLeave,
    /// Somebody moved to another voice channel, or was muted or deafened, or no longer is.
    VoiceMove,
    /// Somebody joined the guild.
    MemberJoin,
    /// Somebody left the guild.
    MemberLeave,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::MessageCreate,
        Self::ReactionAdd,
        Self::ReactionRemove,
        Self::ThreadCreate,
        Self::VoiceJoin,
        Self::VoiceLeave,
        Self::VoiceMove,
        Self::MemberJoin,
        Self::MemberLeave,
    ];

    /// The name in the lake.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageCreate => "message_create",
            Self::ReactionAdd => "reaction_add",
            Self::ReactionRemove => "reaction_remove",
            Self::ThreadCreate => "thread_create",
            Self::VoiceJoin => "voice_join",
            Self::VoiceLeave => "voice_leave",
            Self::VoiceMove => "voice_move",
            Self::MemberJoin => "member_join",
            Self::MemberLeave => "member_leave",
        }
    }

    /// Reads back [`EventType::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it happens in voice.
    pub const fn is_voice(self) -> bool {
        matches!(self, Self::VoiceJoin | Self::VoiceLeave | Self::VoiceMove)
    }

    /// Whether it always happens in a channel.
    pub const fn needs_channel(self) -> bool {
        !matches!(self, Self::MemberJoin | Self::MemberLeave | Self::VoiceLeave)
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
