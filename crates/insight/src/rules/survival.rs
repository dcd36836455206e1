//! How many are still there after each step: Kaplan and Meier's estimate, with steps for time.
//!
//! Who stands at a step and has not given up is censored there: what they will do is not known, and neither counted as staying nor as
//! leaving (Kaplan & Meier 1958; Greenwood 1926; the interval is symmetric on the scale log(−log S), Kalbfleisch & Prentice 1980).

use super::estimate::{Estimate, IntervalMethod, Z, float};

/// What happened at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Runs that came to it.
    pub at_risk: i64,
    /// Those of them that were given up at it.
    pub left: i64,
}

/// The share that is still there after each step, in the order of the steps.
pub fn survival(steps: &[Step]) -> Vec<Estimate> {
    let (mut alive, mut variance) = (1.0_f64, 0.0_f64);
    let mut curve = Vec::with_capacity(steps.len());
    for step in steps {
        if step.at_risk <= 0 {
            curve.push(Estimate::none(0, IntervalMethod::Greenwood));
            continue;
        }
        let (n, d) = (float(step.at_risk), float(step.left.clamp(0, step.at_risk)));
        alive *= 1.0 - d / n;
        if step.left < step.at_risk {
            variance += d / (n * (n - d));
        }
        let (low, high) = if alive <= 0.0 || alive >= 1.0 {
            (None, None)
        } else {
            let log = alive.ln();
            let half = Z * variance.sqrt() / log.abs();
            (Some(alive.powf(half.exp())), Some(alive.powf((-half).exp())))
        };
        curve.push(Estimate::of(step.at_risk, Some(alive), low, high, IntervalMethod::Greenwood));
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_textbook_curve() {
        // Treated leukaemia patients of Freireich 1963, as in every textbook: S(6) = 0.857, S(7) = 0.807, S(10) = 0.753.
        let steps = [(21, 3), (17, 1), (15, 1)].map(|(at_risk, left)| Step { at_risk, left });
        let curve = survival(&steps);
        let values: Vec<f64> = curve.iter().map(|one| one.value.unwrap()).collect();
        for (value, expected) in values.iter().zip([0.8571, 0.8067, 0.7529]) {
            assert!((value - expected).abs() < 5e-5, "{values:?}");
        }
        // R's survfit(conf.type = "log-log") at 10: 0.503 to 0.889.
        assert!(
            (curve[2].low.unwrap() - 0.503).abs() < 1e-3 && (curve[2].high.unwrap() - 0.889).abs() < 1e-3,
            "{curve:?}"
        );
    }

    proptest! {
        #[test]
        fn it_never_rises_and_without_censoring_is_the_share_left(leaves in prop::collection::vec(0i64..20, 1..12)) {
            let total: i64 = leaves.iter().sum::<i64>() + 5;
            let mut there = total;
            let mut steps = Vec::new();
            for left in &leaves {
                steps.push(Step { at_risk: there, left: *left });
                there -= left;
            }
            let curve = survival(&steps);
            let mut before = 1.0;
            let mut there = total;
            for (one, left) in curve.iter().zip(&leaves) {
                there -= left;
                let value = one.value.unwrap();
                prop_assert!(value <= before + 1e-12);
                prop_assert!((value - float(there) / float(total)).abs() < 1e-9);
                if let (Some(low), Some(high)) = (one.low, one.high) {
                    prop_assert!(0.0 <= low && low <= value + 1e-12 && value <= high + 1e-12 && high <= 1.0);
                }
                before = value;
            }
        }
    }
}
