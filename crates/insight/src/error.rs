//! What can go wrong, and the sentence each becomes.

use kernel::{FieldError, Problem};

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such thing: a noun.
    #[error("there is no such {0} in this guild")]
    NotFound(&'static str),
    /// Fields of a request are wrong.
    #[error("{} fields are wrong", .0.len())]
    Invalid(Vec<FieldError>),
    /// Learning refused or failed.
    #[error(transparent)]
    Learning(#[from] learning::Error),
    /// In a problem's own words.
    #[error("{0:?}")]
    Problem(Problem),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// One field is wrong.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(fields) => Self::fields(fields),
            Error::Learning(error) => error.into(),
            Error::Problem(problem) => problem,
            Error::Database(error) => error.into(),
        }
    }
}
