//! Where a reader of the outbox stands.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A place in the outbox's order: after the event with this transaction and id. As text `123-456`, which is what streams
/// send as their event id and get back as `Last-Event-ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The transaction that wrote the event.
    pub transaction_id: u64,
    /// The event's number.
    pub id: i64,
}

impl Position {
    /// Before every event.
    pub const START: Self = Self { transaction_id: 0, id: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.transaction_id, self.id)
    }
}

/// A text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an event id of this stream, such as \"123-456\"")]
pub struct ParsePositionError;

impl FromStr for Position {
    type Err = ParsePositionError;
    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        let (transaction_id, id) = text.split_once('-').ok_or(ParsePositionError)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(transaction_id) || !digits(id) {
            return Err(ParsePositionError);
        }
        Ok(Self {
            transaction_id: transaction_id.parse().map_err(|_| ParsePositionError)?,
            id: id.parse().map_err(|_| ParsePositionError)?,
        })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_survive_the_round_trip(transaction_id: u64, id in 0..=i64::MAX) {
            let position = Position { transaction_id, id };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for bad in
            ["", "-", "1", "1-", "-1", "1--1", "+1-1", "1-1-1", "1-99999999999999999999", "a-b", " 1-1"]
        {
            assert_eq!(bad.parse::<Position>(), Err(ParsePositionError), "{bad}");
        }
    }

    #[test]
    fn positions_are_ordered_by_transaction_first() {
        let [early, late] = ["9-100", "10-1"].map(|text| text.parse::<Position>().unwrap());
        assert!(early < late);
    }
}
