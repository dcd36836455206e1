//! Ability and difficulty by Elo's rule on first tries.
//!
//! The share of points that is expected is p = σ(θ − d). After a try with the share s, θ grows by U(n) (s − p) and d by U(m) (p − s), with
//! U(n) = 1 / (1 + 0.05 n) and n, m the first tries that each rested upon before (Pelánek 2016, "Applications of the Elo rating system in
//! adaptive educational systems").

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where no rating ever goes.
const BOUND: f64 = 20.0;

/// A rating on the logit scale, and the first tries that it rests upon.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rating {
    /// The rating; 0 at first.
    pub value: f64,
    /// First tries.
    pub tries: i32,
}

/// A first try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstTry {
    /// Its place in the order in which tries are taken.
    pub place: i64,
    /// The learner.
    pub learner: Uuid,
    /// The step or assessment.
    pub subject: Uuid,
    /// Share of the points, 0 to 1.
    pub share: f64,
}

/// Ratings of learners and of what they try.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratings {
    /// Abilities.
    pub abilities: HashMap<Uuid, Rating>,
    /// Difficulties.
    pub difficulties: HashMap<Uuid, Rating>,
}

/// σ(x).
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The share that somebody of this ability is expected to reach at this difficulty.
pub fn expected(ability: f64, difficulty: f64) -> f64 {
    logistic(ability - difficulty)
}

/// How far a rating moves that rests upon so many tries.
fn step(tries: i32) -> f64 {
    1.0 / (1.0 + 0.05 * f64::from(tries))
}

/// Both ratings after a try.
pub fn updated(ability: Rating, difficulty: Rating, share: f64) -> (Rating, Rating) {
    let surprise = share - expected(ability.value, difficulty.value);
    let moved = |rating: Rating, by: f64| Rating {
        value: (rating.value + step(rating.tries) * by).clamp(-BOUND, BOUND),
        tries: rating.tries.saturating_add(1),
    };
    (moved(ability, surprise), moved(difficulty, -surprise))
}

impl Ratings {
    /// Takes a first try.
    pub fn take(&mut self, one: &FirstTry) {
        let ability = self.abilities.entry(one.learner).or_default();
        let difficulty = self.difficulties.entry(one.subject).or_default();
        (*ability, *difficulty) = updated(*ability, *difficulty, one.share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_surprise_moves_both_by_half() {
        let (ability, difficulty) = updated(Rating::default(), Rating::default(), 1.0);
        assert_eq!((ability.value, difficulty.value), (0.5, -0.5));
        assert_eq!((ability.tries, difficulty.tries), (1, 1));
        // Resting on twenty tries it moves half as far.
        let settled = Rating { value: 0.0, tries: 20 };
        assert!((updated(settled, settled, 1.0).0.value - 0.25).abs() < 1e-12);
    }

    #[test]
    fn it_finds_difficulties_that_were_there() {
        // A thousand learners of abilities −2 to 2, who are right exactly as often as the model says.
        let mut ratings = Ratings::default();
        let items = [(Uuid::from_u128(1), -1.0), (Uuid::from_u128(2), 0.0), (Uuid::from_u128(3), 1.0)];
        for n in 0..2_000_u32 {
            let ability = f64::from((n * 7_919) % 1_000) / 250.0 - 2.0;
            for (place, (item, difficulty)) in items.iter().enumerate() {
                let share = expected(ability, *difficulty);
                let learner = Uuid::from_u128(1_000 + u128::from(n));
                ratings.take(&FirstTry {
                    place: i64::try_from(place).unwrap(),
                    learner,
                    subject: *item,
                    share,
                });
            }
        }
        let found = items.map(|(item, _)| ratings.difficulties[&item].value);
        assert!(found[0] < found[1] - 0.5 && found[1] < found[2] - 0.5, "{found:?}");
    }

    proptest! {
        #[test]
        fn ratings_stay_finite_and_go_the_right_way(
            ability in -20.0f64..20.0, difficulty in -20.0f64..20.0, share in 0.0f64..=1.0, n in 0i32..1_000_000,
        ) {
            let (a, d) = (Rating { value: ability, tries: n }, Rating { value: difficulty, tries: n });
            let (a2, d2) = updated(a, d, share);
            prop_assert!(a2.value.is_finite() && d2.value.is_finite() && a2.value.abs() <= 20.0 && d2.value.abs() <= 20.0);
            if share >= expected(ability, difficulty) {
                prop_assert!(a2.value >= a.value && d2.value <= d.value);
            } else {
                prop_assert!(a2.value <= a.value && d2.value >= d.value);
            }
        }
    }
}
