//! How much to claim, from where, and how long to wait: decisions without I/O.
//!
//! Rows that died since an old snapshot was taken stay in the index, in front of the first live one, and make a search from the
//! beginning slow. So the engine remembers a floor, the place of the first timer of its last batch, and searches from there. A timer
//! can appear below the floor (another node's claim was rolled back; a transaction that scheduled it committed late),
//! so now and then it sweeps from the beginning: whenever the backlog is gone, but hardly more than a hundredth of the time.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::table::Floor;

/// A batch that takes longer is made smaller: it holds locks and back the outbox.
const LONG: Duration = Duration::from_millis(250);
/// Under a backlog, a sweep at the latest after this time.
const SWEEP_AT_LEAST: Duration = Duration::from_secs(5);
/// However slow sweeps are, timers below the floor wait no longer for one, unless that took a twentieth of the time.
const SWEEP_AT_MOST: Duration = Duration::from_secs(10);
/// Growth of a batch that came back full.
const GROWTH: i64 = 8;

#[derive(Debug)]
pub(super) struct Pace {
    max: i64,
    limit: i64,
    floor: Option<Floor>,
    sweeping: bool,
    /// No sweep before, so that slow ones do not eat the time.
    sweep_not_before: Instant,
    swept: Instant,
}

/// What a claim found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimed {
    pub(super) count: i64,
    /// The first of the claimed.
    pub(super) first: Option<Floor>,
    /// The database's time at the claim.
    pub(super) now: DateTime<Utc>,
    /// How long the claim alone took.
    pub(super) claim: Duration,
    /// How long the whole batch took.
    pub(super) whole: Duration,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Claim again at once.
    Claim,
    /// Everything due was found: sleep.
    Sleep,
    /// Sleep, but sweep at this instant.
    SleepUntilSweep(Instant),
}

impl Pace {
    pub(super) fn new(max: i64, now: Instant) -> Self {
        Self { max, limit: 1, floor: None, sweeping: true, sweep_not_before: now, swept: now }
    }

    pub(super) fn limit(&self) -> i64 {
        self.limit
    }

    /// Where the next claim begins.
    pub(super) fn claim_floor(&self) -> Option<Floor> {
        if self.sweeping { None } else { self.floor }
    }

    /// Where a look at the next due timer begins.
    pub(super) fn floor(&self) -> Option<Floor> {
        self.floor
    }

    /// Something happened that nobody can date (a wake-up after a reconnection, a failed batch): sweep when allowed.
    pub(super) fn sweep_soon(&mut self, now: Instant) {
        self.sweeping |= now >= self.sweep_not_before;
    }

    /// Learns from a claim.
    pub(super) fn learn(&mut self, found: Claimed, now: Instant) -> Then {
        let swept = self.sweeping || self.floor.is_none();
        if swept {
            self.swept = now;
            self.sweep_not_before = now + (found.claim * 100).min(SWEEP_AT_MOST).max(found.claim * 20);
        }
        let may_sweep = now >= self.sweep_not_before;
        let Some(first) = found.first else {
            self.limit = 1;
            if swept {
                // All that is due by now is locked by others, if there is any.
                self.floor = Some(Floor { at: found.now, id: Uuid::nil() });
                self.sweeping = false;
                return Then::Sleep;
            }
            self.sweeping = may_sweep;
            return if may_sweep { Then::Claim } else { Then::SleepUntilSweep(self.sweep_not_before) };
        };
        // The first and not the last: a table may hold a timer back until one before it is done, and then it is due below
        // the last, but never below the first.
        self.floor = Some(first);
        if found.count >= self.limit {
            self.limit = if found.whole > LONG {
                (self.limit / 2).max(1)
            } else {
                (self.limit * GROWTH).min(self.max)
            };
            self.sweeping = may_sweep && now >= self.swept + SWEEP_AT_LEAST;
        } else {
            self.limit = found.count.max(1);
            self.sweeping = may_sweep;
        }
        Then::Claim
    }
}

/// The pause after the `n`-th failure in a row of the engine itself (not of a timer): 50 ms doubling to 5 s.
pub(super) fn trouble_pause(n: u32) -> Duration {
    Duration::from_millis(50 << n.saturating_sub(1).min(7)).min(Duration::from_secs(5))
}

