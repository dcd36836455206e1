//! Everything about rewards that a guild may choose.

use access::settings::{Field, Group};
use kernel::problem::FieldError;
use kernel::{ChannelId, RoleId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules::Curve;

/// A guild's rules of reward. Every field has spec.md's figure as its default; [`RewardSettings::check`] says what is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RewardSettings {
    /// XP for a message.
    pub message_xp: i32,
    /// Stars for a message.
    pub message_stars: i32,
    /// XP for reacting to somebody's message.
    pub reaction_given_xp: i32,
    /// Stars for reacting to somebody's message.
    pub reaction_given_stars: i32,
    /// XP for a reaction to one's message.
    pub reaction_received_xp: i32,
    /// Stars for a reaction to one's message.
    pub reaction_received_stars: i32,
    /// XP for beginning a thread.
    pub thread_create_xp: i32,
    /// Stars for beginning a thread.
    pub thread_create_stars: i32,
    /// XP for a tick in a voice channel.
    pub voice_tick_xp: i32,
    /// Stars for a tick in a voice channel.
    pub voice_tick_stars: i32,
    /// XP for a quest of the board that names none.
    pub quest_complete_xp: i32,
    /// Stars for a quest of the board.
    pub quest_complete_stars: i32,
    /// A message of more characters than this is long.
    pub long_over: u32,
    /// Factor on XP for a long message.
    pub long_factor: f64,
    /// A message of more characters than this, and not long, is of middle length.
    pub medium_over: u32,
    /// Factor on XP for a message of middle length.
    pub medium_factor: f64,
    /// Factor on XP for a message with a code block.
    pub code_factor: f64,
    /// Factor on XP for a message with a link.
    pub link_factor: f64,
    /// Factor on XP for a message with an attachment.
    pub attachment_factor: f64,
    /// A message with more emoji than this is emoji spam.
    pub emoji_over: u32,
    /// Factor on XP for emoji spam.
    pub emoji_factor: f64,
    /// The least that all factors on a message's quality make together.
    pub quality_floor: f64,
    /// Seconds between two rewarded messages of a member in a channel; 0 for no cooldown.
    pub message_cooldown_seconds: u32,
    /// Reactions between the same two members that are rewarded a UTC day; 0 for no limit.
    pub reactions_per_pair_a_day: u32,
    /// More reactors than this within the window are a burst.
    pub burst_reactors: u32,
    /// Seconds within which reactors make a burst.
    pub burst_window_seconds: u32,
    /// The most XP a reaction of a burst brings its receiver.
    pub burst_cap_xp: i32,
    /// Minutes in a voice channel for a tick.
    pub voice_tick_minutes: u32,
    /// Ticks rewarded an hour.
    pub voice_ticks_an_hour: u32,
    /// Hours of one stay in voice channels that count; a lost farewell costs no more than that.
    pub voice_stay_hours: u32,
    /// Members with one of these roles earn nothing.
    pub no_xp_roles: Vec<RoleId>,
    /// Nothing is earned in these channels.
    pub no_xp_channels: Vec<ChannelId>,
    /// Level n needs `level_base × level_factor^n` XP.
    pub level_base: f64,
    /// See `level_base`.
    pub level_factor: f64,
    /// Gold for reaching a level, once.
    pub level_up_gold: i32,
}

impl Default for RewardSettings {
    fn default() -> Self {
        Self {
            message_xp: 15,
            message_stars: 1,
            reaction_given_xp: 5,
            reaction_given_stars: 1,
            reaction_received_xp: 8,
            reaction_received_stars: 2,
            thread_create_xp: 20,
            thread_create_stars: 2,
            voice_tick_xp: 10,
            voice_tick_stars: 1,
            quest_complete_xp: 50,
            quest_complete_stars: 5,
            long_over: 500,
            long_factor: 1.5,
            medium_over: 200,
            medium_factor: 1.2,
            code_factor: 1.4,
            link_factor: 1.25,
            attachment_factor: 1.1,
            emoji_over: 5,
            emoji_factor: 0.5,
            quality_floor: 0.1,
            message_cooldown_seconds: 30,
            reactions_per_pair_a_day: 3,
            burst_reactors: 10,
            burst_window_seconds: 300,
            burst_cap_xp: 5,
            voice_tick_minutes: 10,
            voice_ticks_an_hour: 6,
            voice_stay_hours: 12,
            no_xp_roles: Vec::new(),
            no_xp_channels: Vec::new(),
            level_base: 100.0,
            level_factor: 1.25,
            level_up_gold: 50,
        }
    }
}

