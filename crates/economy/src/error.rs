//! What can go wrong with money.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::{Bytes, Problem, UserId, problem};

use crate::model::Kind;

/// A payment would take more than its giver has.
pub const INSUFFICIENT_FUNDS: problem::Kind =
    problem::Kind::new("insufficient-funds", 409, "There are not enough bytes for that");
/// The giver must wait before the next transfer.
pub const TRANSFER_COOLDOWN: problem::Kind =
    problem::Kind::new("transfer-cooldown", 429, "Too soon after the last transfer");
/// The guild does not play with bytes.
pub const ECONOMY_DISABLED: problem::Kind =
    problem::Kind::new("economy-disabled", 409, "This guild does not use bytes");

/// This UTC date's bytes are claimed already.
pub const DAILY_ALREADY_CLAIMED: problem::Kind =
    problem::Kind::new("daily-already-claimed", 409, "Today's bytes are claimed already");

/// Kinds of problem that this slice adds.
pub const PROBLEMS: &[problem::Kind] =
    &[INSUFFICIENT_FUNDS, TRANSFER_COOLDOWN, ECONOMY_DISABLED, DAILY_ALREADY_CLAIMED];

/// Why a batch of postings was refused. Nothing of it was written; unless the database failed, the caller's transaction
/// can go on.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The giver has less than they would pay.
    #[error("this takes {needed} bytes, and member {user} has {balance}")]
    InsufficientFunds {
        /// Who would pay.
        user: UserId,
        /// What they have when their turn comes.
        balance: Bytes,
        /// What they would pay.
        needed: Bytes,
    },
    /// The receiver would have more than can be counted exactly.
    #[error("member {user} would have more than 9007199254740991 bytes")]
    Overflow {
        /// Who would receive it.
        user: UserId,
    },
    /// The amount is not one that can be paid.
    #[error("an amount of bytes must be between 1 and 9007199254740991, not {0}")]
    Amount(Bytes),
    /// Giver and receiver are the same.
    #[error("nobody can pay themselves")]
    SelfPayment,
    /// The kind does not go between these two.
    #[error("a payment of kind {0} does not go that way between members and the house")]
    Direction(Kind),
    /// The database failed: this transaction is over.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::InsufficientFunds { .. } => Self::new(INSUFFICIENT_FUNDS, sentence(&error)),
            LedgerError::Overflow { .. } => Self::conflict(sentence(&error)),
            LedgerError::Amount(_) => Self::field("amount", "must be between 1 and 9007199254740991"),
            LedgerError::SelfPayment => Self::field("receiver_id", "must be somebody else than the giver"),
            LedgerError::Direction(_) => Self::internal(&error),
            LedgerError::Database(error) => error.into(),
        }
    }
}

/// Why an operation of the economy was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be posted.
    #[error(transparent)]
    Ledger(LedgerError),
    /// The guild does not play with bytes.
    #[error("bytes are switched off in this guild")]
    Disabled,
    /// The guild has no such member, or they left.
    #[error("there is no member {0} in this guild")]
    UnknownMember(UserId),
    /// Bots have no bytes.
    #[error("bots neither pay nor are paid")]
    Bot,
    /// More than a single transfer may move.
    #[error("a transfer moves at most {0} bytes")]
    TooMuch(i32),
    /// The giver must wait this long.
    #[error("you can transfer again in {}", human(*.0))]
    Cooldown(Duration),
    /// Today's bytes are claimed; when, and how far off, the next claim is possible.
    #[error("today's bytes are claimed; you can claim again at {}, in {}", next.format("%Y-%m-%d %H:%M UTC"), human(*wait))]
    DailyClaimed {
        /// Midnight, UTC.
        next: DateTime<Utc>,
        /// From now until then.
        wait: Duration,
    },
    /// The guild pays no daily bytes, or not by this occasion.
    #[error("this guild pays no daily bytes that way")]
    NoDaily,
    /// There is no report of that day: it is not over, or the guild had no economy by then.
    #[error("there is no report of {0}")]
    NoReport(chrono::NaiveDate),
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Field(&'static str, String),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// A batch failed and what its commit did is not known.
    #[error("the database connection was lost")]
    ConnectionLost,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Database(error) => Self::Database(error),
            other => Self::Ledger(other),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Ledger(error) => error.into(),
            Error::Disabled => Self::new(ECONOMY_DISABLED, sentence(&error)),
            Error::UnknownMember(_) => Self::not_found("member"),
            Error::NoReport(_) => Self::not_found("report"),
            Error::Bot | Error::NoDaily => Self::conflict(sentence(&error)),
            Error::TooMuch(max) => Self::field("amount", format!("must be at most {max}")),
            Error::Cooldown(wait) => Self::new(TRANSFER_COOLDOWN, sentence(&error)).retry_after(wait),
            Error::DailyClaimed { wait, .. } => {
                Self::new(DAILY_ALREADY_CLAIMED, sentence(&error)).retry_after(wait)
            }
            Error::Field(field, message) => Self::field(field, message),
            Error::Stopping => {
                Self::new(problem::UNAVAILABLE, "The service is restarting; nothing was paid. Send it again in a moment.")
                    .retry_after(Duration::from_secs(1))
            }
            Error::ConnectionLost => Self::new(
                problem::UNAVAILABLE,
                "The database went away in the middle, so that it may have been paid or not. Send it again with the same \
                 Idempotency-Key, or look at the history first.",
            )
            .retry_after(Duration::from_secs(1)),
            Error::Database(error) => error.into(),
        }
    }
}

/// The error as a sentence: a capital first, a full stop last.
fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

/// A span in the two largest units that matter: "3 h 20 min", "45 s".
fn human(span: Duration) -> String {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_sentences() {
        let refusal = LedgerError::InsufficientFunds {
            user: UserId::new(7),
            balance: Bytes::new(3),
            needed: Bytes::new(10),
        };
        let problem = Problem::from(refusal);
        assert_eq!((problem.slug(), problem.status()), ("insufficient-funds", 409));
        assert_eq!(problem.detail(), "This takes 10 bytes, and member 7 has 3.");
        let problem = Problem::from(Error::Cooldown(Duration::from_secs(3 * 3600 + 61)));
        assert_eq!((problem.status(), problem.detail()), (429, "You can transfer again in 3 h 1 min."));
    }
}
