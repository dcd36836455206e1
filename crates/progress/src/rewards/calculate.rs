//! Base, quality and multipliers; and what limits make of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::{Cooldown, MessageReactions, Pair};
use super::settings::RewardSettings;

/// What is told about a message: figures, never its words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Characters.
    pub length: u32,
    /// Whether it holds a code block.
    pub code: bool,
    /// Whether it holds a link.
    pub link: bool,
    /// Whether something is attached.
    pub attachment: bool,
    /// How many emoji it holds.
    pub emoji: u32,
}

/// A factor from outside the settings: of the channel's category, or of an event such as a double-XP weekend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiplier {
    /// Which it is: [`Why::Category`] or [`Why::TimedEvent`].
    pub why: Why,
    /// Factor on XP.
    pub xp: f64,
    /// Factor on stars.
    pub stars: f64,
}

/// What had a say in a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The message is long.
    Long,
    /// The message is of middle length.
    Medium,
    /// It has a code block.
    Code,
    /// It has a link.
    Link,
    /// Something is attached.
    Attachment,
    /// Too many emoji.
    Emoji,
    /// All factors of quality together were below the floor; the factor here is the floor over what they made.
    Floor,
    /// The category of the channel.
    Category,
    /// An event such as a double-XP weekend.
    TimedEvent,
    /// The same member reacted before today.
    Diminishing,
    /// The same members react to the message again and again.
    DistinctReactors,
    /// Many reactors within minutes: XP are capped.
    Burst,
}

/// One factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it is for.
    pub why: Why,
    /// Factor on XP; for [`Why::Burst`] the cap.
    pub xp: f64,
    /// Factor on stars.
    pub stars: f64,
}

kernel::decl_words! {
    /// Why an event earned nothing.
    pub enum Refused {
        /// Bots earn nothing.
        Bot = "bot",
        /// Nothing is earned in this channel.
        Channel = "channel",
        /// A role of the member earns nothing.
        Role = "role",
        /// The member was rewarded for a message in this channel moments ago.
        Cooldown = "cooldown",
        /// Reactions to oneself earn nothing.
        OwnMessage = "own_message",
        /// These two had their rewarded reactions of the day.
        PairLimit = "pair_limit",
    }
}

/// What an event earns one member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reward {
    /// XP, at least 0.
    pub xp: i32,
    /// Stars, at least 0.
    pub stars: i32,
    /// XP before any factor.
    pub base_xp: i32,
    /// Stars before any factor.
    pub base_stars: i32,
    /// What made the one into the other, in order.
    pub steps: Vec<Step>,
}

impl Reward {
    fn of(xp: i32, stars: i32) -> Building {
        Building {
            base: (xp, stars),
            xp: f64::from(xp),
            stars: f64::from(stars),
            cap: None,
            steps: Vec::new(),
        }
    }
}

/// A reward while factors are put on it.
struct Building {
    base: (i32, i32),
    xp: f64,
    stars: f64,
    cap: Option<i32>,
    steps: Vec<Step>,
}

impl Building {
    fn factor(&mut self, why: Why, xp: f64, stars: f64) {
        // What changes nothing needs no explaining.
        #[expect(clippy::float_cmp, reason = "the very number 1 changes nothing")]
        if xp == 1.0 && stars == 1.0 {
            return;
        }
        self.xp *= xp;
        self.stars *= stars;
        self.steps.push(Step { why, xp, stars });
    }

    fn multipliers(mut self, multipliers: &[Multiplier]) -> Self {
        for multiplier in multipliers {
            self.factor(multiplier.why, multiplier.xp, multiplier.stars);
        }
        self
    }

    fn finish(mut self) -> Reward {
        let mut xp = whole(self.xp);
        if let Some(cap) = self.cap.filter(|cap| xp > *cap) {
            self.steps.push(Step { why: Why::Burst, xp: f64::from(cap), stars: 1.0 });
            xp = cap;
        }
        Reward {
            xp,
            stars: whole(self.stars),
            base_xp: self.base.0,
            base_stars: self.base.1,
            steps: self.steps,
        }
    }
}

/// The most one event may bring: what stacked multipliers cannot get past, and the journal's column holds.
const MOST: f64 = 1_000_000_000.0;

/// Nearest whole number, halves up, within 0 and [`MOST`].
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn whole(amount: f64) -> i32 {
    (amount + 0.5).floor().clamp(0.0, MOST) as i32
}

