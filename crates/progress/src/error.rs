//! What can go wrong with what members earn.

use kernel::problem::FieldError;
use kernel::{GuildId, Problem, fields::Wrong};

use crate::import::Fault;

/// Why an operation on what members earn was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Of the member, as such.
    #[error(transparent)]
    Member(people::Error),
    /// A grant names somebody who is no member yet.
    #[error("a grant names somebody who is no member of guild {0}")]
    GrantToStranger(GuildId),
    /// A grant would take more gold, XP or stars than a member has, or give more XP than fit.
    #[error("a member would be left with less than no {0}, or with more than can be counted")]
    OutOfRange(&'static str),
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Invalid(&'static str, String),
    /// Lines of an import are wrong: how many, and which, as far as they are told.
    #[error("{0} lines of the file are wrong, and nothing was imported")]
    WrongLines(usize, Vec<Fault>),
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
        "uq_seasons_guild_id_name" => "another season bears this name",
        "ex_seasons_overlap" => "two seasons would overlap: an event belongs to one season at most",
        "uq_achievement_templates_guild_id_name" => "another achievement bears this name",
        _ => return None,
    })
}

impl From<sqlx::Error> for Error {
    /// Turns the constraints that callers can run into into words; the rest stays what it is.
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("ck_members_gold") => Self::OutOfRange("gold"),
            Some("ck_members_xp") => Self::OutOfRange("XP"),
            Some("ck_members_stars") => Self::OutOfRange("stars"),
            other => match other.and_then(sentence) {
                Some(sentence) => Self::Refused(sentence.to_owned()),
                None => Self::Database(error),
            },
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

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Member(error) => error.into(),
            Error::OutOfRange(_) => Self::conflict(format!("{error}.")),
            Error::GrantToStranger(_) => Self::internal(&error),
            Error::Invalid(field, message) => Self::field(field, message),
            Error::WrongLines(all, faults) => wrong_lines(all, &faults),
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

/// Wrong lines told in one answer; a dry run tells more.
const TOLD: usize = 1_000;

/// Each line as an error of the field; the last one says what to do.
fn wrong_lines(all: usize, faults: &[Fault]) -> Problem {
    let mut errors: Vec<FieldError> = faults
        .iter()
        .take(TOLD)
        .map(|fault| FieldError { field: "data".to_owned(), message: fault.to_string() })
        .collect();
    if let Some(last) = errors.last_mut() {
        let more = if all > TOLD { format!(". {} more lines are wrong", all - TOLD) } else { String::new() };
        last.message += ". Nothing was imported; mend it, or ask for the rest with `skip_faults`";
        last.message += &more;
    }
    Problem::fields(errors)
}
