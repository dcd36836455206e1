//! What happened, in the words that people use for it.

use frame::format;
use progress::{Event, EventType};

/// An event of Discord. One that this version does not know keeps its own word.
pub(super) fn on_discord(kind: &str) -> String {
    kind.parse().map_or_else(|_| format::word(kind), |kind| happened(kind).to_owned())
}

const fn happened(kind: EventType) -> &'static str {
    match kind {
        EventType::MessageCreate => "A message",
        EventType::ReactionAdd => "A reaction",
        EventType::ReactionRemove => "A reaction taken back",
        EventType::ThreadCreate => "A thread begun",
        EventType::VoiceJoin => "Came into voice",
        EventType::VoiceLeave => "Left voice",
        EventType::VoiceMove => "Moved or muted in voice",
        EventType::MemberJoin => "Joined the guild",
        EventType::MemberLeave => "Left the guild",
    }
}

/// An entry of the journal, which is what brought or took XP, stars and gold.
pub(super) fn in_journal(kind: &str) -> String {
    kind.parse().map_or_else(|_| format::word(kind), |kind| brought(kind).to_owned())
}

const fn brought(kind: Event) -> &'static str {
    match kind {
        Event::Message => "A message",
        Event::ReactionGiven => "A reaction given",
        Event::ReactionReceived => "A reaction received",
        Event::ThreadCreate => "A thread begun",
        Event::VoiceTick => "Ten minutes in voice",
        Event::QuestComplete => "A quest of the board",
        Event::ManualAward => "An award",
        Event::LevelUp => "A level reached",
        Event::AchievementEarned => "An achievement",
        Event::CampaignReward => "A campaign's reward",
        Event::LearningReward => "Something learnt",
        Event::Purchase => "A purchase",
        Event::Refund => "Money back",
        Event::Import => "Brought from elsewhere",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_in_words_and_what_is_not_by_its_own() {
        assert_eq!(on_discord("message_create"), "A message");
        assert_eq!(in_journal("VOICE_TICK"), "Ten minutes in voice");
        for kind in EventType::ALL {
            assert_ne!(on_discord(kind.as_str()), format::word(kind.as_str()), "{kind}");
        }
        for kind in Event::ALL {
            assert_ne!(in_journal(kind.as_str()), format::word(kind.as_str()), "{kind}");
        }
        assert_eq!(on_discord("stage_open"), "Stage open");
    }
}
