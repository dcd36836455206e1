//! Points, and who stands before whom.

use serde::{Deserialize, Serialize};

kernel::decl_words! {
    /// How a campaign is scored.
    pub enum Scoring {
        /// Points that shrink with every solver before.
        PointBased = "point_based",
        /// Parts solved, then the least total time.
        TimeBased = "time_based",
    }
}

/// What the `position`-th solver (from 1) of a part gets in a `point_based` campaign (spec.md section 3):
/// `max(0, starting_points - (position - 1) × step)`.
pub fn points_for(starting_points: i32, step: i32, position: i32) -> i32 {
    let lost = i64::from(position.max(1) - 1).saturating_mul(i64::from(step));
    i32::try_from((i64::from(starting_points) - lost).max(0)).unwrap_or(0)
}

/// What a share of a part's points is, in per cent of them, rounded down.
pub fn share_of(points: i32, percent: i32) -> i32 {
    i32::try_from(i64::from(points) * i64::from(percent.clamp(0, 100)) / 100).unwrap_or(0)
}

/// What a participant has reached: sums over right answers and hint unlocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Score {
    /// Points awarded.
    pub points: i64,
    /// Hint penalties: points (`point_based`) or seconds (`time_based`).
    pub penalty: i64,
    /// Parts solved.
    pub parts_solved: i32,
    /// Milliseconds from the first request of the input to the right answer, summed over parts.
    pub total_ms: i64,
}

/// A score as rows are ordered by it: more `major` first, then less `minor`. Equal keys are a tie and share a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RankKey {
    /// More is better; -1 before the first right answer.
    pub major: i64,
    /// Less is better.
    pub minor: i64,
}

impl Ord for RankKey {
    /// The better key is the greater one.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.major.cmp(&other.major).then(other.minor.cmp(&self.minor))
    }
}

impl PartialOrd for RankKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The bucket of those without a right answer. They all tie in last place, whatever hints they bought.
pub const UNSOLVED_BUCKET: i32 = -1;

/// Buckets of time per number of parts solved.
const TIME_BUCKETS: i64 = 2048;

impl Score {
    /// The points shown: what was awarded less penalties, never below zero (`point_based`); 0 in `time_based`.
    pub fn net_points(&self, scoring: Scoring) -> i64 {
        match scoring {
            Scoring::PointBased => (self.points - self.penalty).max(0),
            Scoring::TimeBased => 0,
        }
    }

    /// The time shown and ranked by in `time_based`: total time with a second for each penalty, in milliseconds.
    pub fn net_ms(&self, scoring: Scoring) -> i64 {
        match scoring {
            Scoring::PointBased => self.total_ms,
            Scoring::TimeBased => self.total_ms.saturating_add(self.penalty.saturating_mul(1000)),
        }
    }

    /// The key it is ranked by.
    pub fn rank_key(&self, scoring: Scoring) -> RankKey {
        if self.parts_solved == 0 {
            return RankKey { major: -1, minor: 0 };
        }
        match scoring {
            Scoring::PointBased => RankKey { major: self.net_points(scoring), minor: 0 },
            Scoring::TimeBased => {
                RankKey { major: i64::from(self.parts_solved), minor: self.net_ms(scoring) }
            }
        }
    }

    /// The bucket of the histogram it is counted in: never decreasing with [`Score::rank_key`], a better score never
    /// having the smaller bucket. It depends on nothing but the score, so that a campaign can gain challenges while it
    /// runs. Points: exact below 512, then 256 buckets for each doubling (a campaign of 200 parts of 1,000,000 points
    /// has 5,400). Time: for each number of parts, 32 buckets for each doubling of the time.
    pub fn bucket(&self, scoring: Scoring) -> i32 {
        if self.parts_solved == 0 {
            return UNSOLVED_BUCKET;
        }
        let key = self.rank_key(scoring);
        let bucket = match scoring {
            Scoring::PointBased => log_bucket(key.major, 8),
            Scoring::TimeBased => key.major * TIME_BUCKETS + (TIME_BUCKETS - 1 - log_bucket(key.minor, 5)),
        };
        i32::try_from(bucket).unwrap_or(i32::MAX)
    }
}

