//! What can go wrong, in words that say what to do. Converted to a [`Problem`] at the last step.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::{FieldError, Kind, Problem, problem};

/// Answers and inputs are taken while a campaign runs.
pub const NOT_RUNNING: Kind = Kind::new("campaign-not-running", 409, "The campaign is not running");
/// The answer arrived after the end.
pub const CAMPAIGN_ENDED: Kind = Kind::new("campaign-ended", 409, "The campaign is over");
/// Only participants have inputs and may answer.
pub const NOT_REGISTERED: Kind = Kind::new("not-registered", 403, "Not registered for this campaign");
/// The member may not (yet) act for the squad.
pub const NOT_ELIGIBLE: Kind = Kind::new("not-eligible", 403, "Not a member of a participating squad");
/// The challenge's own closing time has passed.
pub const CHALLENGE_CLOSED: Kind = Kind::new("challenge-closed", 409, "The challenge is closed");
/// A part opens when the part before it is solved.
pub const PART_LOCKED: Kind = Kind::new("part-locked", 409, "That part is not open yet");
/// The input must be fetched before it can be answered.
pub const INPUT_FIRST: Kind = Kind::new("input-first", 409, "Fetch your input first");
/// The part was solved before.
pub const ALREADY_SOLVED: Kind = Kind::new("already-solved", 409, "Already solved");
/// The sliding windows are full.
pub const TOO_MANY_ANSWERS: Kind = Kind::new("too-many-answers", 429, "Too many answers");
/// A wrong answer locked the participant out for a while.
pub const LOCKED_OUT: Kind = Kind::new("locked-out", 429, "Locked out for a while");
/// The input could not be made.
pub const INPUT_UNAVAILABLE: Kind = Kind::new("input-unavailable", 503, "The input is not available");
/// The challenge's checker could not look at the answer.
pub const CHECK_UNAVAILABLE: Kind = Kind::new("check-unavailable", 503, "The answer could not be checked");
/// Another node has judged the answer meanwhile.
pub const CHECKED_ELSEWHERE: Kind = Kind::new("checked-elsewhere", 409, "The answer was judged meanwhile");
/// What cannot be changed once participants have seen it.
pub const ALREADY_RELEASED: Kind = Kind::new("already-released", 409, "The challenge is released");

/// The kinds of problem that this slice adds.
pub const PROBLEMS: &[Kind] = &[
    NOT_RUNNING,
    CAMPAIGN_ENDED,
    NOT_REGISTERED,
    NOT_ELIGIBLE,
    CHALLENGE_CLOSED,
    PART_LOCKED,
    INPUT_FIRST,
    ALREADY_SOLVED,
    TOO_MANY_ANSWERS,
    LOCKED_OUT,
    INPUT_UNAVAILABLE,
    CHECK_UNAVAILABLE,
    CHECKED_ELSEWHERE,
    ALREADY_RELEASED,
];

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing, or none this caller may know of; the text is a noun.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The campaign's status does not allow it.
    #[error("the campaign is not running (it is {0})")]
    NotRunning(String),
    /// Arrived at or after `end_time`.
    #[error("the answer arrived after the campaign's end")]
    Ended,
    /// The participant is not registered.
    #[error("the participant is not registered")]
    NotRegistered,
    /// The member may act for no squad of this campaign.
    #[error("the member may act for no squad of this campaign")]
    NotEligible,
    /// Arrived at or after the challenge's `closes_at`.
    #[error("the challenge takes no more answers")]
    ChallengeClosed,
    /// The part before this one is not solved.
    #[error("part {0} opens when the part before it is solved")]
    PartLocked(i32),
    /// The input was never requested, or was replaced since.
    #[error("the input was not requested yet")]
    InputFirst,
    /// Solved before, and this answer is not the right one.
    #[error("the part is already solved")]
    AlreadySolved,
    /// The windows are full for so long.
    #[error("too many answers; wait {0}")]
    TooManyAnswers(TimeDelta),
    /// Locked out for so long.
    #[error("locked out for {0}")]
    LockedOut(TimeDelta),
    /// The generator gave no input; the text is meant for participants.
    #[error("{0}")]
    InputUnavailable(&'static str),
    /// The checker failed, or cannot be run.
    #[error("the answer could not be checked")]
    CheckUnavailable,
    /// Whoever took the answer up meanwhile has judged it.
    #[error("the answer was judged elsewhere")]
    CheckedElsewhere,
    /// Released challenges keep their place and their parts.
    #[error("{0}")]
    AlreadyReleased(String),
    /// Something the caller sent is wrong.
    #[error("{0}")]
    Invalid(Problem),
    /// Fields the caller sent are wrong.
    #[error("{} fields are wrong", .0.len())]
    Wrong(Vec<FieldError>),
    /// Bytes could not be moved.
    #[error(transparent)]
    Ledger(#[from] economy::LedgerError),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// A batch failed and what its commit did is not known.
    #[error("the database connection was lost")]
    ConnectionLost,
    /// Anything the database says that nobody expected.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// One wrong field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(Problem::field(field, message))
    }
}

