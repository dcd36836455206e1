//! The state of the limits against gaming. Each is a value that is read from the database before a batch, moved on by the
//! batch's events in their order, and written back with it: so limits survive restarts and hold over all nodes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

/// When a member was last rewarded for a message in a channel.
///
/// Events mostly come in order; those that come late are compared with two times, the latest one rewarded and the last of
/// the late ones, so that history brought in later obeys the cooldown among itself and beside what was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cooldown {
    /// The latest rewarded message.
    pub latest: Option<DateTime<Utc>>,
    /// The rewarded message that was the last one to arrive late.
    pub late: Option<DateTime<Utc>>,
}

impl Cooldown {
    /// Whether a message of that time is rewarded; if so it is noted.
    pub fn pass(&mut self, at: DateTime<Utc>, seconds: u32) -> bool {
        let far = |other: Option<DateTime<Utc>>| {
            other.is_none_or(|other| (at - other).abs() >= TimeDelta::seconds(i64::from(seconds)))
        };
        if !far(self.latest) || !far(self.late) {
            return false;
        }
        if self.latest.is_none_or(|latest| at >= latest) {
            self.latest = Some(at);
        } else {
            self.late = Some(at);
        }
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
        let mut cooldown = Cooldown::default();
        assert!(cooldown.pass(at(10_000), 30));
        let passed: Vec<bool> = [0, 5, 40, 9_980, 10_029, 10_030].map(|s| cooldown.pass(at(s), 30)).into();
        assert_eq!(passed, [true, false, true, false, false, true]);
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
        fn a_split_of_the_events_changes_nothing(
            mut times in prop::collection::vec(0i64..1_000, 1..60), split in 0usize..60,
        ) {
            times.sort_unstable();
            let split = split.min(times.len());
            let run = |state: &mut Cooldown, times: &[i64]| times.iter().filter(|s| state.pass(at(**s), 30)).count();
            let mut whole = Cooldown::default();
            let mut parts = Cooldown::default();
            let all = run(&mut whole, &times);
            let first = run(&mut parts, &times[..split]);
            // What a restart keeps is the stored state, a plain value.
            let mut again = parts;
            prop_assert_eq!(all, first + run(&mut again, &times[split..]));
            prop_assert_eq!(whole, again);
        }
    }
}
