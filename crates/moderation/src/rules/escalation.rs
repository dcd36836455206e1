//! Which rung of the escalation a warning reaches.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::EscalationId;

/// So many warnings in so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Which.
    pub id: EscalationId,
    /// Standing warnings it takes.
    pub warnings: i32,
    /// Days, back from the latest warning, that they must fall into.
    pub within_days: i32,
    /// When it last fired for this member, if ever.
    pub fired_at: Option<DateTime<Utc>>,
}

/// A warning that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warned {
    /// When it was given.
    pub at: DateTime<Utc>,
}

/// The rung that the latest warning reaches, if any: of those with enough warnings, the one that takes most. A rung fires once: not again as long as
/// the warning that made it fire counts.
pub fn rung_reached(rungs: &[Rung], warnings: &[Warned]) -> Option<EscalationId> {
    let latest = warnings.iter().map(|warning| warning.at).max()?;
    rungs
        .iter()
        .filter(|rung| {
            let since = latest - TimeDelta::days(i64::from(rung.within_days));
            let count = warnings.iter().filter(|warning| warning.at > since).count();
            rung.fired_at.is_none_or(|fired| fired <= since)
                && i32::try_from(count).is_ok_and(|count| count >= rung.warnings)
        })
        .max_by_key(|rung| (rung.warnings, std::cmp::Reverse(rung.within_days)))
        .map(|rung| rung.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn rung(n: u128, warnings: i32, within_days: i32) -> Rung {
        Rung { id: EscalationId::new(Uuid::from_u128(n)), warnings, within_days, fired_at: None }
    }

    fn days(days: &[i64]) -> Vec<Warned> {
        days.iter().map(|day| Warned { at: DateTime::UNIX_EPOCH + TimeDelta::days(*day) }).collect()
    }

    #[test]
    fn the_rung_that_takes_most_fires() {
        let ladder = [rung(1, 2, 30), rung(2, 3, 30)];
        assert_eq!(rung_reached(&ladder, &days(&[1])), None);
        assert_eq!(rung_reached(&ladder, &days(&[1, 2])), Some(ladder[0].id));
        assert_eq!(rung_reached(&ladder, &days(&[1, 2, 3])), Some(ladder[1].id));
        assert_eq!(rung_reached(&ladder, &days(&[1, 40])), None, "the first is too old");
        assert_eq!(rung_reached(&[], &days(&[1, 2])), None);
        assert_eq!(rung_reached(&ladder, &[]), None);
    }

    #[test]
    fn a_rung_that_fired_rests_as_long_as_its_warning_counts() {
        let fired = Rung { fired_at: Some(DateTime::UNIX_EPOCH + TimeDelta::days(2)), ..rung(1, 2, 30) };
        assert_eq!(rung_reached(&[fired], &days(&[1, 2, 3])), None);
        assert_eq!(rung_reached(&[fired], &days(&[1, 2, 3, 4])), None);
        assert_eq!(rung_reached(&[fired], &days(&[50, 51])), Some(fired.id), "long after, it counts anew");
        let higher = rung(2, 4, 30);
        assert_eq!(rung_reached(&[fired, higher], &days(&[1, 2, 3, 4])), Some(higher.id));
    }

    proptest! {
        #[test]
        fn a_rung_fires_once(warnings in 1i32..6, given in proptest::collection::btree_set(0i64..300, 1..40)) {
            let given: Vec<i64> = given.into_iter().collect();
            let mut ladder = [rung(1, warnings, 365)];
            let mut fired = 0;
            for n in 1..=given.len() {
                let so_far = days(&given[..n]);
                if rung_reached(&ladder, &so_far).is_some() {
                    fired += 1;
                    ladder[0].fired_at = so_far.last().map(|warning| warning.at);
                }
            }
            prop_assert_eq!(fired, i32::from(i32::try_from(given.len()).unwrap() >= warnings));
        }
    }
}
