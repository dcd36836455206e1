//! Ids as types. Discord's are 64-bit snowflakes: `BIGINT` in the database and decimal strings in JSON, as Discord writes
//! them, because JavaScript loses 64-bit integers. Ours are UUIDs, version 7 where the database makes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseIdError(&'static str);

const NOT_A_SNOWFLAKE: &str =
    "must be a Discord id: a string of 1 to 19 decimal digits, such as \"175928847299117063\"";
const NOT_A_UUID: &str = "must be a UUID, such as \"0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f\"";

macro_rules! decl_snowflake {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, ToSchema)]
        #[sqlx(transparent)]
        #[schema(value_type = String, pattern = "^[0-9]{1,19}$", example = "175928847299117063")]
        pub struct $name(i64);

        impl $name {
            /// The id with this number. Discord's ids are positive.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number, as the database stores it.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
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
                parse_snowflake(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parse(NOT_A_SNOWFLAKE, std::marker::PhantomData))
            }
        }
    };
}

/// Declares ids that are UUIDs: the type's documentation and its name. The caller's crate has `serde`, `sqlx`, `utoipa` and `uuid`.
#[macro_export]
macro_rules! decl_uuid {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::sqlx::Type, ::utoipa::ToSchema)]
        #[sqlx(transparent)]
        #[schema(value_type = String, format = Uuid, example = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f")]
        pub struct $name(::uuid::Uuid);

        impl $name {
            /// The id with this value.
            pub const fn new(value: ::uuid::Uuid) -> Self {
                Self(value)
            }

            /// The value, as the database stores it.
            pub const fn get(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::ParseIdError;
            fn from_str(text: &str) -> ::std::result::Result<Self, $crate::id::ParseIdError> {
                $crate::id::parse_uuid(text).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::id::deserialize_uuid(deserializer)
            }
        }
    };
}

struct Parse<T>(&'static str, std::marker::PhantomData<T>);

impl<T: FromStr<Err = ParseIdError>> de::Visitor<'_> for Parse<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.strip_prefix("must be ").unwrap_or(self.0))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Reads a UUID from text.
#[doc(hidden)]
pub fn parse_uuid(text: &str) -> Result<Uuid, ParseIdError> {
    Uuid::parse_str(text).map_err(|_| ParseIdError(NOT_A_UUID))
}

/// Reads an id that is a UUID from JSON, paths and queries.
#[doc(hidden)]
pub fn deserialize_uuid<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ParseIdError>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Parse(NOT_A_UUID, std::marker::PhantomData))
}

fn parse_snowflake(text: &str) -> Result<i64, ParseIdError> {
    let plain = !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if plain && number > 0 => Ok(number),
        _ => Err(ParseIdError(NOT_A_SNOWFLAKE)),
    }
}

decl_snowflake!(
    /// A Discord server, the tenant: nothing of one guild is ever seen by another.
    GuildId
);
decl_snowflake!(
    /// A Discord user.
    UserId
);
decl_snowflake!(
    /// A Discord channel.
    ChannelId
);
decl_snowflake!(
    /// A Discord role.
    RoleId
);
decl_snowflake!(
    /// A message on Discord.
    MessageId
);

impl UserId {
    /// The house: the other side of every payment that is not between two members. Never a person.
    pub const HOUSE: Self = Self(0);
}

decl_uuid!(
    /// A campaign of challenges.
    CampaignId
);
decl_uuid!(
    /// A challenge of a campaign.
    ChallengeId
);
decl_uuid!(
    /// A hint of a challenge.
    HintId
);
decl_uuid!(
    /// One submitted answer.
    SubmissionId
);
decl_uuid!(
    /// A squad of a guild.
    SquadId
);
decl_uuid!(
    /// A durable timer.
    TimerId
);
decl_uuid!(
    /// A webhook of a guild.
    WebhookId
);
decl_uuid!(
    /// An API key (its row, never the key itself).
    ApiKeyId
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn snowflakes_are_decimal_strings_in_json() {
        let id: GuildId = serde_json::from_str("\"175928847299117063\"").unwrap();
        assert_eq!(id.get(), 175_928_847_299_117_063);
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"175928847299117063\"");
    }

    #[test]
    fn what_is_no_snowflake_is_refused_in_words() {
        for bad in [
            "\"\"",
            "\"0\"",
            "\"-5\"",
            "\"+5\"",
            "\"1e3\"",
            "\"99999999999999999999\"",
            "\" 1\"",
            "12",
            "null",
        ] {
            let error = serde_json::from_str::<UserId>(bad).unwrap_err().to_string();
            assert!(error.contains("Discord id"), "{bad}: {error}");
        }
    }

    #[test]
    fn what_is_no_uuid_is_refused_in_words() {
        let error = serde_json::from_str::<CampaignId>("\"abc\"").unwrap_err().to_string();
        assert!(error.contains("UUID"), "{error}");
    }

    proptest! {
        #[test]
        fn snowflakes_survive_the_round_trip(number in 1i64..=i64::MAX) {
            let id = UserId::new(number);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<UserId>(&json).unwrap(), id);
        }
    }
}
