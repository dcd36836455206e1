//! What can go wrong with a search.

use kernel::Problem;

/// Why a search was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Field(&'static str, String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Field(field, message) => Self::field(field, message),
            Error::Database(error) => error.into(),
        }
    }
}
