//! What can go wrong in learning, and the sentence each becomes.

use kernel::problem::Kind;
use kernel::{FieldError, Problem};

/// Not everything that would be published could be opened by somebody.
pub const UNREACHABLE: Kind = Kind::new("quests-unreachable", 409, "Some quests could never be opened");
/// The quest is not open to this learner.
pub const LOCKED: Kind = Kind::new("quest-locked", 409, "The quest is locked");
/// The attempt is not in a state in which this can be done.
pub const ATTEMPT_STATE: Kind =
    Kind::new("attempt-state", 409, "The attempt is not in the right state for that");
/// No tries are left.
pub const NO_TRIES: Kind = Kind::new("no-tries-left", 409, "No tries are left");
/// The next try must wait.
pub const COOLING_DOWN: Kind = Kind::new("try-too-soon", 429, "The next try must wait");
/// The try was handed in after its time.
pub const TRY_EXPIRED: Kind = Kind::new("try-expired", 409, "The time of this try is over");
/// Somebody else changed it meanwhile.
pub const STALE: Kind = Kind::new("changed-meanwhile", 409, "Somebody changed it meanwhile");

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] =
    &[UNREACHABLE, LOCKED, ATTEMPT_STATE, NO_TRIES, COOLING_DOWN, TRY_EXPIRED, STALE];

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such thing: a noun.
    #[error("there is no such {0} in this guild")]
    NotFound(&'static str),
    /// Fields of a document or a request are wrong.
    #[error("{} fields are wrong", .0.len())]
    Invalid(Vec<FieldError>),
    /// What would be published could never be opened; a finding a quest.
    #[error("{} quests could never be opened", .0.len())]
    Unreachable(Vec<FieldError>),
    /// Not possible now: a kind of refusal, and why.
    #[error("{1}")]
    Refused(Kind, String),
    /// The next try must wait so many seconds.
    #[error("the next try can begin in {0} seconds")]
    TooSoon(u64),
    /// The member could not be made known.
    #[error(transparent)]
    People(#[from] people::Error),
    /// A skill could not be made.
    #[error(transparent)]
    Skills(#[from] community::Error),
    /// What is stored cannot be read.
    #[error("what is stored of {0} cannot be read: {1}")]
    Corrupt(&'static str, serde_json::Error),
    /// Scripts cannot be run just now.
    #[error("{0}")]
    Unavailable(String),
    /// An author's checker failed, and why: theirs to see. Learners are told that it did.
    #[error("the checker failed: {0}")]
    Checker(String),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl Error {
    /// One field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Not possible in this state.
    pub(crate) fn state(why: impl Into<String>) -> Self {
        Self::Refused(ATTEMPT_STATE, why.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let slug_taken = |what: &str| Self::field("slug", format!("is taken by another {what} of the guild"));
        match db::constraint(&error) {
            Some("uq_quests_guild_id_slug") => slug_taken("quest"),
            Some("uq_learning_paths_guild_id_slug") => slug_taken("path"),
            Some("pk_question_banks") => slug_taken("bank"),
            Some("fk_quest_version_files_sha256_file_contents") => {
                Self::field("files", "has one that the guild does not hold; import the path with its files")
            }
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(fields) => Self::fields(fields),
            Error::Unreachable(fields) => Self::fields_of(UNREACHABLE, fields),
            Error::Refused(kind, why) => Self::new(kind, why),
            Error::TooSoon(seconds) => {
                Self::new(COOLING_DOWN, format!("The next try can begin in {seconds} seconds."))
                    .retry_after(std::time::Duration::from_secs(seconds))
            }
            Error::People(error) => error.into(),
            Error::Skills(error) => error.into(),
            Error::Corrupt(..) => Self::internal(&error),
            Error::Unavailable(why) => Self::new(kernel::problem::UNAVAILABLE, why),
            Error::Checker(_) => Self::new(
                kernel::problem::UNAVAILABLE,
                "Your program could not be judged: its checker failed, which its author has to mend. No try was used.",
            ),
            Error::Stopping => Self::new(
                kernel::problem::UNAVAILABLE,
                "The service is restarting. Send it again in a moment.",
            )
            .retry_after(std::time::Duration::from_secs(1)),
            Error::Database(error) => error.into(),
        }
    }
}
