//! The level curve: how much XP a level takes.
//!
//! spec.md section 7: "Level n needs `level_base × level_factor^n` XP (100, 1.25)". Read precisely: that many XP *in all*
//! (lifetime XP, not XP since the level before), rounded up to a whole number; and everybody is at least at level 1, from
//! 0 XP on, as 003's default says. With the defaults level 2 is reached at 157 XP, level 3 at 196, level 10 at 932.

/// The greatest amount of XP a member may have: what JavaScript's numbers still hold exactly (2^53 − 1).
pub const MAX_XP: i64 = 9_007_199_254_740_991;

/// Gold paid for reaching a level, once.
pub const LEVEL_UP_GOLD: i64 = 50;

/// A guild's level curve, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    base: f64,
    factor: f64,
}

/// Why a pair of figures is no level curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// The base is out of range.
    #[error("the level base must be between 1 and 1,000,000 XP")]
    Base,
    /// The factor is out of range: at 1 or below, levels would have no end.
    #[error("the level factor must be between 1.01 and 10")]
    Factor,
}

impl Default for Curve {
    fn default() -> Self {
        Self { base: 100.0, factor: 1.25 }
    }
}

impl Curve {
    /// The curve of this base (XP, 1 to 1,000,000) and factor (1.01 to 10).
    pub fn new(base: f64, factor: f64) -> Result<Self, CurveError> {
        if !(1.0..=1_000_000.0).contains(&base) {
            return Err(CurveError::Base);
        }
        if !(1.01..=10.0).contains(&factor) {
            return Err(CurveError::Factor);
        }
        Ok(Self { base, factor })
    }

    /// The XP at which levels 2, 3, 4 … are reached, rising, as far as XP go ([`MAX_XP`]). Multiplied up step by step,
    /// so that every machine and every call gets the same figures (`powi` promises neither).
    ///
    /// A member's level is one more than the number of these that their XP have reached; in SQL
    /// `1 + width_bucket(xp, thresholds)`.
    pub fn thresholds(&self) -> Vec<i64> {
        let mut thresholds = Vec::new();
        let mut needed = self.base * self.factor * self.factor;
        while let Some(xp) = whole(needed) {
            thresholds.push(xp);
            needed *= self.factor;
        }
        thresholds
    }

    /// The level of whoever has this much XP: the greatest n with `base × factor^n <= xp`, and at least 1.
    pub fn level_for_xp(&self, xp: i64) -> i32 {
        let reached = self.thresholds().partition_point(|threshold| *threshold <= xp);
        i32::try_from(reached).unwrap_or(i32::MAX - 1) + 1
    }

    /// XP at which this level is reached: 0 for level 1 and below, `None` beyond what XP can reach.
    pub fn xp_for_level(&self, level: i32) -> Option<i64> {
        match usize::try_from(level - 2) {
            Err(_) => Some(0),
            Ok(index) => self.thresholds().get(index).copied(),
        }
    }
}

/// The least whole number that is not below `needed`, while it is within [`MAX_XP`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "bounded by MAX_XP, which f64 holds"
)]
fn whole(needed: f64) -> Option<i64> {
    let up = needed.ceil();
    (up <= MAX_XP as f64).then_some(up as i64)
}

/// The level of whoever has this much XP on the curve of `base` and `factor`; see [`Curve::level_for_xp`].
pub fn level_for_xp(xp: i64, base: f64, factor: f64) -> Result<i32, CurveError> {
    Ok(Curve::new(base, factor)?.level_for_xp(xp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_documented_levels_hold() {
        let curve = Curve::default();
        for (xp, level) in [(-5, 1), (0, 1), (156, 1), (157, 2), (195, 2), (196, 3), (931, 9), (932, 10)] {
            assert_eq!(curve.level_for_xp(xp), level, "{xp} XP");
        }
        assert_eq!(curve.xp_for_level(1), Some(0));
        assert_eq!(curve.xp_for_level(2), Some(157));
        assert_eq!(curve.xp_for_level(10_000), None);
    }

    #[test]
    fn a_curve_without_end_is_refused() {
        assert_eq!(Curve::new(100.0, 1.0), Err(CurveError::Factor));
        assert_eq!(Curve::new(100.0, f64::NAN), Err(CurveError::Factor));
        assert_eq!(Curve::new(0.0, 1.25), Err(CurveError::Base));
        assert_eq!(Curve::new(f64::INFINITY, 1.25), Err(CurveError::Base));
    }

    proptest! {
        #[test]
        fn a_level_is_reached_exactly_at_its_threshold(
            base in 1.0f64..1e6, factor in 1.01f64..10.0, index in any::<prop::sample::Index>(),
        ) {
            let curve = Curve::new(base, factor).unwrap();
            let thresholds = curve.thresholds();
            let index = index.index(thresholds.len());
            let (xp, level) = (thresholds[index], curve.level_for_xp(thresholds[index]));
            prop_assert!(level >= i32::try_from(index).unwrap() + 2);
            prop_assert!(curve.level_for_xp(xp - 1) < level);
            prop_assert!(curve.xp_for_level(level).unwrap() <= xp);
        }

        #[test]
        fn more_xp_never_means_a_lower_level(
            base in 1.0f64..1e6, factor in 1.01f64..10.0, xp in 0..MAX_XP, more in 0i64..1_000_000_000,
        ) {
            let curve = Curve::new(base, factor).unwrap();
            prop_assert!(curve.level_for_xp(xp) <= curve.level_for_xp((xp + more).min(MAX_XP)));
        }

        #[test]
        fn thresholds_follow_the_formula(base in 1.0f64..1e4, factor in 1.05f64..4.0, level in 2i32..40) {
            let curve = Curve::new(base, factor).unwrap();
            let exact = base * factor.powi(level);
            prop_assume!(exact < 1e15);
            #[expect(clippy::cast_precision_loss, reason = "below 1e15")]
            let got = curve.xp_for_level(level).unwrap() as f64;
            prop_assert!(got >= exact * (1.0 - 1e-12) && got <= exact * (1.0 + 1e-12) + 1.0);
        }
    }
}
