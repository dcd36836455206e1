//! What can go wrong with people and members.

use kernel::{Problem, UserId, fields::Wrong};

/// Why an operation on members was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such member.
    #[error("there is no member {0} in this guild")]
    UnknownMember(UserId),
    /// A field is wrong.
    #[error(transparent)]
    Field(#[from] Wrong),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownMember(_) => Self::not_found("member"),
            Error::Field(wrong) => wrong.into(),
            Error::Database(error) => error.into(),
        }
    }
}