/// A setting that cannot be: its name, and a message that follows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct Invalid {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: &'static str,
}

/// The most roles or channels that may be excluded.
const MAX_EXCLUDED: usize = 500;

impl RewardSettings {
    /// The first thing that is wrong, if anything is: amounts are 0 to 100,000, factors 0 to 100, and what divides or ends
    /// a loop is not 0.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field, message| Err(Invalid { field, message });
        for (field, amount) in [
            ("message_xp", self.message_xp),
            ("message_stars", self.message_stars),
            ("reaction_given_xp", self.reaction_given_xp),
            ("reaction_given_stars", self.reaction_given_stars),
            ("reaction_received_xp", self.reaction_received_xp),
            ("reaction_received_stars", self.reaction_received_stars),
            ("thread_create_xp", self.thread_create_xp),
            ("thread_create_stars", self.thread_create_stars),
            ("voice_tick_xp", self.voice_tick_xp),
            ("voice_tick_stars", self.voice_tick_stars),
            ("quest_complete_xp", self.quest_complete_xp),
            ("quest_complete_stars", self.quest_complete_stars),
            ("burst_cap_xp", self.burst_cap_xp),
            ("level_up_gold", self.level_up_gold),
        ] {
            if !(0..=100_000).contains(&amount) {
                return wrong(field, "must be between 0 and 100,000");
            }
        }
        for (field, factor) in [
            ("long_factor", self.long_factor),
            ("medium_factor", self.medium_factor),
            ("code_factor", self.code_factor),
            ("link_factor", self.link_factor),
            ("attachment_factor", self.attachment_factor),
            ("emoji_factor", self.emoji_factor),
            ("quality_floor", self.quality_floor),
        ] {
            if !(0.0..=100.0).contains(&factor) {
                return wrong(field, "must be between 0 and 100");
            }
        }
        if self.medium_over > self.long_over {
            return wrong("medium_over", "must not be more than `long_over`");
        }
        for (field, value, most, message) in [
            ("message_cooldown_seconds", self.message_cooldown_seconds, 86_400, "must be at most 86,400"),
            ("reactions_per_pair_a_day", self.reactions_per_pair_a_day, 10_000, "must be at most 10,000"),
            ("burst_reactors", self.burst_reactors, 10_000, "must be at most 10,000"),
            ("burst_window_seconds", self.burst_window_seconds, 86_400, "must be at most 86,400"),
            ("voice_ticks_an_hour", self.voice_ticks_an_hour, 60, "must be at most 60"),
        ] {
            if value > most {
                return wrong(field, message);
            }
        }
        if !(1..=60).contains(&self.voice_tick_minutes) {
            return wrong("voice_tick_minutes", "must be between 1 and 60");
        }
        if !(1..=48).contains(&self.voice_stay_hours) {
            return wrong("voice_stay_hours", "must be between 1 and 48");
        }
        if self.no_xp_roles.len() > MAX_EXCLUDED {
            return wrong("no_xp_roles", "must name at most 500 roles");
        }
        if self.no_xp_channels.len() > MAX_EXCLUDED {
            return wrong("no_xp_channels", "must name at most 500 channels");
        }
        if !(1.0..=1_000_000.0).contains(&self.level_base) {
            return wrong("level_base", "must be between 1 and 1,000,000");
        }
        if !(1.01..=10.0).contains(&self.level_factor) {
            return wrong("level_factor", "must be between 1.01 and 10");
        }
        Ok(())
    }

    /// The level curve; the default one where the figures are none (which [`RewardSettings::check`] refuses).
    pub fn curve(&self) -> Curve {
        Curve::new(self.level_base, self.level_factor).unwrap_or_default()
    }
}

