//! The state of the limits against gaming. Each is a value that is read from the database before a batch, moved on by the
//! batch's events in their order, and written back with it: so limits survive restarts and hold over all nodes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

/// When a member was rewarded for messages in a channel: as much of it as may be near what is to be judged.
///
/// Events mostly come in order, and then the latest is all that matters. One that comes late, with its batch or after it, is compared
/// with what was rewarded on both sides of it, so that no order of arrival brings two rewards within the cooldown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cooldown {
    /// The latest rewarded message.
    latest: Option<DateTime<Utc>>,
    /// Rewarded messages, besides, that may be near late ones.
    near: BTreeSet<DateTime<Utc>>,
}

impl Cooldown {
    /// After a rewarded message that is the latest.
    pub fn since(latest: DateTime<Utc>) -> Self {
        Self { latest: Some(latest), near: BTreeSet::new() }
    }

    /// The latest rewarded message.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.latest
    }

    /// Notes a message that was rewarded before. Whoever judges a message that is not later than [`Self::latest`] notes all within the
    /// cooldown of it first.
    pub fn note(&mut self, rewarded: DateTime<Utc>) {
        self.near.insert(rewarded);
    }

    /// Whether a message of that time is rewarded; if so it is noted.
    pub fn pass(&mut self, at: DateTime<Utc>, seconds: u32) -> bool {
        let cooldown = TimeDelta::seconds(i64::from(seconds));
        let far = |other: Option<&DateTime<Utc>>| other.is_none_or(|other| (at - *other).abs() >= cooldown);
        if !far(self.latest.as_ref())
            || !far(self.near.range(..=at).next_back())
            || !far(self.near.range(at..).next())
        {
            return false;
        }
        self.near.insert(at);
        self.latest = self.latest.max(Some(at));
        true
    }
}

/// Reactions from one member to another on one UTC day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair {
    /// Reactions seen.
    pub reactions: u32,
    /// Reactions rewarded.
    pub rewarded: u32,
}

impl Pair {
    /// Notes a reaction, and whether it is rewarded: while fewer than `limit` were (0: always).
    pub fn pass(&mut self, limit: u32) -> bool {
        self.reactions = self.reactions.saturating_add(1);
        let passed = limit == 0 || self.rewarded < limit;
        self.rewarded = self.rewarded.saturating_add(u32::from(passed));
        passed
    }
}

/// Who reacted to a message, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageReactions {
    /// Distinct reactors.
    pub distinct: u32,
    /// Reactions of all of them.
    pub total: u32,
    /// Reactors whose time matters: those of the window, and of the batch. When each first reacted.
    pub recent: BTreeMap<i64, DateTime<Utc>>,
}

impl MessageReactions {
    /// Notes a reaction. `recent` must hold the reactor if they reacted before.
    pub fn record(&mut self, reactor: i64, at: DateTime<Utc>) {
        self.total = self.total.saturating_add(1);
        if let std::collections::btree_map::Entry::Vacant(entry) = self.recent.entry(reactor) {
            entry.insert(at);
            self.distinct = self.distinct.saturating_add(1);
        }
    }

    /// Distinct reactors as a share of all reactions: 1 when nobody reacted twice.
    pub fn distinct_share(&self) -> f64 {
        if self.total == 0 {
            1.0
        } else {
            f64::from(self.distinct) / f64::from(self.total.max(self.distinct))
        }
    }

    /// Reactors who first reacted within so many seconds up to `at`.
    pub fn reactors_within(&self, at: DateTime<Utc>, seconds: u32) -> u32 {
        let since = at - TimeDelta::seconds(i64::from(seconds));
        let count = self.recent.values().filter(|first| **first > since && **first <= at).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_cooldown_ends_at_its_second() {
        let mut cooldown = Cooldown::default();
        let passed: Vec<bool> = [0, 29, 30, 31, 59, 60].map(|s| cooldown.pass(at(s), 30)).into();
        assert_eq!(passed, [true, false, true, false, false, true]);
    }

    #[test]
    fn history_that_comes_late_obeys_it_too() {
        let mut cooldown = Cooldown::since(at(10_000));
        let passed: Vec<bool> =
            [0, 5, 40, 9_980, 10_029, 10_030, 29, 100, 69].map(|s| cooldown.pass(at(s), 30)).into();
        assert_eq!(passed, [true, false, true, false, false, true, false, true, false]);
    }

    proptest! {
        #[test]
        fn messages_in_order_are_never_rewarded_closer_than_the_cooldown(
            mut times in prop::collection::vec(0i64..1_000, 1..60), seconds in 0u32..120,
        ) {
            times.sort_unstable();
            let mut cooldown = Cooldown::default();
            let rewarded: Vec<i64> = times.into_iter().filter(|s| cooldown.pass(at(*s), seconds)).collect();
            prop_assert!(!rewarded.is_empty());
            prop_assert!(rewarded.windows(2).all(|pair| pair[1] - pair[0] >= i64::from(seconds)));
        }

        #[test]
        fn in_no_order_are_two_rewarded_within_it(
            times in prop::collection::vec(0i64..1_000, 1..60), seconds in 0u32..120, split in 0usize..60,
        ) {
            let (before, after) = times.split_at(split.min(times.len()));
            let mut cooldown = Cooldown::default();
            let mut rewarded: Vec<i64> = before.iter().copied().filter(|s| cooldown.pass(at(*s), seconds)).collect();
            // What a restart keeps is the latest; what is near late ones is looked up.
            let mut again = cooldown.latest().map(Cooldown::since).unwrap_or_default();
            for one in after {
                for near in rewarded.iter().filter(|near| (*near - one).unsigned_abs() < u64::from(seconds)) {
                    again.note(at(*near));
                }
                if again.pass(at(*one), seconds) {
                    rewarded.push(*one);
                }
            }
            rewarded.sort_unstable();
            prop_assert!(!rewarded.is_empty());
            prop_assert!(rewarded.windows(2).all(|pair| pair[1] - pair[0] >= i64::from(seconds)));
        }
    }
}