/// A message's reward, or why there is none. `cooldown` is the state for the member and channel, moved on when rewarded.
pub fn message_reward(
    settings: &RewardSettings,
    figures: Figures,
    multipliers: &[Multiplier],
    cooldown: &mut Cooldown,
    at: DateTime<Utc>,
) -> Result<Reward, Refused> {
    if !cooldown.pass(at, settings.message_cooldown_seconds) {
        return Err(Refused::Cooldown);
    }
    let mut building = Reward::of(settings.message_xp, settings.message_stars);
    let before = building.xp;
    if figures.length > settings.long_over {
        building.factor(Why::Long, settings.long_factor, 1.0);
    } else if figures.length > settings.medium_over {
        building.factor(Why::Medium, settings.medium_factor, 1.0);
    }
    if figures.code {
        building.factor(Why::Code, settings.code_factor, 1.0);
    }
    if figures.link {
        building.factor(Why::Link, settings.link_factor, 1.0);
    }
    if figures.attachment {
        building.factor(Why::Attachment, settings.attachment_factor, 1.0);
    }
    if figures.emoji > settings.emoji_over {
        building.factor(Why::Emoji, settings.emoji_factor, 1.0);
    }
    if before > 0.0 && building.xp < before * settings.quality_floor {
        let quality: f64 = building.steps.iter().map(|step| step.xp).product();
        building.xp = before * settings.quality_floor;
        let lift = if quality > 0.0 { settings.quality_floor / quality } else { settings.quality_floor };
        building.steps.push(Step { why: Why::Floor, xp: lift, stars: 1.0 });
    }
    Ok(building.multipliers(multipliers).finish())
}

/// A begun thread's reward.
pub fn thread_reward(settings: &RewardSettings, multipliers: &[Multiplier]) -> Reward {
    Reward::of(settings.thread_create_xp, settings.thread_create_stars).multipliers(multipliers).finish()
}

/// A voice tick's reward.
pub fn tick_reward(settings: &RewardSettings, multipliers: &[Multiplier]) -> Reward {
    Reward::of(settings.voice_tick_xp, settings.voice_tick_stars).multipliers(multipliers).finish()
}

