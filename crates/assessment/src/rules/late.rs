//! Handing in late: what it costs, and when it is refused. The server's time of receipt decides.

use chrono::{DateTime, TimeDelta, Utc};
use learning::model::assessment::Review;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// Whether something came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// It did, or within the grace.
    InTime,
    /// It came so many seconds after the deadline, and is taken at a price.
    Late(i32),
    /// It came when nothing was taken any more: since then.
    Over(DateTime<Utc>),
}

/// A learner's own deadline: the later of the assessment's and their extension; none where the assessment has none.
pub fn deadline(review: &Review, extension: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    review.due_at.map(|base| extension.map_or(base, |extended| extended.max(base)))
}

/// Whether what was received at `at` came in time. Days begin at the deadline, not at midnight.
pub fn lateness(review: &Review, extension: Option<DateTime<Utc>>, at: DateTime<Utc>) -> Lateness {
    let Some(due) = deadline(review, extension) else { return Lateness::InTime };
    let grace = due + TimeDelta::minutes(review.grace_minutes.into());
    if at <= grace {
        return Lateness::InTime;
    }
    let last = (due + TimeDelta::days(review.late_days.into())).max(grace);
    if at > last {
        return Lateness::Over(last);
    }
    let late = (at - due).num_seconds().max(1);
    Lateness::Late(i32::try_from(late).unwrap_or(i32::MAX))
}

/// The grade that counts, in hundredths of a percent: each day begun after the deadline costs so many percent of the maximum.
pub fn penalised(raw: i32, late_seconds: i32, percent_per_day: u32) -> i32 {
    let days = (i64::from(late_seconds.max(0)) + DAY - 1) / DAY;
    let penalty = days.saturating_mul(i64::from(percent_per_day) * 100);
    i32::try_from((i64::from(raw) - penalty).max(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn review(grace: u32, days: u32) -> Review {
        serde_json::from_value(json!({ "due_at": at(0), "grace_minutes": grace, "late_days": days })).unwrap()
    }

    #[test]
    fn the_deadlines_own_second_is_in_time_and_grace_costs_nothing() {
        assert_eq!(lateness(&review(0, 0), None, at(0)), Lateness::InTime);
        assert_eq!(lateness(&review(0, 0), None, at(1)), Lateness::Over(at(0)));
        assert_eq!(lateness(&review(10, 0), None, at(600)), Lateness::InTime);
        assert_eq!(lateness(&review(10, 0), None, at(601)), Lateness::Over(at(600)));
        assert_eq!(lateness(&review(10, 1), None, at(601)), Lateness::Late(601));
        assert_eq!(lateness(&review(0, 1), None, at(DAY)), Lateness::Late(86_400));
        assert_eq!(lateness(&review(0, 1), None, at(DAY + 1)), Lateness::Over(at(DAY)));
        assert_eq!(lateness(&review(0, 0), Some(at(5)), at(5)), Lateness::InTime);
        // An extension before the deadline takes nothing away.
        assert_eq!(lateness(&review(0, 0), Some(at(-5)), at(0)), Lateness::InTime);
        let without: Review = serde_json::from_value(json!({})).unwrap();
        assert_eq!(lateness(&without, None, at(DAY * 999)), Lateness::InTime);
        assert_eq!(deadline(&without, Some(at(1))), None);
    }

    #[test]
    fn each_day_begun_costs() {
        assert_eq!(penalised(9_000, 0, 10), 9_000);
        assert_eq!(penalised(9_000, 1, 10), 8_000);
        assert_eq!(penalised(9_000, 86_400, 10), 8_000);
        assert_eq!(penalised(9_000, 86_401, 10), 7_000);
        assert_eq!(penalised(500, 86_401, 10), 0);
    }

    proptest! {
        #[test]
        fn later_never_brings_more(raw in 0i32..=10_000, late in 0i32..100_000_000, more in 0i32..1_000_000, percent in 0u32..=100) {
            let (one, other) = (penalised(raw, late, percent), penalised(raw, late.saturating_add(more), percent));
            prop_assert!(0 <= other && other <= one && one <= raw);
        }

        #[test]
        fn an_extension_never_makes_it_worse(received in -200_000i64..500_000, by in -200_000i64..500_000, grace in 0u32..2_000, days in 0u32..4) {
            let rank = |lateness| match lateness {
                Lateness::InTime => 0,
                Lateness::Late(seconds) => i64::from(seconds),
                Lateness::Over(_) => i64::MAX,
            };
            let review = review(grace, days);
            let (with, without) = (lateness(&review, Some(at(by)), at(received)), lateness(&review, None, at(received)));
            prop_assert!(rank(with) <= rank(without), "{with:?} {without:?}");
        }
    }
}
