//! What can go wrong with moderation.

use chrono::{DateTime, Utc};
use kernel::fields::Wrong;
use kernel::{Problem, problem};

/// Somebody else did the same a moment ago, or it is in force already.
pub const CASE_IN_FORCE: problem::Kind =
    problem::Kind::new("case-in-force", 409, "There is such a case already");
/// Who acts may not act upon whom it is about.
pub const OUT_OF_REACH: problem::Kind =
    problem::Kind::new("out-of-reach", 403, "This person is out of your reach");
/// It is too early for another appeal.
pub const APPEAL_TOO_EARLY: problem::Kind =
    problem::Kind::new("appeal-too-early", 409, "It is too early for another appeal");

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such case.
    #[error("there is no such case in this guild")]
    UnknownCase,
    /// The guild has no such rule.
    #[error("there is no such rule in this guild")]
    UnknownRule,
    /// The guild has no such rung.
    #[error("there is no such escalation in this guild")]
    UnknownEscalation,
    /// The guild has no such appeal.
    #[error("there is no such appeal in this guild")]
    UnknownAppeal,
    /// The guild has no such raid.
    #[error("there is no such raid in this guild")]
    UnknownRaid,
    /// The case has no such evidence.
    #[error("this case has no such evidence")]
    UnknownEvidence,
    /// The guild has no such effect that is dead.
    #[error("there is no such effect that failed in this guild")]
    UnknownEffect,
    /// A link of an appeal that opens nothing.
    #[error("this link is not valid, or not any more")]
    UnknownLink,
    /// Somebody did the same a moment ago, or it is in force: the case's number.
    #[error("{by} did that a moment ago: it is case {number}")]
    Duplicate {
        /// The case's number.
        number: i32,
        /// Who made it.
        by: String,
    },
    /// Nothing of the kind is in force.
    #[error("{0}")]
    NothingInForce(&'static str),
    /// Who acts may not act upon whom it is about, or the bot could not.
    #[error("{0}")]
    OutOfReach(String),
    /// The case cannot be changed so.
    #[error("{0}")]
    Closed(&'static str),
    /// It is too early for another appeal.
    #[error("this case may be appealed again from {0}")]
    TooEarly(DateTime<Utc>),
    /// An appeal is open already, or decided.
    #[error("{0}")]
    Appeal(&'static str),
    /// A raid is on already.
    #[error("raid mode is on already")]
    RaidOn,
    /// Another of the name, or of the threshold.
    #[error("{0}")]
    Taken(&'static str),
    /// A field is wrong.
    #[error(transparent)]
    Field(#[from] Wrong),
    /// A field of a nested document is wrong: its path, and a message that follows it.
    #[error("`{0}` {1}")]
    At(String, String),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("uq_automod_rules_guild_name") => Self::Taken("another rule bears this name"),
            Some("uq_warning_escalations_threshold") => {
                Self::Taken("there is an escalation for so many warnings in so many days")
            }
            Some("uq_appeals_open") => Self::Appeal("an appeal against this case is open already"),
            Some("uq_raids_running") => Self::RaidOn,
            Some("ck_appeals_impartial") => Self::Appeal("nobody decides their own appeal"),
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownCase => Self::not_found("case"),
            Error::UnknownRule => Self::not_found("rule"),
            Error::UnknownEscalation => Self::not_found("escalation"),
            Error::UnknownAppeal => Self::not_found("appeal"),
            Error::UnknownRaid => Self::not_found("raid"),
            Error::UnknownEvidence => Self::not_found("evidence"),
            Error::UnknownEffect => Self::not_found("effect that failed"),
            Error::UnknownLink => Self::not_found("appeal by this link"),
            Error::Duplicate { .. } => Self::new(CASE_IN_FORCE, sentence(&error)),
            Error::OutOfReach(_) => Self::new(OUT_OF_REACH, sentence(&error)),
            Error::TooEarly(_) => Self::new(APPEAL_TOO_EARLY, sentence(&error)),
            Error::NothingInForce(_)
            | Error::Closed(_)
            | Error::Appeal(_)
            | Error::RaidOn
            | Error::Taken(_) => Self::conflict(sentence(&error)),
            Error::Field(wrong) => wrong.into(),
            Error::At(path, message) => Self::field(path, message),
            Error::Database(error) => error.into(),
        }
    }
}

/// The error as a sentence: a capital first, a full stop last.
pub(crate) fn sentence(error: &Error) -> String {
    let text = error.to_string();
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
