//! What to recommend, and why.
//!
//! The score of a quest q for a learner is Σ 0.8^age `T(p → q) / (n_p + 10)` over the quests p that they completed, the latest (age 0) first.
//! T(p → q) sums 1 / gap over all learners who completed q so many completions after p, `n_p` counts who completed p; the 10 keeps what few did
//! from weighing much. Small terms are added for what comes next in a path, for skills of which the learner has little, for the fit of
//! difficulty (an expected share of 0.65 to 0.85), for likeness to what was liked, and for what many completed: these decide where
//! nothing, or nothing else, is known.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Completions of which a learner's later ones count less: 0.8 times each.
pub const DECAY: f64 = 0.8;
/// Added to how many completed a quest.
pub const PRIOR: f64 = 10.0;
/// Completions that are looked back upon; what is longer ago counts less than a hundredth.
pub const HISTORY: usize = 20;
/// The longest gap, in completions, that makes a transition.
pub const GAP: usize = 10;
/// Transitions are kept as whole numbers of 1/2520, which all gaps divide.
pub const UNIT: f64 = 2_520.0;

const NEXT: f64 = 0.1;
const SKILL_GAP: f64 = 0.03;
const FIT: f64 = 0.03;
const LIKENESS: f64 = 0.05;
const POPULAR: f64 = 0.02;

/// What speaks for a quest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Signals {
    /// The sum over transitions.
    pub transitions: f64,
    /// Whether it comes next in a path that the learner is enrolled in.
    pub next_in_path: bool,
    /// How much of a gap it fills in the learner's skills, 0 to 1.
    pub skill_gap: f64,
    /// The share of its points that the learner is expected to reach, where both are known.
    pub expected: Option<f64>,
    /// Likeness to what the learner liked, 0 to 1.
    pub likeness: Option<f64>,
    /// How many completed it, by how many completed the most completed one.
    pub popularity: f64,
}

/// What a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecommendationWhy {
    /// Others did it after what the learner did.
    DoneNext,
    /// It comes next in a path that the learner is enrolled in.
    NextInPath,
    /// It builds a skill of which the learner has little.
    SkillGap,
    /// It is neither too easy nor too hard.
    Fit,
    /// It is like what the learner liked.
    Likeness,
    /// Many completed it.
    Popular,
}

/// What a transition that was seen weighs, of a quest that was completed so many completions ago and by so many.
pub fn transition(age: usize, weight: f64, completions: f64) -> f64 {
    DECAY.powi(i32::try_from(age).unwrap_or(i32::MAX)) * weight / (completions + PRIOR)
}

/// How well an expected share fits: 1 from 0.65 to 0.85, falling to 0 at 0.35 and 1.
pub fn fit(expected: f64) -> f64 {
    if !expected.is_finite() {
        return 0.0;
    }
    if expected < 0.65 {
        ((expected - 0.35) / 0.3).clamp(0.0, 1.0)
    } else {
        ((1.0 - expected) / 0.15).clamp(0.0, 1.0)
    }
}

/// How much of a gap `have` points are where a quest brings `points`: nearly 1 for none, less the more there are.
pub fn gap(have: i64, points: i64) -> f64 {
    let (have, points) = (super::estimate::float(have.max(0)), super::estimate::float(points.max(1)));
    points / (points + have)
}

/// The parts of a score, the weightiest first; their sum is the score.
pub fn reasons(signals: &Signals) -> Vec<(RecommendationWhy, f64)> {
    let mut parts = vec![
        (RecommendationWhy::DoneNext, signals.transitions),
        (RecommendationWhy::NextInPath, if signals.next_in_path { NEXT } else { 0.0 }),
        (RecommendationWhy::SkillGap, SKILL_GAP * signals.skill_gap.clamp(0.0, 1.0)),
        (RecommendationWhy::Fit, FIT * signals.expected.map_or(0.0, fit)),
        (RecommendationWhy::Likeness, LIKENESS * signals.likeness.unwrap_or(0.0).clamp(0.0, 1.0)),
        (RecommendationWhy::Popular, POPULAR * signals.popularity.clamp(0.0, 1.0)),
    ];
    parts.retain(|(_, weight)| *weight > 0.0 && weight.is_finite());
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts
}

/// The score.
pub fn score(signals: &Signals) -> f64 {
    reasons(signals).iter().map(|(_, weight)| weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_done_last_weighs_most() {
        assert!((transition(0, 5.0, 10.0) - 0.25).abs() < 1e-12);
        assert!((transition(1, 5.0, 10.0) - 0.2).abs() < 1e-12);
        let gaps = 1..=u32::try_from(GAP).unwrap();
        assert!(gaps.map(f64::from).all(|gap| (UNIT / gap).fract() < 1e-12), "every gap divides it");
        assert_eq!((fit(0.65), fit(0.85), fit(0.35), fit(1.0)), (1.0, 1.0, 0.0, 0.0));
        assert!(gap(0, 10) > gap(5, 10) && gap(5, 10) > gap(100, 10));
    }

    proptest! {
        #[test]
        fn reasons_add_up_and_more_never_harms(
            transitions in 0.0f64..5.0, more in 0.0f64..1.0, next: bool, skill_gap in -1.0f64..2.0, expected in -1.0f64..2.0,
        ) {
            let signals = Signals {
                transitions, next_in_path: next, skill_gap, expected: Some(expected), likeness: Some(0.5), popularity: 0.5,
            };
            let parts = reasons(&signals);
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            prop_assert!((parts.iter().map(|part| part.1).sum::<f64>() - score(&signals)).abs() < 1e-12);
            let richer = Signals { transitions: transitions + more, ..signals };
            prop_assert!(score(&richer) >= score(&signals));
            let next = Signals { next_in_path: true, ..signals };
            prop_assert!(score(&next) >= score(&signals));
            prop_assert!((0.0..=1.0).contains(&fit(expected)));
        }
    }
}
