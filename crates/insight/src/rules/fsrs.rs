//! When to look at something again: FSRS-6 with its published default parameters.
//!
//! The memory of an item is its *stability* S, the days after which it is remembered with a probability of 0.9, and its *difficulty* D, 1 to
//! 10. After t days it is remembered with R = (1 + F t / S)^−w₂₀, where F makes R(S) = 0.9. Formulas and parameters are those of the
//! open-spaced-repetition project (FSRS-6, "The Algorithm"); a test holds ours against its Python package 6.3.2. There are no learning steps
//! within a day and no fuzz: what is asked again is asked on another day.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The default parameters of FSRS-6.
const W: [f64; 21] = [
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614,
    0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
];

/// With which probability an item shall be remembered when it is asked again.
const RETENTION: f64 = 0.9;
const LEAST_STABILITY: f64 = 0.001;
/// The longest interval, in days.
const LONGEST: f64 = 36_500.0;

/// How well something was remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRating {
    /// Not at all.
    Again,
    /// With effort.
    Hard,
    /// After a moment.
    Good,
    /// At once.
    Easy,
}

impl ReviewRating {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::Hard => "hard",
            Self::Good => "good",
            Self::Easy => "easy",
        }
    }

    /// From what is stored.
    pub fn read(text: &str) -> Option<Self> {
        [Self::Again, Self::Hard, Self::Good, Self::Easy].into_iter().find(|one| one.as_str() == text)
    }

    /// 1 to 4.
    const fn number(self) -> f64 {
        match self {
            Self::Again => 1.0,
            Self::Hard => 2.0,
            Self::Good => 3.0,
            Self::Easy => 4.0,
        }
    }
}

/// What is known of the memory of an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Days after which it is remembered with a probability of 0.9.
    pub stability: f64,
    /// 1 to 10.
    pub difficulty: f64,
    /// When it was last answered.
    pub at: DateTime<Utc>,
}

fn factor() -> f64 {
    RETENTION.powf(-1.0 / W[20]) - 1.0
}

/// Whole days from one instant to another.
fn days(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_seconds().max(0).div_euclid(86_400)
}

/// The probability with which an item is remembered.
pub fn retrievability(memory: &Memory, now: DateTime<Utc>) -> f64 {
    (1.0 + factor() * super::estimate::float(days(memory.at, now)) / memory.stability).powf(-W[20])
}

fn initial_difficulty(rating: ReviewRating) -> f64 {
    W[4] - (W[5] * (rating.number() - 1.0)).exp() + 1.0
}

fn next_difficulty(difficulty: f64, rating: ReviewRating) -> f64 {
    let delta = -(W[6] * (rating.number() - 3.0));
    let damped = difficulty + (10.0 - difficulty) * delta / 9.0;
    (W[7] * initial_difficulty(ReviewRating::Easy) + (1.0 - W[7]) * damped).clamp(1.0, 10.0)
}

/// Stability after an answer on the same day.
fn same_day(stability: f64, rating: ReviewRating) -> f64 {
    let growth = (W[17] * (rating.number() - 3.0 + W[18])).exp() * stability.powf(-W[19]);
    stability * if rating == ReviewRating::Again { growth } else { growth.max(1.0) }
}

fn forgotten(memory: &Memory, r: f64) -> f64 {
    let long = W[11]
        * memory.difficulty.powf(-W[12])
        * ((memory.stability + 1.0).powf(W[13]) - 1.0)
        * ((1.0 - r) * W[14]).exp();
    long.min(memory.stability / (W[17] * W[18]).exp())
}

fn remembered(memory: &Memory, r: f64, rating: ReviewRating) -> f64 {
    let penalty = if rating == ReviewRating::Hard { W[15] } else { 1.0 };
    let bonus = if rating == ReviewRating::Easy { W[16] } else { 1.0 };
    let growth = W[8].exp()
        * (11.0 - memory.difficulty)
        * memory.stability.powf(-W[9])
        * (((1.0 - r) * W[10]).exp() - 1.0)
        * penalty
        * bonus;
    memory.stability * (1.0 + growth)
}

