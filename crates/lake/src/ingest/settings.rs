//! What a guild may choose about its lake.

use access::settings::{Field, Group};
use progress::EventType;
use serde::{Deserialize, Serialize};

/// What a guild chose about its lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeSettings {
    /// Days that events are taken back for; older ones are refused at the door. The lake drops whole months, once they are older
    /// than that for all guilds.
    pub retention_days: u32,
    /// Minutes that an event's clock may be ahead of ours.
    pub ahead_minutes: u32,
    /// Types of events that are not taken.
    pub switched_off: Vec<EventType>,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self { retention_days: 90, ahead_minutes: 10, switched_off: Vec::new() }
    }
}

impl Group for LakeSettings {
    const CATEGORY: &'static str = "lake";
    const ABOUT: &'static str = "Which events are taken.";
    const FIELDS: &'static [Field] = &[
        Field::integer(
            "retention_days",
            1,
            90,
            "Days that events are taken back for, and kept; whole months are dropped once they are older for all guilds.",
        ),
        Field::integer(
            "ahead_minutes",
            0,
            1_440,
            "Minutes that the clock of an event's source may be ahead.",
        ),
        Field::json(
            "switched_off",
            "Types of events that are not taken, such as `[\"voice_join\", \"voice_leave\", \"voice_move\"]`.",
        ),
    ];
}
