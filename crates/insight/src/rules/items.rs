//! What is concluded about a question: nothing from fewer than thirty first tries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::estimate::{ENOUGH, Estimate};

/// Discrimination below this is weak (Ebel 1979).
const WEAK: f64 = 0.2;

/// What a question's figures say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemVerdict {
    /// Fewer than 30 first tries: nothing is concluded.
    TooFew,
    /// Everybody is right, or everybody wrong: it tells nobody from anybody.
    TellsNothing,
    /// Better learners are wrong more often, or a wrong answer draws better learners than the right one: check the key.
    CheckTheKey,
    /// Discrimination below 0.2.
    Weak,
    /// It tells better learners from worse.
    Good,
}

/// An answer that was given to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// How many gave it.
    pub chosen: i64,
    /// Whether it brings all points.
    pub is_right: bool,
    /// Mean share that they reached in the rest.
    pub mean_rest: Option<f64>,
}

/// The verdict on a question. `discrimination` is that of the share of its points and the share of the rest.
pub fn verdict(discrimination: &Estimate, choices: &[Choice]) -> ItemVerdict {
    if discrimination.n < ENOUGH {
        return ItemVerdict::TooFew;
    }
    let Some(r) = discrimination.value else { return ItemVerdict::TellsNothing };
    let of = |right: bool| choices.iter().filter(move |one| one.is_right == right);
    let sum: f64 = of(true).filter_map(|one| Some(one.mean_rest? * super::estimate::float(one.chosen))).sum();
    let n: i64 = of(true).filter(|one| one.mean_rest.is_some()).map(|one| one.chosen).sum();
    // A wrong answer that a third as many give as the right one, and better learners at that.
    let astray = n > 0
        && of(false).any(|one| {
            one.chosen * 3 >= n.max(10)
                && one.mean_rest.is_some_and(|rest| rest > sum / super::estimate::float(n))
        });
    if r < 0.0 || astray {
        ItemVerdict::CheckTheKey
    } else if r < WEAK {
        ItemVerdict::Weak
    } else {
        ItemVerdict::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::estimate::correlation;
    use proptest::prelude::*;

    #[test]
    fn a_wrong_key_is_suspected() {
        let choices = [
            Choice { chosen: 20, is_right: true, mean_rest: Some(0.3) },
            Choice { chosen: 20, is_right: false, mean_rest: Some(0.8) },
        ];
        assert_eq!(verdict(&correlation(Some(0.3), 40), &choices), ItemVerdict::CheckTheKey);
        assert_eq!(verdict(&correlation(Some(-0.1), 40), &[]), ItemVerdict::CheckTheKey);
        assert_eq!(verdict(&correlation(Some(0.1), 40), &[]), ItemVerdict::Weak);
        assert_eq!(verdict(&correlation(Some(0.4), 40), &choices[..1]), ItemVerdict::Good);
        assert_eq!(verdict(&correlation(None, 40), &choices), ItemVerdict::TellsNothing);
    }

    proptest! {
        #[test]
        fn nothing_is_concluded_from_few(n in 0i64..30, r in -1.0f64..=1.0) {
            prop_assert_eq!(verdict(&correlation(Some(r), n), &[]), ItemVerdict::TooFew);
        }
    }
}
