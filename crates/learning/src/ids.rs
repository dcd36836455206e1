//! Ids of what is learnt. Learners are people ([`LearnerId`] is `people.users.auth_user_id`); faces know them by their
//! Discord id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! decl_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, ToSchema)]
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
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| "must be a UUID, such as \"0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f\"".to_owned())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text).and_then(|text| text.parse().map_err(de::Error::custom))
            }
        }
    };
}

/// Reads an id's text.
struct Text;

impl de::Visitor<'_> for Text {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

decl_id!(
    /// A learning path.
    PathId
);
decl_id!(
    /// A chapter of a learning path.
    ChapterId
);
decl_id!(
    /// A quest of the learning slice. Not one of the guild's board.
    QuestId
);
decl_id!(
    /// A step of a quest; the same one in all versions that have it.
    StepId
);
decl_id!(
    /// An assessment of a quest; the same one in all versions that have it.
    AssessmentId
);
decl_id!(
    /// A learner's attempt at a quest.
    AttemptId
);
decl_id!(
    /// A try at a step, or at an assessment, that is graded at once.
    TryId
);
decl_id!(
    /// Something handed in for review.
    SubmissionId
);
decl_id!(
    /// A person who learns: `people.users.auth_user_id`.
    LearnerId
);
