//! What can go wrong with squads.

use economy::LedgerError;
use kernel::{Problem, SquadId, problem};

/// The squad has no room left.
pub const SQUAD_FULL: problem::Kind = problem::Kind::new("squad-full", 409, "The squad is full");
/// A running campaign forbids changing squads.
pub const SQUAD_LOCKED: problem::Kind =
    problem::Kind::new("squad-locked", 409, "Squads cannot be changed during this campaign");

/// Why an operation on squads was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such squad.
    #[error("there is no squad {0} in this guild")]
    UnknownSquad(SquadId),
    /// The squad is retired.
    #[error("this squad has been retired")]
    Retired,
    /// The squad holds as many as it may.
    #[error("this squad is full: it takes {0} members")]
    Full(i32),
    /// Who would join is in a squad already.
    #[error("this member is in a squad already; move instead of joining")]
    AlreadyInSquad,
    /// Who would move is in that squad already.
    #[error("this member is in that squad already")]
    SameSquad,
    /// Who would move or leave is in no squad, or not in this one.
    #[error("this member is not in that squad")]
    NotInSquad,
    /// A running campaign forbids it: its name.
    #[error("the campaign \"{0}\" is running, and does not let members change squads")]
    Locked(String),
    /// Another active squad of the guild bears this name.
    #[error("another squad bears this name")]
    NameTaken,
    /// Another squad has this Discord role.
    #[error("another squad has this role")]
    RoleTaken,
    /// Bots are in no squad.
    #[error("bots cannot be in a squad")]
    Bot,
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Field(&'static str, String),
    /// It could not be paid.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The member could not be made known.
    #[error(transparent)]
    People(#[from] people::Error),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("uq_squads_guild_name") => Self::NameTaken,
            Some("uq_squads_guild_role") => Self::RoleTaken,
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownSquad(_) => Self::not_found("squad"),
            Error::Full(_) => Self::new(SQUAD_FULL, sentence(&error)),
            Error::Locked(_) => Self::new(SQUAD_LOCKED, sentence(&error)),
            Error::Retired
            | Error::AlreadyInSquad
            | Error::SameSquad
            | Error::NotInSquad
            | Error::NameTaken
            | Error::RoleTaken
            | Error::Bot => Self::conflict(sentence(&error)),
            Error::Field(field, message) => Self::field(field, message),
            Error::Ledger(error) => error.into(),
            Error::People(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

/// The error as a sentence: a capital first, a full stop last.
fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