/// The number of the bucket of `value`: exact below `2^(bits + 1)`, then `2^bits` buckets for each doubling.
fn log_bucket(value: i64, bits: u32) -> i64 {
    let value = u64::try_from(value).unwrap_or(0);
    let exact = 2u64 << bits;
    let bucket = if value < exact {
        value
    } else {
        let shift = value.ilog2() - bits;
        // The leading bit is always set; what follows it numbers the bucket within the doubling.
        (u64::from(shift) << bits) + (value >> shift)
    };
    i64::try_from(bucket).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_shrink_by_position_and_stop_at_zero() {
        let given: Vec<i32> = [1, 2, 3, 20, 21, 22, i32::MAX].map(|k| points_for(100, 5, k)).into();
        assert_eq!(given, [100, 95, 90, 5, 0, 0, 0]);
        assert_eq!(points_for(100, 0, 1_000), 100);
        assert_eq!(points_for(1_000_000, 1_000_000, i32::MAX), 0);
    }

    #[test]
    fn shares_are_rounded_down() {
        assert_eq!(
            [share_of(99, 50), share_of(1, 99), share_of(i32::MAX, 100), share_of(7, 0)],
            [49, 0, i32::MAX, 0]
        );
    }

    #[test]
    fn who_solved_for_nothing_stands_before_who_did_not_solve() {
        let solved = Score { parts_solved: 1, ..Score::default() };
        for scoring in [Scoring::PointBased, Scoring::TimeBased] {
            assert!(solved.rank_key(scoring) > Score::default().rank_key(scoring));
            assert!(solved.bucket(scoring) > UNSOLVED_BUCKET);
        }
    }

    #[test]
    fn penalties_cost_points_or_seconds() {
        let score = Score { points: 100, penalty: 30, parts_solved: 2, total_ms: 5_000 };
        assert_eq!(score.rank_key(Scoring::PointBased), RankKey { major: 70, minor: 0 });
        assert_eq!(score.rank_key(Scoring::TimeBased), RankKey { major: 2, minor: 35_000 });
        assert_eq!(Score { penalty: 300, ..score }.net_points(Scoring::PointBased), 0);
    }

    #[test]
    fn buckets_are_few() {
        let top = Score { points: 200_000_000, parts_solved: 200, ..Score::default() };
        assert!(top.bucket(Scoring::PointBased) < 6_000);
        let year = Score { parts_solved: 1, total_ms: 31_536_000_000, ..Score::default() };
        let instant = Score { parts_solved: 1, total_ms: 0, ..Score::default() };
        assert!(instant.bucket(Scoring::TimeBased) - year.bucket(Scoring::TimeBased) < 1_024);
        let slowest =
            Score { parts_solved: 1, total_ms: i64::MAX, penalty: 1_000_000_000, ..Score::default() };
        assert_eq!(slowest.bucket(Scoring::TimeBased) / 2048, 1);
    }

    fn scores() -> impl Strategy<Value = Score> {
        let amount = prop_oneof![0i64..2_000, 0i64..500_000_000, 0i64..400_000_000_000];
        (amount.clone(), prop_oneof![Just(0i64), 0i64..5_000], 0i32..60, amount).prop_map(
            |(points, penalty, parts_solved, total_ms)| Score { points, penalty, parts_solved, total_ms },
        )
    }

    proptest! {
        #[test]
        fn buckets_follow_the_ranking(a in scores(), b in scores()) {
            for scoring in [Scoring::PointBased, Scoring::TimeBased] {
                let keys = a.rank_key(scoring).cmp(&b.rank_key(scoring));
                let buckets = a.bucket(scoring).cmp(&b.bucket(scoring));
                prop_assert!(buckets.is_eq() || buckets == keys, "{keys:?} {buckets:?}");
                if keys.is_eq() {
                    prop_assert!(buckets.is_eq());
                }
            }
        }

        #[test]
        fn neighbouring_values_never_skip_backwards(value in 0i64..1_000_000_000_000, bits in 4u32..10) {
            let step = log_bucket(value + 1, bits) - log_bucket(value, bits);
            prop_assert!(step == 0 || step == 1);
        }

        #[test]
        fn a_later_solver_never_gets_more(start in 0i32..1_000_000, step in 0i32..1_000_000, k in 1i32..1_000_000) {
            prop_assert!(points_for(start, step, k + 1) <= points_for(start, step, k));
            prop_assert_eq!(points_for(start, step, 1), start);
        }
    }
}
