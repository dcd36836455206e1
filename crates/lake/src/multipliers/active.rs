//! The factors of an interaction, from a picture of what the guild configured.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::ChannelId;
use progress::rewards::{Multiplier, Why};

use crate::categories::Interaction;
use crate::ids::CategoryId;

/// A timed event, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// The interactions it is for; `None` for all.
    pub interactions: Option<Vec<Interaction>>,
    /// The category it is for; `None` for all.
    pub category: Option<CategoryId>,
    /// Factor on XP.
    pub xp: f64,
    /// Factor on stars.
    pub stars: f64,
    /// Its start, which is part of it.
    pub starts_at: DateTime<Utc>,
    /// Its end, which is not.
    pub ends_at: DateTime<Utc>,
}

/// What multiplies rewards in a guild: categories with their channels and weights, and timed events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Multipliers {
    /// The category of each channel that is in one.
    pub categories: HashMap<ChannelId, CategoryId>,
    /// Factors on XP and stars.
    pub weights: HashMap<(CategoryId, Interaction), (f64, f64)>,
    /// Events that were not called off, and ended less than a year ago.
    pub timed: Vec<Timed>,
}

/// What an interaction's place and time come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weighed {
    /// The category of its channel.
    pub category: Option<CategoryId>,
    /// The factors on its reward: of the category first, then of each timed event.
    pub multipliers: Vec<Multiplier>,
}

impl Multipliers {
    /// The category of a channel.
    pub fn category_of(&self, channel: Option<ChannelId>) -> Option<CategoryId> {
        self.categories.get(&channel?).copied()
    }

    /// What multiplies the reward of an interaction in `channel` at `time`.
    pub fn active_at(
        &self,
        interaction: Interaction,
        channel: Option<ChannelId>,
        time: DateTime<Utc>,
    ) -> Weighed {
        let category = self.category_of(channel);
        let weight = category.and_then(|category| self.weights.get(&(category, interaction)));
        let weight = weight.map(|(xp, stars)| Multiplier { why: Why::Category, xp: *xp, stars: *stars });
        let timed = self.timed.iter().filter(|event| {
            event.starts_at <= time
                && time < event.ends_at
                && event.interactions.as_ref().is_none_or(|kinds| kinds.contains(&interaction))
                && event.category.is_none_or(|wanted| category == Some(wanted))
        });
        let timed = timed.map(|event| Multiplier { why: Why::TimedEvent, xp: event.xp, stars: event.stars });
        Weighed { category, multipliers: weight.into_iter().chain(timed).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn event(from: i64, to: i64, xp: f64) -> Timed {
        Timed { interactions: None, category: None, xp, stars: 1.0, starts_at: time(from), ends_at: time(to) }
    }

    fn xp(multipliers: &Multipliers, kind: Interaction, channel: i64, at: i64) -> f64 {
        let weighed = multipliers.active_at(kind, Some(ChannelId::new(channel)), time(at));
        weighed.multipliers.iter().map(|factor| factor.xp).product()
    }

    #[test]
    fn categories_and_overlapping_events_multiply() {
        let help = CategoryId::new(1);
        let multipliers = Multipliers {
            categories: HashMap::from([(ChannelId::new(5), help)]),
            weights: HashMap::from([((help, Interaction::Message), (1.5, 1.0))]),
            timed: vec![
                event(10, 20, 2.0),
                event(15, 30, 3.0),
                Timed { category: Some(help), ..event(40, 50, 10.0) },
                Timed { interactions: Some(vec![Interaction::VoiceTick]), ..event(60, 70, 4.0) },
            ],
        };
        let message = |channel, at| xp(&multipliers, Interaction::Message, channel, at);
        // Far apart from each other, so that a comparison with some slack tells them apart.
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got} is not {wanted}");
        close(message(9, 5), 1.0);
        close(message(5, 5), 1.5);
        close(message(9, 10), 2.0);
        close(message(9, 15), 6.0);
        close(message(5, 15), 9.0);
        close(message(9, 20), 3.0);
        close(message(9, 45), 1.0);
        close(message(5, 45), 15.0);
        close(message(9, 65), 1.0);
        close(xp(&multipliers, Interaction::VoiceTick, 9, 65), 4.0);
        assert_eq!(multipliers.active_at(Interaction::Message, None, time(5)), Weighed::default());
    }
}