/// What a reaction earns who gave it and who received it, or why neither earns. `pair` and `message` are the states of the limits,
/// moved on in any case: a reaction that earns nothing is still one.
pub fn reaction_rewards(
    settings: &RewardSettings,
    (given, received): (&[Multiplier], &[Multiplier]),
    pair: &mut Pair,
    message: &mut MessageReactions,
    reactor: i64,
    at: DateTime<Utc>,
) -> Result<(Reward, Reward), Refused> {
    message.record(reactor, at);
    let before = pair.rewarded;
    if !pair.pass(settings.reactions_per_pair_a_day) {
        return Err(Refused::PairLimit);
    }
    let giver =
        Reward::of(settings.reaction_given_xp, settings.reaction_given_stars).multipliers(given).finish();
    let mut receiver = Reward::of(settings.reaction_received_xp, settings.reaction_received_stars);
    receiver.factor(Why::Diminishing, 1.0 / (1.0 + f64::from(before)), 1.0);
    receiver.factor(Why::DistinctReactors, 1.0, message.distinct_share());
    let mut receiver = receiver.multipliers(received);
    if message.reactors_within(at, settings.burst_window_seconds) > settings.burst_reactors {
        receiver.cap = Some(settings.burst_cap_xp);
    }
    Ok((giver, receiver.finish()))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_800_000_000 + seconds)
    }

    fn message(figures: Figures) -> Reward {
        message_reward(&RewardSettings::default(), figures, &[], &mut Cooldown::default(), at(0)).unwrap()
    }

    fn figures(length: u32) -> Figures {
        Figures { length, ..Figures::default() }
    }

    #[test]
    fn messages_are_worth_what_the_document_says() {
        assert_eq!((message(figures(10)).xp, message(figures(10)).stars), (15, 1));
        assert_eq!(message(figures(200)).xp, 15);
        assert_eq!(message(figures(201)).xp, 18);
        assert_eq!(message(figures(500)).xp, 18);
        assert_eq!(message(figures(501)).xp, 23, "22.5, halves up");
        let rich = Figures { length: 600, code: true, link: true, attachment: true, emoji: 0 };
        assert_eq!(message(rich).xp, 43, "15 × 1.5 × 1.4 × 1.25 × 1.1 = 43.3");
        assert_eq!(message(Figures { emoji: 6, ..figures(10) }).xp, 8);
        assert_eq!(message(Figures { emoji: 5, ..figures(10) }).xp, 15);
    }

    #[test]
    fn quality_has_a_floor_that_says_so() {
        let settings = RewardSettings { emoji_factor: 0.01, ..RewardSettings::default() };
        let spam = Figures { emoji: 50, ..figures(10) };
        let reward = message_reward(&settings, spam, &[], &mut Cooldown::default(), at(0)).unwrap();
        assert_eq!(reward.xp, 2, "15 × 0.1");
        assert_eq!(reward.steps.iter().map(|s| s.why).collect::<Vec<_>>(), [Why::Emoji, Why::Floor]);
    }

    #[test]
    fn categories_and_weekends_multiply() {
        let twice = Multiplier { why: Why::Category, xp: 2.0, stars: 3.0 };
        let weekend = Multiplier { why: Why::TimedEvent, xp: 2.0, stars: 1.0 };
        let reward = thread_reward(&RewardSettings::default(), &[twice, weekend]);
        assert_eq!((reward.xp, reward.stars, reward.steps.len()), (80, 6, 2));
    }

    fn react(
        pair: &mut Pair,
        message: &mut MessageReactions,
        who: i64,
        s: i64,
    ) -> Result<(i32, i32, i32), Refused> {
        reaction_rewards(&RewardSettings::default(), (&[], &[]), pair, message, who, at(s))
            .map(|(giver, receiver)| (giver.xp, receiver.xp, receiver.stars))
    }

    #[test]
    fn reactions_of_a_pair_diminish_and_end() {
        let (mut pair, mut messages) = (Pair::default(), [(); 4].map(|()| MessageReactions::default()));
        let mut each = messages.iter_mut().zip(0i64..).map(|(m, s)| react(&mut pair, m, 1, s));
        assert_eq!(each.next(), Some(Ok((5, 8, 2))));
        assert_eq!(each.next(), Some(Ok((5, 4, 2))));
        assert_eq!(each.next(), Some(Ok((5, 3, 2))), "8 / 3 = 2.67");
        assert_eq!(each.next(), Some(Err(Refused::PairLimit)));
        drop(each);
        assert_eq!((pair.reactions, pair.rewarded), (4, 3));
    }

    #[test]
    fn one_who_reacts_many_times_brings_fewer_stars() {
        let mut message = MessageReactions::default();
        let (mut one, mut other) = (Pair::default(), Pair::default());
        assert_eq!(react(&mut one, &mut message, 1, 0).unwrap().2, 2);
        assert_eq!(react(&mut one, &mut message, 1, 1).unwrap().2, 1, "one of two: half");
        assert_eq!(react(&mut other, &mut message, 2, 2).unwrap().2, 1, "two of three: 1.33");
    }

    #[test]
    fn a_burst_is_capped_and_a_slow_crowd_is_not() {
        let (mut burst, mut slow) = (MessageReactions::default(), MessageReactions::default());
        let xp: Vec<i32> =
            (1..=12).map(|who| react(&mut Pair::default(), &mut burst, who, who).unwrap().1).collect();
        assert_eq!(xp, [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 5, 5]);
        let late = (1..=12).all(|who| react(&mut Pair::default(), &mut slow, who, who * 60).unwrap().1 == 8);
        assert!(late);
    }

    proptest! {
        #[test]
        fn rewards_are_never_negative_and_better_figures_never_earn_less(
            length in 0u32..5000, code: bool, link: bool, attachment: bool, emoji in 0u32..20, more in 0u32..1000,
            xp in 0.0f64..100.0, stars in 0.0f64..100.0,
        ) {
            let settings = RewardSettings::default();
            let multiplier = [Multiplier { why: Why::Category, xp, stars }];
            let reward = |figures| {
                message_reward(&settings, figures, &multiplier, &mut Cooldown::default(), at(0)).unwrap()
            };
            let plain = Figures { length, code, link, attachment, emoji };
            let longer = reward(Figures { length: length + more, ..plain });
            let linked = reward(Figures { link: true, ..plain });
            let spam = reward(Figures { emoji: emoji + more, ..plain });
            let plain = reward(plain);
            prop_assert!(plain.xp >= 0 && plain.stars >= 0);
            prop_assert!(longer.xp >= plain.xp && linked.xp >= plain.xp && spam.xp <= plain.xp);
            prop_assert_eq!(plain.stars, whole(stars));
        }

        #[test]
        fn the_steps_make_the_reward(
            length in 0u32..1000, code: bool, link: bool, emoji in 0u32..10, xp in 0.0f64..10.0,
            emoji_factor in 0.0f64..2.0,
        ) {
            let settings = RewardSettings { emoji_factor, ..RewardSettings::default() };
            let multiplier = [Multiplier { why: Why::TimedEvent, xp, stars: 1.0 }];
            let figures = Figures { length, code, link, emoji, attachment: false };
            let reward = message_reward(&settings, figures, &multiplier, &mut Cooldown::default(), at(0)).unwrap();
            prop_assume!(emoji_factor > 0.0);
            let product = reward.steps.iter().fold(f64::from(reward.base_xp), |xp, step| xp * step.xp);
            prop_assert!((product - f64::from(reward.xp)).abs() <= 0.5 + 1e-6, "{:?}", reward);
        }

        #[test]
        fn a_pair_is_rewarded_at_most_so_often_whatever_happens(times in prop::collection::vec(0i64..86_400, 0..20)) {
            let (mut pair, mut message) = (Pair::default(), MessageReactions::default());
            let rewarded = times.iter().filter(|s| react(&mut pair, &mut message, 1, **s).is_ok()).count();
            prop_assert!(rewarded <= 3);
            prop_assert_eq!(pair.reactions as usize, times.len());
        }
    }
}