/// The memory of an item after an answer; `before` is none at its first.
pub fn answered(before: Option<&Memory>, rating: ReviewRating, now: DateTime<Utc>) -> Memory {
    let (stability, difficulty) = match before {
        None => {
            let first = match rating {
                ReviewRating::Again => W[0],
                ReviewRating::Hard => W[1],
                ReviewRating::Good => W[2],
                ReviewRating::Easy => W[3],
            };
            (first, initial_difficulty(rating).clamp(1.0, 10.0))
        }
        Some(memory) => {
            let stability = if days(memory.at, now) < 1 {
                same_day(memory.stability, rating)
            } else {
                let r = retrievability(memory, now);
                if rating == ReviewRating::Again {
                    forgotten(memory, r)
                } else {
                    remembered(memory, r, rating)
                }
            };
            (stability, next_difficulty(memory.difficulty, rating))
        }
    };
    Memory { stability: stability.max(LEAST_STABILITY), difficulty, at: now }
}

/// When an item is to be asked again: in whole days, one at least.
pub fn due(memory: &Memory) -> DateTime<Utc> {
    let interval = memory.stability / factor() * (RETENTION.powf(-1.0 / W[20]) - 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "at most 36,500")]
    let days = interval.round_ties_even().clamp(1.0, LONGEST) as i64;
    memory.at + TimeDelta::days(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Answer {
        at: i64,
        rating: ReviewRating,
        stability: f64,
        difficulty: f64,
        due: i64,
    }

    /// Forty items of twelve answers each: on time, late, early and on the same day. `tests/oracle/fsrs_vectors.py` made them.
    #[test]
    fn the_reference_says_the_same() {
        let cards: Vec<Vec<Answer>> =
            serde_json::from_str(include_str!("../../tests/oracle/fsrs_vectors.json")).unwrap();
        assert_eq!(cards.iter().map(Vec::len).sum::<usize>(), 480);
        for card in cards {
            let mut memory = None;
            for answer in card {
                let now = DateTime::from_timestamp(answer.at, 0).unwrap();
                let after = answered(memory.as_ref(), answer.rating, now);
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
                assert!(
                    near(after.stability, answer.stability),
                    "{} is not {}",
                    after.stability,
                    answer.stability
                );
                assert!(
                    near(after.difficulty, answer.difficulty),
                    "{} is not {}",
                    after.difficulty,
                    answer.difficulty
                );
                assert_eq!(due(&after).timestamp(), answer.due);
                memory = Some(after);
            }
        }
    }

    fn rating() -> impl Strategy<Value = ReviewRating> {
        prop::sample::select(vec![
            ReviewRating::Again,
            ReviewRating::Hard,
            ReviewRating::Good,
            ReviewRating::Easy,
        ])
    }

    proptest! {
        #[test]
        fn memory_keeps_within_bounds_and_better_answers_wait_longer(
            answers in prop::collection::vec((rating(), 0i64..4_000), 1..20), wait in 1i64..4_000,
        ) {
            let mut now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
            let mut memory: Option<Memory> = None;
            for (rating, hours) in answers {
                now += TimeDelta::hours(hours);
                let after = answered(memory.as_ref(), rating, now);
                prop_assert!(after.stability >= LEAST_STABILITY && after.stability.is_finite());
                prop_assert!((1.0..=10.0).contains(&after.difficulty));
                prop_assert!(due(&after) >= now + TimeDelta::days(1));
                prop_assert!((0.0..=1.0).contains(&retrievability(&after, now + TimeDelta::days(wait))));
                memory = Some(after);
            }
            now += TimeDelta::days(wait);
            let next = |rating| answered(memory.as_ref(), rating, now).stability;
            prop_assert!(next(ReviewRating::Again) <= next(ReviewRating::Hard) && next(ReviewRating::Hard) <= next(ReviewRating::Good));
            prop_assert!(next(ReviewRating::Good) <= next(ReviewRating::Easy));
        }
    }
}