fn wait(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or_default()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::NotRunning(status) => Self::new(
                NOT_RUNNING,
                match status.as_str() {
                    "CREATED" => "The campaign has not started yet.",
                    "EXPIRED" => "The campaign has expired.",
                    _ => "The campaign is closed; its standings are final.",
                },
            ),
            Error::Ended => Self::new(CAMPAIGN_ENDED, "The campaign ended before your answer arrived."),
            Error::NotRegistered => {
                Self::new(NOT_REGISTERED, "Register for the campaign first; squads register as a whole.")
            }
            Error::NotEligible => Self::new(
                NOT_ELIGIBLE,
                "You act for the squad you were in when the campaign started. Who joined one later may act for it after \
                 the campaign's delay for late joins.",
            ),
            Error::ChallengeClosed => Self::new(CHALLENGE_CLOSED, "This challenge takes no more answers."),
            Error::PartLocked(part) => {
                Self::new(PART_LOCKED, format!("Part {part} opens when part {} is solved.", part - 1))
            }
            Error::InputFirst => Self::new(
                INPUT_FIRST,
                "Fetch your input (GET …/input) before you answer. If you had fetched it before, it was replaced: fetch it anew.",
            ),
            Error::AlreadySolved => Self::new(ALREADY_SOLVED, "This part is solved already."),
            Error::TooManyAnswers(delta) => {
                Self::new(TOO_MANY_ANSWERS, "Your answer was not judged: too many came before it. Wait, then send it again.")
                    .retry_after(wait(delta))
            }
            Error::LockedOut(delta) => {
                Self::new(LOCKED_OUT, "Wrong answers locked you out for a while; no answer is judged before that ends.")
                    .retry_after(wait(delta))
            }
            Error::InputUnavailable(text) => Self::new(INPUT_UNAVAILABLE, text).retry_after(Duration::from_secs(30)),
            Error::CheckUnavailable => Self::new(
                CHECK_UNAVAILABLE,
                "Your answer could not be checked just now, and has cost no try. If it is the checker's fault, its author has been \
                 told; send your answer again in a while.",
            )
            .retry_after(Duration::from_secs(30)),
            Error::CheckedElsewhere => Self::new(
                CHECKED_ELSEWHERE,
                "Your answer took long to be checked and was judged by another node meanwhile: its verdict stands among your answers.",
            ),
            Error::AlreadyReleased(text) => Self::new(ALREADY_RELEASED, text),
            Error::Invalid(problem) => problem,
            Error::Wrong(fields) => Self::fields(fields),
            Error::Ledger(error) => error.into(),
            Error::Stopping => {
                Self::new(problem::UNAVAILABLE, "The service is restarting; send your answer again in a moment.")
                    .retry_after(Duration::from_secs(1))
            }
            Error::ConnectionLost => Self::new(
                problem::UNAVAILABLE,
                "The database went away while your answer was being judged. Send it again: a part is solved only once.",
            )
            .retry_after(Duration::from_secs(1)),
            Error::Database(error) if db::is_connection_lost(&error) => Self::from(Error::ConnectionLost),
            Error::Database(error) => Self::from(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_new() {
        let mut slugs: Vec<_> = PROBLEMS.iter().map(|kind| kind.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), PROBLEMS.len());
    }

    #[test]
    fn waits_are_told() {
        let problem = Problem::from(Error::TooManyAnswers(TimeDelta::milliseconds(1500)));
        assert_eq!(problem.status(), 429);
        assert_eq!(serde_json::to_value(&problem).unwrap()["retry_after"], 2);
    }
}
