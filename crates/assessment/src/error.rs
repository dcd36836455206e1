//! What can go wrong in assessment, and the sentence each becomes.

use std::time::Duration;

use kernel::problem::{self, Kind};
use kernel::{FieldError, Problem};

/// Somebody else is at it.
pub const CLAIMED: Kind = Kind::new("claimed-by-another", 409, "Somebody else is at it");
/// It was to be handed in earlier.
pub const TOO_LATE: Kind = Kind::new("deadline-over", 409, "The deadline is over");
/// It is not in a state in which this can be done.
pub const STATE: Kind =
    Kind::new("submission-state", 409, "The submission is not in the right state for that");

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[CLAIMED, TOO_LATE, STATE];

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such thing: a noun.
    #[error("there is no such {0} in this guild")]
    NotFound(&'static str),
    /// Fields of a request are wrong.
    #[error("{} fields are wrong", .0.len())]
    Invalid(Vec<FieldError>),
    /// Not possible now: a kind of refusal, and why.
    #[error("{1}")]
    Refused(Kind, String),
    /// What is stored cannot be read.
    #[error("what is stored of {0} cannot be read: {1}")]
    Corrupt(&'static str, serde_json::Error),
    /// Learning refused or failed.
    #[error(transparent)]
    Learning(#[from] learning::Error),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// One field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Not possible in this state.
    pub(crate) fn state(why: impl Into<String>) -> Self {
        Self::Refused(STATE, why.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(fields) => Self::fields(fields),
            Error::Refused(kind, why) => Self::new(kind, why),
            Error::Corrupt(..) => Self::internal(&error),
            Error::Learning(error) => error.into(),
            Error::Stopping => {
                Self::new(problem::UNAVAILABLE, "The service is restarting. Send it again in a moment.")
                    .retry_after(Duration::from_secs(1))
            }
            Error::Database(error) => error.into(),
        }
    }
}
