//! The daily claim: once per UTC date, more for a streak of consecutive dates.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::Bytes;

use crate::model::Config;

/// What a claim brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Consecutive dates claimed, this one included.
    pub streak: i32,
    /// What the guild's amount is multiplied by.
    pub multiplier: i32,
    /// What is paid; zero where the guild pays nothing.
    pub amount: Bytes,
}

/// The claim of `today` by who last claimed on `last`, with so long a streak then; `None` when today, or a later date, is
/// claimed already.
pub fn claim(config: &Config, last: Option<NaiveDate>, streak: i32, today: NaiveDate) -> Option<Claim> {
    if last.is_some_and(|last| last >= today) {
        return None;
    }
    let goes_on = last.is_some() && last == today.pred_opt();
    let streak = if goes_on { streak.max(0).saturating_add(1) } else { 1 };
    let multiplier = multiplier(&config.streak_bonuses, streak);
    let amount = Bytes::new(i64::from(config.daily_amount) * i64::from(multiplier));
    Some(Claim { streak, multiplier, amount })
}

/// The multiplier of the highest threshold that the streak has reached; 1 below all of them.
pub fn multiplier(bonuses: &BTreeMap<i32, i32>, streak: i32) -> i32 {
    bonuses.range(..=streak).next_back().map_or(1, |(_, times)| *times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn the_highest_threshold_reached_counts() {
        let bonuses = Config::default().streak_bonuses;
        for (streak, times) in
            [(1, 1), (7, 1), (8, 2), (15, 2), (16, 4), (31, 4), (32, 8), (63, 8), (64, 16), (900, 16)]
        {
            assert_eq!(multiplier(&bonuses, streak), times, "{streak}");
        }
        assert_eq!(multiplier(&BTreeMap::new(), 64), 1);
    }

    #[test]
    fn a_streak_goes_on_over_the_ends_of_months_and_years() {
        for (last, today) in [
            (day(2026, 1, 31), day(2026, 2, 1)),
            (day(2026, 12, 31), day(2027, 1, 1)),
            (day(2028, 2, 28), day(2028, 2, 29)),
            (day(2028, 2, 29), day(2028, 3, 1)),
            (day(2027, 2, 28), day(2027, 3, 1)),
        ] {
            let claimed = claim(&Config::default(), Some(last), 7, today).unwrap();
            assert_eq!((claimed.streak, claimed.amount), (8, Bytes::new(20)), "{today}");
        }
    }

    proptest! {
        #[test]
        fn only_the_day_before_makes_a_streak_grow(
            start in 0i64..80_000, gap in -400i64..400, streak in 1i32..2_000,
        ) {
            let last = day(1970, 1, 1) + chrono::TimeDelta::days(start);
            let today = last + chrono::TimeDelta::days(gap);
            match claim(&Config::default(), Some(last), streak, today) {
                None => prop_assert!(gap <= 0),
                Some(claimed) => {
                    prop_assert!(gap > 0);
                    prop_assert_eq!(claimed.streak, if gap == 1 { streak + 1 } else { 1 });
                    prop_assert_eq!(claimed.amount.get(), 10 * i64::from(claimed.multiplier));
                }
            }
        }
    }
}
