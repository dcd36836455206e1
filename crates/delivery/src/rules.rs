//! What webhooks may be, which events they get, and when they are tried again: pure decisions.

use std::time::Duration;

use rand::{Rng, RngExt as _};

use crate::error::Error;

/// The most patterns a webhook may have.
pub const MAX_PATTERNS: usize = 50;

/// Waits between attempts while an endpoint fails: from the first failure on, then every two hours. With a day's patience
/// ([`GIVE_UP_AFTER`]) an event is tried some 17 times.
pub const SCHEDULE: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
];

/// After the schedule's end, how often a failing endpoint is tried.
pub const THEN_EVERY: Duration = Duration::from_hours(2);

/// An event that could not be delivered for so long is given up: it becomes a dead letter.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// The longest that an endpoint's `Retry-After` is heeded.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(4);

/// How long to wait after so many failures in a row, at least one: the schedule, a tenth more or less by chance, and not
/// less than the endpoint asked for.
pub fn wait(failures: i32, retry_after: Option<Duration>, rng: &mut impl Rng) -> Duration {
    let step = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
    let planned = SCHEDULE.get(step).copied().unwrap_or(THEN_EVERY).mul_f64(rng.random_range(0.9..=1.1));
    planned.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
}

/// Whether one of the patterns is the type, or ends in a star and begins like it.
pub fn wants(patterns: &[String], event_type: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => event_type.starts_with(beginning),
        None => pattern == event_type,
    })
}

/// Checks patterns, and drops repetitions: each a declared type, or a beginning of one followed by a star.
pub fn check_patterns(patterns: Vec<String>, declared: &[&str]) -> Result<Vec<String>, Error> {
    let mut kept: Vec<String> = Vec::with_capacity(patterns.len());
    for (index, pattern) in patterns.into_iter().enumerate() {
        let pattern = pattern.trim().to_owned();
        let plain = |text: &str| {
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_')
        };
        let good = pattern.len() <= 64
            && plain(pattern.strip_suffix('*').unwrap_or(&pattern))
            && declared.iter().any(|name| wants(std::slice::from_ref(&pattern), name));
        if !good {
            let message = "must be a type of the catalogue, such as `campaign.started`, or the beginning of some \
                           followed by a star, such as `campaign.*`";
            return Err(Error::Field(format!("event_types[{index}]"), message.to_owned()));
        }
        if !kept.contains(&pattern) {
            kept.push(pattern);
        }
    }
    match kept.len() {
        1..=MAX_PATTERNS => Ok(kept),
        _ => Err(Error::Field("event_types".to_owned(), format!("must hold 1 to {MAX_PATTERNS} types"))),
    }
}

/// Checks and trims a webhook's name.
pub fn check_name(name: &str) -> Result<String, Error> {
    kernel::text::name(name, 100).map(str::to_owned).ok_or_else(|| {
        let message = "must be 1 to 100 characters that can be seen, none of them a control character";
        Error::Field("name".to_owned(), message.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn an_event_is_tried_all_day() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut at = Duration::ZERO;
        let mut attempts = 1;
        while at < GIVE_UP_AFTER {
            at += wait(attempts, None, &mut rng);
            attempts += 1;
        }
        assert!((12..=18).contains(&attempts), "{attempts}");
    }

    #[test]
    fn an_endpoint_may_ask_for_patience_but_not_for_ever() {
        let mut rng = StdRng::seed_from_u64(1);
        assert_eq!(wait(1, Some(Duration::from_mins(7)), &mut rng), Duration::from_mins(7));
        assert_eq!(wait(1, Some(Duration::from_hours(900)), &mut rng), MAX_RETRY_AFTER);
        assert!(wait(6, Some(Duration::from_secs(1)), &mut rng) > Duration::from_mins(50));
    }

    #[test]
    fn patterns() {
        let wanted = |patterns: &[&str], name| {
            wants(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>(), name)
        };
        assert!(wanted(&["*"], "campaign.started"));
        assert!(wanted(&["squad.*", "campaign.*"], "campaign.started"));
        assert!(wanted(&["challenge.script_*"], "challenge.script_failed"));
        assert!(!wanted(&["campaign.*"], "campaigns.started"));
        assert!(!wanted(&["campaign.start"], "campaign.started"));
        assert!(!wanted(&[], "campaign.started"));
    }

    #[test]
    fn patterns_that_match_nothing_are_refused_by_position() {
        let declared = ["campaign.started", "squad.left"];
        let check = |patterns: &[&str]| {
            check_patterns(patterns.iter().map(|pattern| (*pattern).to_owned()).collect(), &declared)
        };
        assert_eq!(check(&[" campaign.* ", "*", "*"]).unwrap(), ["campaign.*", "*"]);
        for bad in ["", "campaign", "campaign.ended", "cam*paign.*", "Campaign.*", "ca mpaign.*", "**"] {
            assert!(
                matches!(check(&["*", bad]), Err(Error::Field(field, _)) if field == "event_types[1]"),
                "{bad}"
            );
        }
        assert!(matches!(check(&[]), Err(Error::Field(field, _)) if field == "event_types"));
    }

    proptest! {
        #[test]
        fn a_wait_is_a_tenth_about_the_schedule(failures in -3..2_000_000_000i32, seed in any::<u64>()) {
            let wait = wait(failures, None, &mut StdRng::seed_from_u64(seed));
            let step = usize::try_from(failures.max(1) - 1).unwrap();
            let planned = SCHEDULE.get(step).copied().unwrap_or(THEN_EVERY);
            prop_assert!(wait >= planned.mul_f64(0.899) && wait <= planned.mul_f64(1.101));
        }
    }
}
