//! Figures with how sure they are: n and a 95 % interval beside each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Standard normal quantile of 97.5 %.
pub const Z: f64 = 1.959_963_984_540_054;

/// Below so many nothing is concluded.
pub const ENOUGH: i64 = 30;

/// By which method an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Wilson's score interval of a share (Wilson 1927).
    Wilson,
    /// Mean ± 1.96 standard errors.
    Normal,
    /// Order statistics about the median, by the normal approximation of the binomial.
    OrderStatistics,
    /// Fisher's z transformation of a correlation (Fisher 1921).
    FisherZ,
    /// Kaplan–Meier with Greenwood's variance on the scale log(−log S).
    Greenwood,
    /// Newcombe's hybrid score interval of a difference of shares (Newcombe 1998, method 10).
    Newcombe,
}

/// A figure, what it rests upon, and the 95 % interval that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// How many it is of.
    pub n: i64,
    /// The figure; null where there is nothing to take it of.
    pub value: Option<f64>,
    /// Lower end of the interval; null where there is none.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// How the interval was found.
    pub method: IntervalMethod,
}

impl Estimate {
    /// Nothing to take a figure of.
    pub const fn none(n: i64, method: IntervalMethod) -> Self {
        Self { n, value: None, low: None, high: None, method }
    }

    /// Of what the database reckoned.
    pub const fn of(
        n: i64,
        value: Option<f64>,
        low: Option<f64>,
        high: Option<f64>,
        method: IntervalMethod,
    ) -> Self {
        Self { n, value, low, high, method }
    }

    /// Whether enough is known to conclude anything.
    pub const fn is_enough(&self) -> bool {
        self.n >= ENOUGH
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of people stay far below 2^53")]
pub(crate) const fn float(n: i64) -> f64 {
    n as f64
}

/// The share of `n` that `successes` are. Of marks between 0 and 1, `successes` is their sum: their variance is no larger than that of
/// yes and no, so the interval is at least as wide as it need be.
pub fn share(successes: f64, n: i64) -> Estimate {
    if n <= 0 {
        return Estimate::none(0, IntervalMethod::Wilson);
    }
    let count = float(n);
    let p = (successes / count).clamp(0.0, 1.0);
    let z2 = Z * Z;
    let scale = 1.0 + z2 / count;
    let middle = (p + z2 / (2.0 * count)) / scale;
    let half = Z * (p * (1.0 - p) / count + z2 / (4.0 * count * count)).sqrt() / scale;
    Estimate::of(
        n,
        Some(p),
        Some((middle - half).clamp(0.0, p)),
        Some((middle + half).clamp(p, 1.0)),
        IntervalMethod::Wilson,
    )
}

/// The mean of `n` values with this standard deviation.
pub fn mean(value: Option<f64>, deviation: Option<f64>, n: i64) -> Estimate {
    let half = deviation.filter(|_| n > 1).map(|deviation| Z * deviation / float(n).sqrt());
    let low = value.zip(half).map(|(value, half)| value - half);
    let high = value.zip(half).map(|(value, half)| value + half);
    Estimate::of(n, value, low, high, IntervalMethod::Normal)
}

/// A correlation over `n` pairs.
pub fn correlation(r: Option<f64>, n: i64) -> Estimate {
    let Some(r) = r.filter(|r| r.is_finite()) else { return Estimate::none(n, IntervalMethod::FisherZ) };
    let r = r.clamp(-1.0, 1.0);
    if n < 4 || r.abs() >= 1.0 {
        return Estimate::of(n, Some(r), None, None, IntervalMethod::FisherZ);
    }
    let (z, half) = (r.atanh(), Z / float(n - 3).sqrt());
    Estimate::of(n, Some(r), Some((z - half).tanh()), Some((z + half).tanh()), IntervalMethod::FisherZ)
}

/// By how much the share `after` is larger than the share `before`.
pub fn difference(before: &Estimate, after: &Estimate) -> Estimate {
    let n = before.n.min(after.n);
    let all = |one: &Estimate| Some((one.value?, one.low?, one.high?));
    let (Some((p1, l1, u1)), Some((p2, l2, u2))) = (all(before), all(after)) else {
        return Estimate::none(n, IntervalMethod::Newcombe);
    };
    let value = p2 - p1;
    let low = value - (p2 - l2).hypot(u1 - p1);
    let high = value + (u2 - p2).hypot(p1 - l1);
    Estimate::of(n, Some(value), Some(low), Some(high), IntervalMethod::Newcombe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_intervals() {
        // Newcombe 1998, table I: 81 of 263, and 15 of 148.
        let one = share(81.0, 263);
        assert!(
            (one.low.unwrap() - 0.2553).abs() < 5e-5 && (one.high.unwrap() - 0.3662).abs() < 5e-5,
            "{one:?}"
        );
        let two = share(15.0, 148);
        assert!(
            (two.low.unwrap() - 0.0624).abs() < 5e-5 && (two.high.unwrap() - 0.1605).abs() < 5e-5,
            "{two:?}"
        );
        // Newcombe 1998 (interval estimation for the difference), example (a): 56/70 − 48/80 is 0.0524 to 0.3339.
        let gain = difference(&share(48.0, 80), &share(56.0, 70));
        assert!(
            (gain.low.unwrap() - 0.0524).abs() < 5e-5 && (gain.high.unwrap() - 0.3339).abs() < 5e-5,
            "{gain:?}"
        );
        // r = 0.5 of 28 pairs: z = 0.5493 ± 0.392.
        let r = correlation(Some(0.5), 28);
        assert!((r.low.unwrap() - 0.156).abs() < 1e-3 && (r.high.unwrap() - 0.736).abs() < 1e-3, "{r:?}");
        assert_eq!(share(0.0, 0).value, None);
        assert_eq!(correlation(Some(f64::NAN), 50).value, None);
    }

    proptest! {
        #[test]
        fn a_share_lies_in_its_interval_and_more_makes_surer(n in 1i64..10_000, part in 0.0f64..=1.0) {
            let successes = (float(n) * part).floor();
            let one = share(successes, n);
            let (value, low, high) = (one.value.unwrap(), one.low.unwrap(), one.high.unwrap());
            prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
            let more = share(successes * 4.0, n * 4);
            prop_assert!(more.high.unwrap() - more.low.unwrap() < high - low + 1e-12);
        }

        #[test]
        fn correlations_keep_within_bounds(n in 0i64..1_000, r in -1.0f64..=1.0) {
            let one = correlation(Some(r), n);
            if let (Some(low), Some(high)) = (one.low, one.high) {
                prop_assert!(-1.0 <= low && low <= r && r <= high && high <= 1.0);
            }
        }

        #[test]
        fn a_difference_turns_round(a in 0i64..100, b in 0i64..100) {
            let (one, two) = (share(float(a), 100), share(float(b), 100));
            let (there, back) = (difference(&one, &two), difference(&two, &one));
            prop_assert!((there.value.unwrap() + back.value.unwrap()).abs() < 1e-12);
            prop_assert!((there.low.unwrap() + back.high.unwrap()).abs() < 1e-12);
        }
    }
}
