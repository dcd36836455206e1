//! What can go wrong with people and members.

use kernel::{Problem, UserId, fields::Wrong};

/// Why an operation on members was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such member.
    #[error("there is no member {0} in this guild")]
    UnknownMember(UserId),
    /// A guild's key would change what a person is in other guilds too.
    #[error("this person is in other guilds too; `{0}` is theirs as well")]
    Shared(&'static str),
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
            Error::Shared(field) => Self::forbidden(format!(
                "This person is a member of other guilds too, where `{field}` would change as well; that takes a key that is \
                 confined to no guild."
            )),
            Error::Field(wrong) => wrong.into(),
            Error::Database(error) => error.into(),
        }
    }
}
