//! Ids of what a guild's community has: the seeds number these rows, so they are whole numbers from 1, in JSON too.

use std::fmt;
use std::str::FromStr;

use kernel::id::ParseIdError;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;
use uuid::Uuid;

const NOT_A_NUMBER: &str = "a whole number from 1 to 2147483647";

macro_rules! decl_number {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = i32, minimum = 1, example = 1)]
        pub struct $name(i32);

        impl $name {
            /// The id with this number, from 1.
            pub const fn new(number: i32) -> Self {
                Self(number)
            }

            /// The number, as the database stores it.
            pub const fn get(self) -> i32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                number(text).map(Self).ok_or_else(|| format!("must be {NOT_A_NUMBER}"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Number).map(Self)
            }
        }
    };
}

/// Digits alone: `+1` and ` 1` are other texts.
fn number(text: &str) -> Option<i32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| plain && *number > 0)
}

/// Reads a number from JSON, and from paths and queries, where everything is text.
struct Number;

impl de::Visitor<'_> for Number {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NOT_A_NUMBER)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i32, E> {
        let number = i32::try_from(value).ok().filter(|number| *number > 0);
        number.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i32, E> {
        let number = i32::try_from(value).ok().filter(|number| *number > 0);
        number.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i32, E> {
        number(text).ok_or_else(|| E::custom(format!("must be {NOT_A_NUMBER}")))
    }
}

macro_rules! decl_uuid {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = String, format = Uuid, example = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f")]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this value.
            pub const fn new(value: Uuid) -> Self {
                Self(value)
            }

            /// The value, as the database stores it.
            pub const fn get(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                // One reading of UUIDs in the house, in one wording.
                text.parse::<kernel::SquadId>().map(|id| Self(id.get()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                kernel::SquadId::deserialize(deserializer).map(|id| Self(id.get()))
            }
        }
    };
}

decl_number!(
    /// A season of a guild.
    SeasonId
);
decl_number!(
    /// A group of channels.
    CategoryId
);
decl_number!(
    /// An event that multiplies rewards for a while.
    MultiplierEventId
);
decl_number!(
    /// An achievement that can be earned.
    AchievementId
);
decl_number!(
    /// A quest on a guild's board. Not one of the learning slice's.
    BoardQuestId
);
decl_number!(
    /// Something that a guild's shop sells.
    ShopItemId
);
decl_uuid!(
    /// A purchase in a guild's shop.
    PurchaseId
);
decl_uuid!(
    /// An announcement, waiting or sent.
    AnnouncementId
);
decl_uuid!(
    /// A skill of a guild's catalogue.
    SkillId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_json_and_text() {
        assert_eq!(serde_json::from_str::<SeasonId>("12").unwrap(), SeasonId::new(12));
        assert_eq!(serde_json::from_str::<SeasonId>("\"12\"").unwrap(), SeasonId::new(12));
        assert_eq!(serde_json::to_string(&SeasonId::new(12)).unwrap(), "12");
        for bad in ["0", "-1", "1.5", "2147483648", "\"+1\"", "\"\"", "\"1e3\"", "null", "[1]"] {
            let error = serde_json::from_str::<SeasonId>(bad).unwrap_err().to_string();
            assert!(error.contains("whole number from 1"), "{bad}: {error}");
        }
    }
}
