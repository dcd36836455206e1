//! What can go wrong with money.

use kernel::{Bytes, Problem, UserId, problem};

use crate::model::Kind;

/// A payment would take more than its giver has.
pub const INSUFFICIENT_FUNDS: problem::Kind =
    problem::Kind::new("insufficient-funds", 409, "There are not enough bytes for that");

/// Why a batch of postings was refused. Nothing of it was written, and the transaction can go on.
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
            LedgerError::Amount(_) => {
                Self::field("amount", "must be a whole number between 1 and 9007199254740991")
            }
            LedgerError::SelfPayment => Self::invalid(sentence(&error)),
            LedgerError::Direction(_) => Self::internal(&error),
            LedgerError::Database(error) => error.into(),
        }
    }
}

/// The error as a sentence: a capital first, a full stop last.
fn sentence(error: &LedgerError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