/// The pause before a timer is tried again after its `n`-th failure: 2^n minutes (spec.md), ±20 % by `chance` in 0..1.
pub(crate) fn retry_pause(n: i32, chance: f64) -> Duration {
    let minutes = 2f64.powi(n.clamp(1, 16));
    Duration::from_secs_f64(minutes * 60.0 * (0.8 + 0.4 * chance.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn floor(seconds: i64) -> Floor {
        Floor { at: at(seconds), id: Uuid::nil() }
    }

    fn claimed(count: i64, first: i64, now: i64, claim_ms: u64) -> Claimed {
        Claimed {
            count,
            first: (count > 0).then(|| floor(first)),
            now: at(now),
            claim: Duration::from_millis(claim_ms),
            whole: Duration::from_millis(claim_ms + 1),
        }
    }

    #[test]
    fn batches_grow_under_backlog_and_shrink_when_idle() {
        let start = Instant::now();
        let mut pace = Pace::new(500, start);
        let mut limits = vec![];
        for n in 0..5 {
            limits.push(pace.limit());
            assert_eq!(pace.learn(claimed(pace.limit(), n, 100, 1), start), Then::Claim);
        }
        assert_eq!(limits, [1, 8, 64, 500, 500]);
        assert_eq!(pace.claim_floor(), Some(floor(4)), "searches from the last batch");
        let then = pace.learn(claimed(3, 7, 101, 1), start + Duration::from_millis(150));
        assert_eq!((then, pace.claim_floor()), (Then::Claim, None), "the backlog is gone: a sweep");
        assert_eq!(pace.learn(claimed(2, 3, 102, 1), start + Duration::from_millis(151)), Then::Claim);
        assert_eq!(pace.claim_floor(), Some(floor(3)), "what the last batch made due is not below its first");
        let later = start + Duration::from_millis(300);
        assert_eq!(pace.learn(claimed(0, 0, 102, 1), later), Then::Claim);
        assert_eq!(pace.claim_floor(), None);
        assert_eq!(pace.learn(claimed(0, 0, 102, 1), later), Then::Sleep);
        assert_eq!(pace.limit(), 1);
        assert_eq!(pace.claim_floor(), Some(floor(102)));
    }

    #[test]
    fn slow_sweeps_are_rare_and_never_in_front_of_a_due_timer() {
        let start = Instant::now();
        let mut pace = Pace::new(500, start);
        // A sweep of a second, because of a held snapshot.
        assert_eq!(pace.learn(claimed(0, 0, 10, 1000), start), Then::Sleep);
        assert_eq!(pace.claim_floor(), Some(floor(10)), "the next claim is cheap");
        let soon = start + Duration::from_secs(1);
        let then = pace.learn(claimed(0, 0, 11, 1), soon);
        assert_eq!(then, Then::SleepUntilSweep(start + Duration::from_secs(20)));
        let later = start + Duration::from_secs(20);
        assert_eq!(pace.learn(claimed(0, 0, 30, 1), later), Then::Claim);
        assert_eq!(pace.claim_floor(), None);
    }

    #[test]
    fn a_long_backlog_is_swept_all_the_same() {
        let start = Instant::now();
        let mut pace = Pace::new(8, start);
        pace.learn(claimed(1, 0, 10, 1), start);
        assert!(pace.claim_floor().is_some());
        pace.learn(claimed(8, 1, 15, 1), start + SWEEP_AT_LEAST);
        assert_eq!(pace.claim_floor(), None);
    }

    #[test]
    fn long_batches_are_halved() {
        let start = Instant::now();
        let mut pace = Pace::new(500, start);
        for _ in 0..4 {
            pace.learn(claimed(pace.limit(), 1, 1, 1), start);
        }
        pace.learn(Claimed { whole: Duration::from_secs(1), ..claimed(500, 2, 2, 1) }, start);
        assert_eq!(pace.limit(), 250);
    }

    proptest! {
        #[test]
        fn retries_come_after_two_to_the_n_minutes_give_or_take_a_fifth(n in 1..=5i32, chance in 0.0..1.0f64) {
            let exact = f64::from(60 * (1 << n));
            let pause = retry_pause(n, chance).as_secs_f64();
            prop_assert!(pause >= exact * 0.799 && pause <= exact * 1.201);
        }

        #[test]
        fn trouble_never_spins_nor_sleeps_for_ever(n in 0..u32::MAX) {
            let pause = trouble_pause(n);
            prop_assert!(pause >= Duration::from_millis(50) && pause <= Duration::from_secs(5));
        }
    }
}
