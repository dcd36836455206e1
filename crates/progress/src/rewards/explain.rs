//! A reward in sentences: why did this event earn 12 XP?

use serde::Serialize;
use utoipa::ToSchema;

use super::calculate::{Refused, Step, Why};

/// One step from the base to the reward.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    /// What it is for.
    pub why: Why,
    /// Factor on XP; absent where XP were left alone. For a burst, the cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xp: Option<f64>,
    /// Factor on stars; absent where stars were left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stars: Option<f64>,
    /// The reason as a sentence.
    pub reason: &'static str,
    /// Which category, or which timed multiplier, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The steps with their reasons.
pub fn explain(steps: &[Step]) -> Vec<Explanation> {
    #[expect(clippy::float_cmp, reason = "the very number 1 changes nothing")]
    let said = |factor: f64| (factor != 1.0).then_some(factor);
    steps
        .iter()
        .map(|step| Explanation {
            why: step.why,
            xp: said(step.xp),
            stars: said(step.stars),
            reason: reason(step.why),
            name: None,
        })
        .collect()
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::Long => "The message is long.",
        Why::Medium => "The message is of middle length.",
        Why::Code => "The message has a code block.",
        Why::Link => "The message has a link.",
        Why::Attachment => "Something is attached to the message.",
        Why::Emoji => "The message has too many emoji.",
        Why::Floor => "Poor quality has a floor, to which this lifts it.",
        Why::Category => "The channel's category multiplies.",
        Why::TimedEvent => "An event multiplies for a while, such as a double-XP weekend.",
        Why::Diminishing => "The same member reacted to this member's messages before on this day.",
        Why::DistinctReactors => "The same members reacted to this message more than once.",
        Why::Burst => "Very many reacted within minutes: XP are capped at this.",
    }
}

/// Why nothing was earned, as a sentence.
pub const fn refusal(refused: Refused) -> &'static str {
    match refused {
        Refused::Bot => "Bots earn nothing.",
        Refused::Channel => "Nothing is earned in this channel.",
        Refused::Role => "The member has a role that earns nothing.",
        Refused::Cooldown => "The member was rewarded for a message in this channel moments before.",
        Refused::OwnMessage => "Reacting to one's own message earns nothing.",
        Refused::PairLimit => "These two had all the rewarded reactions that they may have on a day.",
    }
}
