//! What can go wrong with a campaign, and the sentence each becomes.

use kernel::problem::{CONFLICT, Kind};
use kernel::{FieldError, Problem};

use crate::model::Status;

/// The campaign is not in a state in which this can be done.
pub const CAMPAIGN_STATE: Kind =
    Kind::new("campaign-state", 409, "The campaign is not in the right state for that");
/// Registration is not open, or not to this member.
pub const REGISTRATION: Kind = Kind::new("registration-refused", 409, "Registration is not possible");
/// There is nothing to claim, or not now.
pub const CLAIM: Kind = Kind::new("claim-refused", 409, "There is nothing to claim");

/// What can go wrong with a campaign.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such campaign in this guild.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The settings, or a bundle's, are wrong.
    #[error("{} fields are wrong", .0.len())]
    Invalid(Vec<FieldError>),
    /// Not possible in this state.
    #[error("{action} is not possible while the campaign is {status}: {why}")]
    State {
        /// What was asked.
        action: &'static str,
        /// The campaign's status.
        status: Status,
        /// What to do instead.
        why: &'static str,
    },
    /// Registration is refused.
    #[error("{0}")]
    Registration(String),
    /// A claim is refused.
    #[error("{0}")]
    Claim(&'static str),
    /// The ledger refused.
    #[error(transparent)]
    Ledger(#[from] economy::LedgerError),
    /// A member could not be read.
    #[error(transparent)]
    People(#[from] people::Error),
    /// The journal of XP refused.
    #[error(transparent)]
    Progress(#[from] progress::Error),
    /// A squad could not be read.
    #[error(transparent)]
    Squad(#[from] squads::Error),
    /// A challenge's rules refused.
    #[error(transparent)]
    Challenge(#[from] challenges::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(fields) => Self::fields(fields),
            Error::State { .. } => Self::new(CAMPAIGN_STATE, error.to_string()),
            Error::Registration(why) => Self::new(REGISTRATION, why),
            Error::Claim(why) => Self::new(CLAIM, why),
            Error::Ledger(e) => e.into(),
            Error::People(e) => e.into(),
            Error::Progress(e) => e.into(),
            Error::Squad(e) => e.into(),
            Error::Challenge(e) => e.into(),
            Error::Database(e) => constraint_problem(&e).unwrap_or_else(|| e.into()),
        }
    }
}

/// The sentence for a violated constraint of this schema.
fn constraint_problem(error: &sqlx::Error) -> Option<Problem> {
    let sentence = match error.as_database_error()?.constraint()? {
        "ck_campaigns_transition" => "The campaign has just moved on; look at it again.",
        "ck_campaign_timers_not_expired" => "The campaign has expired; nothing more can be scheduled for it.",
        "uq_campaign_timers_active" => "Such a timer is pending already.",
        _ => return None,
    };
    Some(Problem::new(CONFLICT, sentence))
}
