//! An event of a batch that is new, with what its guild chose.

use kernel::GuildId;
use progress::EventType;

use super::config::GuildConfig;
use super::event::Event;
use super::store::{MessageKey, PairKey};

/// An event that is new.
pub(super) struct Fresh<'a> {
    pub(super) guild: GuildId,
    pub(super) event: &'a Event,
    pub(super) config: GuildConfig,
    pub(super) season: Option<i32>,
    pub(super) category: Option<i32>,
}

impl Fresh<'_> {
    pub(super) fn user(&self) -> (i64, i64) {
        (self.guild.get(), self.event.user_id.get())
    }

    pub(super) fn target(&self) -> Option<(i64, i64)> {
        self.event.target_id.map(|target| (self.guild.get(), target.get()))
    }

    pub(super) fn channel(&self) -> Option<i64> {
        self.event.channel_id.map(kernel::ChannelId::get)
    }

    pub(super) fn message(&self) -> Option<MessageKey> {
        self.event.payload.message_id.map(|message| (self.guild.get(), message.get()))
    }

    pub(super) fn pair(&self) -> Option<PairKey> {
        let (_, target) = self.target()?;
        Some((self.guild.get(), self.event.user_id.get(), target, self.event.timestamp.date_naive()))
    }

    pub(super) fn is_reaction(&self) -> bool {
        self.event.event_type == EventType::ReactionAdd
            && self.event.target_id.is_some_and(|target| target != self.event.user_id)
    }
}
