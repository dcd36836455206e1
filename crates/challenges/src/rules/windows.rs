//! Sliding windows and lockouts. Both are judged by the time an answer arrived, never by when it was looked at.

use chrono::{DateTime, TimeDelta, Utc};

/// The short window.
pub const FIVE_SECONDS: TimeDelta = TimeDelta::seconds(5);
/// The long window.
pub const FIVE_MINUTES: TimeDelta = TimeDelta::minutes(5);
/// A lockout never grows beyond a day.
pub const LONGEST_LOCKOUT: TimeDelta = TimeDelta::days(1);

/// A campaign's limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Answers a participant may submit in any 5 seconds.
    pub per_5s: i32,
    /// Answers a participant may submit in any 5 minutes.
    pub per_5min: i32,
    /// Seconds for which the first wrong answer locks a participant out; 0: never.
    pub lockout_seconds: i32,
    /// What each further wrong answer in a row multiplies that by.
    pub lockout_factor: f64,
}

/// A participant's answers that count against the windows, newest last. Holds those recorded before the batch and those
/// that the batch adds, so that the limit is exact however many arrive at once.
#[derive(Debug, Clone, Default)]
pub struct Recent(Vec<DateTime<Utc>>);

/// How many more answers the windows allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// In the short window.
    pub per_5s: i32,
    /// In the long window.
    pub per_5min: i32,
}

impl Recent {
    /// From the times of answers recorded before.
    pub fn new(mut times: Vec<DateTime<Utc>>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Counts one more answer.
    pub fn record(&mut self, arrival: DateTime<Utc>) {
        let at = self.0.partition_point(|t| *t <= arrival);
        self.0.insert(at, arrival);
    }

    /// How long an answer that arrived at `arrival` came too early; `None` if it may be judged. A window reaches back
    /// from `arrival`, its far end excluded; what another node recorded with a later arrival counts too, so that racing
    /// nodes never let one too many through.
    pub fn wait(&self, arrival: DateTime<Utc>, limits: &Limits) -> Option<TimeDelta> {
        let short = self.full_until(limits.per_5s, FIVE_SECONDS);
        let long = self.full_until(limits.per_5min, FIVE_MINUTES);
        short
            .into_iter()
            .chain(long)
            .max()
            .map(|free| free - arrival)
            .filter(|wait| *wait > TimeDelta::zero())
    }

    /// How many more answers may come right after `arrival`.
    pub fn left(&self, arrival: DateTime<Utc>, limits: &Limits) -> Left {
        Left {
            per_5s: (limits.per_5s - self.within(arrival, FIVE_SECONDS)).max(0),
            per_5min: (limits.per_5min - self.within(arrival, FIVE_MINUTES)).max(0),
        }
    }

    /// When the `limit`-th newest answer leaves the window: before that, the window is full.
    fn full_until(&self, limit: i32, window: TimeDelta) -> Option<DateTime<Utc>> {
        let limit = usize::try_from(limit).unwrap_or(0).max(1);
        self.0.len().checked_sub(limit).map(|nth| self.0[nth] + window)
    }

    fn within(&self, arrival: DateTime<Utc>, window: TimeDelta) -> i32 {
        let outside = self.0.partition_point(|t| *t <= arrival - window);
        i32::try_from(self.0.len() - outside).unwrap_or(i32::MAX)
    }
}

/// How long the `streak`-th wrong answer in a row locks a participant out:
/// `lockout_seconds × lockout_factor^(streak − 1)`, at most [`LONGEST_LOCKOUT`]; `None` where lockouts are off.
pub fn lockout(limits: &Limits, streak: i32) -> Option<TimeDelta> {
    if limits.lockout_seconds <= 0 || streak <= 0 {
        return None;
    }
    let seconds = f64::from(limits.lockout_seconds) * limits.lockout_factor.max(1.0).powi(streak - 1);
    #[expect(clippy::cast_possible_truncation, reason = "at most a day in milliseconds")]
    let millis = (seconds * 1000.0).min(86_400_000.0) as i64;
    Some(TimeDelta::milliseconds(millis).min(LONGEST_LOCKOUT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(millis)
    }

    const LIMITS: Limits = Limits { per_5s: 1, per_5min: 3, lockout_seconds: 30, lockout_factor: 2.0 };

    #[test]
    fn one_in_five_seconds() {
        let recent = Recent::new(vec![at(0)]);
        assert_eq!(recent.wait(at(4_999), &LIMITS), Some(TimeDelta::milliseconds(1)));
        assert_eq!(recent.wait(at(5_000), &LIMITS), None);
    }

    #[test]
    fn three_in_five_minutes_and_the_longer_wait_is_told() {
        let recent = Recent::new(vec![at(20_000), at(0), at(10_000)]);
        assert_eq!(recent.wait(at(22_000), &LIMITS), Some(TimeDelta::seconds(278)));
        assert_eq!(recent.wait(at(300_000), &LIMITS), None);
        assert_eq!(recent.left(at(22_000), &LIMITS), Left { per_5s: 0, per_5min: 0 });
        assert_eq!(recent.left(at(305_000), &LIMITS), Left { per_5s: 1, per_5min: 1 });
    }

    #[test]
    fn lockouts_grow_and_end_at_a_day() {
        let seconds = |streak| lockout(&LIMITS, streak).unwrap().num_seconds();
        assert_eq!(
            [seconds(1), seconds(2), seconds(3), seconds(60), seconds(i32::MAX)],
            [30, 60, 120, 86_400, 86_400]
        );
        assert_eq!(lockout(&Limits { lockout_seconds: 0, ..LIMITS }, 3), None);
    }

    proptest! {
        /// Whatever comes when: no window of either length ever holds more recorded answers than its limit, and a
        /// participant who waits as long as told is let in.
        #[test]
        fn windows_never_overflow(
            gaps in proptest::collection::vec(0i64..4_000, 1..200),
            per_5s in 1i32..4, per_5min in 1i32..20,
        ) {
            let limits = Limits { per_5s, per_5min, ..LIMITS };
            let mut recent = Recent::default();
            let mut recorded: Vec<DateTime<Utc>> = Vec::new();
            let mut now = 0;
            for gap in gaps {
                now += gap;
                match recent.wait(at(now), &limits) {
                    None => {
                        recent.record(at(now));
                        recorded.push(at(now));
                    }
                    Some(wait) => prop_assert_eq!(recent.wait(at(now) + wait, &limits), None),
                }
            }
            for end in &recorded {
                let inside = |window: TimeDelta| recorded.iter().filter(|t| **t > *end - window && *t <= end).count();
                prop_assert!(inside(FIVE_SECONDS) <= usize::try_from(per_5s).unwrap());
                prop_assert!(inside(FIVE_MINUTES) <= usize::try_from(per_5min).unwrap());
            }
        }
    }
}
