//! How long one waits for people, told honestly: those who still wait count, too. Leaving them out would tell of the quick ones alone.

/// A wait: how long, in seconds, and whether it is over.
pub type Wait = (i64, bool);

/// The time within which nine of ten waits end (Kaplan and Meier 1958); none where too few ended to say so.
pub fn ninetieth(mut waits: Vec<Wait>) -> Option<i64> {
    // Who ended at the same time as another still waits was at risk until then: ends come first.
    waits.sort_unstable_by_key(|(seconds, over)| (*seconds, !over));
    let mut at_risk = waits.len();
    let mut surviving = 1.0_f64;
    for (seconds, over) in waits {
        if over {
            #[expect(clippy::cast_precision_loss, reason = "a count of waits")]
            let risk = at_risk as f64;
            surviving *= 1.0 - 1.0 / risk;
            // A rounding error must not cost a whole step.
            if surviving <= 0.1 + 1e-9 {
                return Some(seconds);
            }
        }
        at_risk -= 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn with_everybody_served_it_is_the_ninth_of_ten() {
        assert_eq!(ninetieth((1..=10).map(|n| (n, true)).collect()), Some(9));
        assert_eq!(ninetieth((1..=100).map(|n| (n, true)).collect()), Some(90));
        assert_eq!(ninetieth(vec![(5, true)]), Some(5));
        assert_eq!(ninetieth(Vec::new()), None);
    }

    #[test]
    fn who_still_waits_makes_it_longer() {
        let served: Vec<Wait> = (1..=10).map(|n| (n, true)).collect();
        let mut with = served.clone();
        with.extend([(8, false), (8, false)]);
        assert!(ninetieth(with) > ninetieth(served));
        // Nine of ten have not ended at all: nothing can be said.
        assert_eq!(ninetieth((1..=10).map(|n| (n, n == 1)).collect()), None);
    }

    proptest! {
        #[test]
        fn it_is_a_time_at_which_somebody_was_served(waits in prop::collection::vec((0i64..1_000, any::<bool>()), 0..60)) {
            if let Some(found) = ninetieth(waits.clone()) {
                prop_assert!(waits.contains(&(found, true)));
            }
        }

        #[test]
        fn waiting_on_never_shortens_it(waits in prop::collection::vec((0i64..1_000, any::<bool>()), 1..60), more in 0i64..500) {
            let longer = waits.iter().map(|(s, over)| (if *over { *s } else { s + more }, *over)).collect();
            let (now, later) = (ninetieth(waits), ninetieth(longer));
            prop_assert!(later.is_none() || now.is_some_and(|now| later.unwrap() >= now));
        }
    }
}