impl Group for RewardSettings {
    const CATEGORY: &'static str = "rewards";
    const ABOUT: &'static str = "What events earn, and the limits against gaming.";
    const FIELDS: &'static [Field] = &[
        Field::integer("message_xp", 0, 100_000, "XP for a message."),
        Field::integer("message_stars", 0, 100_000, "Stars for a message."),
        Field::integer("reaction_given_xp", 0, 100_000, "XP for reacting to somebody's message."),
        Field::integer("reaction_given_stars", 0, 100_000, "Stars for reacting to somebody's message."),
        Field::integer("reaction_received_xp", 0, 100_000, "XP for a reaction to one's message."),
        Field::integer("reaction_received_stars", 0, 100_000, "Stars for a reaction to one's message."),
        Field::integer("thread_create_xp", 0, 100_000, "XP for beginning a thread."),
        Field::integer("thread_create_stars", 0, 100_000, "Stars for beginning a thread."),
        Field::integer("voice_tick_xp", 0, 100_000, "XP for a tick in a voice channel."),
        Field::integer("voice_tick_stars", 0, 100_000, "Stars for a tick in a voice channel."),
        Field::integer("quest_complete_xp", 0, 100_000, "XP for a quest of the board that names none."),
        Field::integer("quest_complete_stars", 0, 100_000, "Stars for a quest of the board."),
        Field::integer("long_over", 0, 100_000, "A message of more characters than this is long."),
        Field::number("long_factor", 0.0, 100.0, "Factor on XP for a long message."),
        Field::integer(
            "medium_over",
            0,
            100_000,
            "A message of more characters than this, and not long, is of middle length.",
        ),
        Field::number("medium_factor", 0.0, 100.0, "Factor on XP for a message of middle length."),
        Field::number("code_factor", 0.0, 100.0, "Factor on XP for a message with a code block."),
        Field::number("link_factor", 0.0, 100.0, "Factor on XP for a message with a link."),
        Field::number("attachment_factor", 0.0, 100.0, "Factor on XP for a message with an attachment."),
        Field::integer("emoji_over", 0, 100_000, "A message with more emoji than this is emoji spam."),
        Field::number("emoji_factor", 0.0, 100.0, "Factor on XP for emoji spam."),
        Field::number(
            "quality_floor",
            0.0,
            100.0,
            "The least that all factors on a message's quality make together.",
        ),
        Field::integer(
            "message_cooldown_seconds",
            0,
            86_400,
            "Seconds between two rewarded messages of a member in a channel; 0 for no cooldown.",
        ),
        Field::integer(
            "reactions_per_pair_a_day",
            0,
            10_000,
            "Reactions between the same two members that are rewarded a UTC day; 0 for no limit.",
        ),
        Field::integer("burst_reactors", 0, 10_000, "More reactors than this within the window are a burst."),
        Field::integer("burst_window_seconds", 0, 86_400, "Seconds within which reactors make a burst."),
        Field::integer("burst_cap_xp", 0, 100_000, "The most XP a reaction of a burst brings its receiver."),
        Field::integer("voice_tick_minutes", 1, 60, "Minutes in a voice channel for a tick."),
        Field::integer("voice_ticks_an_hour", 0, 60, "Ticks rewarded an hour."),
        Field::integer(
            "voice_stay_hours",
            1,
            48,
            "Hours of one stay in voice channels that count; a lost farewell costs no more than that.",
        ),
        Field::texts("no_xp_roles", 500, 19, "Members with one of these roles earn nothing."),
        Field::texts("no_xp_channels", 500, 19, "Nothing is earned in these channels."),
        Field::number("level_base", 1.0, 1_000_000.0, "Level n needs `level_base × level_factor^n` XP."),
        Field::number(
            "level_factor",
            1.01,
            10.0,
            "Factor of the level curve: level n needs `level_base × level_factor^n` XP.",
        ),
        Field::integer("level_up_gold", 0, 100_000, "Gold for reaching a level, once."),
    ];

    fn validate(&self) -> Result<(), Vec<FieldError>> {
        self.check().map_err(|wrong| {
            vec![FieldError { field: wrong.field.to_owned(), message: wrong.message.to_owned() }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_an_empty_object_means_them() {
        RewardSettings::default().check().unwrap();
        assert_eq!(serde_json::from_str::<RewardSettings>("{}").unwrap(), RewardSettings::default());
        assert!(serde_json::from_str::<RewardSettings>(r#"{"mesage_xp": 3}"#).is_err());
    }

    #[test]
    fn what_cannot_be_is_named() {
        let field = |change: fn(&mut RewardSettings)| {
            let mut settings = RewardSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().field
        };
        assert_eq!(field(|s| s.message_xp = -1), "message_xp");
        assert_eq!(field(|s| s.link_factor = f64::NAN), "link_factor");
        assert_eq!(field(|s| s.medium_over = 501), "medium_over");
        assert_eq!(field(|s| s.voice_tick_minutes = 0), "voice_tick_minutes");
        assert_eq!(field(|s| s.level_factor = 1.0), "level_factor");
    }
}
