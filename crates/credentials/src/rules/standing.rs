//! How a credential stands.

use chrono::{DateTime, Utc};

use crate::model::Standing;

/// How a credential stands at an instant. A revocation outlives the end of its time.
pub fn standing(revoked: bool, valid_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Standing {
    if revoked {
        Standing::Revoked
    } else if valid_until.is_some_and(|until| until <= now) {
        Standing::Expired
    } else {
        Standing::Valid
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_instant_at_which_it_ends_is_over() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let second = TimeDelta::seconds(1);
        assert_eq!(standing(false, None, now), Standing::Valid);
        assert_eq!(standing(false, Some(now + second), now), Standing::Valid);
        assert_eq!(standing(false, Some(now), now), Standing::Expired);
        assert_eq!(standing(true, Some(now), now), Standing::Revoked);
    }
}
