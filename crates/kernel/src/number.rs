//! Ids that are whole numbers from 1, in JSON too: those of rows that the seeds number.

use std::fmt;

use serde::{Deserializer, de};

const NOT_A_NUMBER: &str = "a whole number from 1 to 2147483647";

/// Declares ids that are whole numbers from 1 (`INTEGER`): the type's documentation and its name. The caller's crate has `serde`, `sqlx` and
/// `utoipa`.
#[macro_export]
macro_rules! decl_number {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::sqlx::Type, ::utoipa::ToSchema)]
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

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::string::String;
            fn from_str(text: &str) -> ::std::result::Result<Self, ::std::string::String> {
                $crate::number::parse(text).map(Self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::number::deserialize(deserializer).map(Self)
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

/// Reads such a number from text.
#[doc(hidden)]
pub fn parse(text: &str) -> Result<i32, String> {
    number(text).ok_or_else(|| format!("must be {NOT_A_NUMBER}"))
}

/// Reads such a number from JSON, paths and queries.
#[doc(hidden)]
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    deserializer.deserialize_any(Number)
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "ids are made to be shown to everybody")]
mod tests {
    crate::decl_number!(
        /// A season.
        SeasonId
    );

    #[test]
    fn numbers_are_read_from_json_and_text() {
        assert_eq!(serde_json::from_str::<SeasonId>("12").unwrap(), SeasonId::new(12));
        assert_eq!(serde_json::from_str::<SeasonId>("\"12\"").unwrap(), SeasonId::new(12));
        assert_eq!(serde_json::to_string(&SeasonId::new(12)).unwrap(), "12");
        assert_eq!(SeasonId::new(12).get(), 12);
        for bad in ["0", "-1", "1.5", "2147483648", "\"+1\"", "\"\"", "\"1e3\"", "null", "[1]"] {
            let error = serde_json::from_str::<SeasonId>(bad).unwrap_err().to_string();
            assert!(error.contains("whole number from 1"), "{bad}: {error}");
        }
    }
}
