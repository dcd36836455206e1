//! What can go wrong with the lake and what multiplies rewards.

use kernel::{Problem, fields::Wrong};

/// Why an operation on the lake, categories or multipliers was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Of the member, as such.
    #[error(transparent)]
    Member(people::Error),
    /// Of what members earn.
    #[error(transparent)]
    Progress(progress::Error),
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Invalid(&'static str, String),
    /// The guild has no such thing: a noun.
    #[error("there is no such {0} in this guild")]
    Unknown(&'static str),
    /// It cannot be done now: why, as a sentence without its full stop.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

/// What a violated constraint means, as a sentence without its full stop.
fn sentence(constraint: &str) -> Option<&'static str> {
    Some(match constraint {
        "uq_categories_guild_id_name" => "another category bears this name",
        "pk_category_channels" => "one of these channels is in another category",
        "fk_multiplier_events_category_id_categories" => "the guild has no such category",
        _ => return None,
    })
}

impl From<sqlx::Error> for Error {
    /// Turns the constraints that callers can run into into words; the rest stays what it is.
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error).and_then(sentence) {
            Some(sentence) => Self::Refused(sentence.to_owned()),
            None => Self::Database(error),
        }
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::Invalid(wrong.field, wrong.message)
    }
}

impl From<people::Error> for Error {
    fn from(error: people::Error) -> Self {
        match error {
            people::Error::Database(error) => Self::Database(error),
            other => Self::Member(other),
        }
    }
}

impl From<progress::Error> for Error {
    fn from(error: progress::Error) -> Self {
        match error {
            progress::Error::Database(error) => Self::Database(error),
            progress::Error::Member(error) => Self::Member(error),
            other => Self::Progress(other),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Member(error) => error.into(),
            Error::Progress(error) => error.into(),
            Error::Invalid(field, message) => Self::field(field, message),
            Error::Unknown(what) => Self::not_found(what),
            Error::Refused(_) => Self::conflict(capital(&error)),
            Error::Database(error) => error.into(),
        }
    }
}

/// The error as a sentence: a capital first, a full stop last.
fn capital(error: &Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
