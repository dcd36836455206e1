//! What can happen on Discord, as far as it is counted.

kernel::decl_words! {
    /// What happened (`event_lake.event_type`).
    pub enum EventType {
        /// A message was written.
        MessageCreate = "message_create",
        /// Somebody reacted to a message.
        ReactionAdd = "reaction_add",
        /// Somebody took a reaction back.
        ReactionRemove = "reaction_remove",
        /// A thread was begun.
        ThreadCreate = "thread_create",
        /// Somebody came into a voice channel.
        VoiceJoin = "voice_join",
        /// Somebody left voice.
        VoiceLeave = "voice_leave",
        /// Somebody moved to another voice channel, or was muted or deafened, or no longer is.
        VoiceMove = "voice_move",
        /// Somebody joined the guild.
        MemberJoin = "member_join",
        /// Somebody left the guild.
        MemberLeave = "member_leave",
    }
}

impl EventType {
    /// Whether it happens in voice.
    pub const fn is_voice(self) -> bool {
        matches!(self, Self::VoiceJoin | Self::VoiceLeave | Self::VoiceMove)
    }

    /// Whether it always happens in a channel.
    pub const fn needs_channel(self) -> bool {
        !matches!(self, Self::MemberJoin | Self::MemberLeave | Self::VoiceLeave)
    }
}
