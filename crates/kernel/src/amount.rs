//! Amounts. Each is a whole number with a name of its own, so that points are never paid out as bytes. None is a float.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! decl_amount {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, sqlx::Type, ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The amount of so many units.
            pub const fn new(units: i64) -> Self {
                Self(units)
            }

            /// The units, as the database stores them.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The sum, or `None` where it would not fit.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// Whether this is more than nothing.
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

decl_amount!(
    /// Bytes, the currency of a guild's economy.
    Bytes
);
decl_amount!(
    /// Points of a campaign's leaderboard.
    Points
);
decl_amount!(
    /// Experience points.
    Xp
);
decl_amount!(
    /// Gold, spent in a guild's shop.
    Gold
);

/// The whole split into `shares` parts that differ by at most one unit and sum to the whole; the first parts are the
/// larger ones. Nobody's share is lost to rounding.
pub fn split_evenly(whole: i64, shares: usize) -> Vec<i64> {
    let Ok(n) = i64::try_from(shares) else { return Vec::new() };
    if n == 0 {
        return Vec::new();
    }
    let (each, rest) = (whole / n, whole % n);
    (0..n).map(|i| each + i64::from(i < rest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_sum_to_the_whole_and_differ_by_one(whole in 0i64..1_000_000_000, shares in 1usize..500) {
            let parts = split_evenly(whole, shares);
            prop_assert_eq!(parts.len(), shares);
            prop_assert_eq!(parts.iter().sum::<i64>(), whole);
            prop_assert!(parts.first().unwrap() - parts.last().unwrap() <= 1);
        }
    }

    #[test]
    fn nobody_to_share_with_means_no_shares() {
        assert!(split_evenly(10, 0).is_empty());
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        assert_eq!(Bytes::new(i64::MAX).checked_add(Bytes::new(1)), None);
        assert_eq!(Bytes::new(2).checked_add(Bytes::new(3)), Some(Bytes::new(5)));
    }
}
