//! What can go wrong with credentials.

use access::VaultError;
use kernel::problem::Kind;
use kernel::{FieldError, Problem};

/// The installation does not know how it is reached from outside, so that nothing it signs could be verified.
pub const NO_ADDRESS: Kind =
    Kind::new("no-public-address", 409, "This installation does not know how it is reached from outside");
/// Nothing has been earned for which the credential could be issued.
pub const NOT_EARNED: Kind = Kind::new("not-earned", 409, "That has not been earned");
/// It is revoked.
pub const REVOKED: Kind = Kind::new("credential-revoked", 409, "The credential is revoked");

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such thing: a noun.
    #[error("there is no such {0} in this guild")]
    NotFound(&'static str),
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Field(&'static str, String),
    /// Another badge has it already.
    #[error("{0}")]
    Taken(&'static str),
    /// There is no public address to sign for.
    #[error("set http.public_url: credentials name the address at which they are verified")]
    NoAddress,
    /// The member has not earned what the badge is for.
    #[error("this member has not earned what the badge is for")]
    NotEarned,
    /// The member has a valid one already.
    #[error("this member has a valid credential for this badge already")]
    HasOne,
    /// The badge is not issued any more.
    #[error("this badge is not issued any more")]
    Retired,
    /// The credential is revoked.
    #[error("this credential is revoked")]
    Revoked,
    /// A key cannot be made, sealed, opened or used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A stored key is no key.
    #[error("the issuer's key cannot be used")]
    Key,
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match db::constraint(&error) {
            Some("uq_badges_guild_id_name") => Self::Taken("another badge bears this name"),
            Some("uq_badges_learning_path_id") => Self::Taken("another badge is for this path"),
            Some("uq_badges_achievement_id") => Self::Taken("another badge is for this achievement"),
            Some("fk_badges_learning_path_id_learning_paths") => Self::NotFound("path"),
            Some("fk_badges_achievement_id_achievement_templates") => Self::NotFound("achievement"),
            Some("uq_credentials_holder") => Self::HasOne,
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(what) => Self::not_found(what),
            Error::Field(field, message) => {
                Self::fields(vec![FieldError { field: field.to_owned(), message }])
            }
            Error::NoAddress => Self::new(
                NO_ADDRESS,
                "Whoever runs this installation has to set `http.public_url`: credentials name the address at which they are verified.",
            ),
            Error::NotEarned => Self::new(NOT_EARNED, "This member has not earned what the badge is for."),
            Error::Revoked => Self::new(REVOKED, "This credential is revoked."),
            Error::Taken(why) => Self::conflict(sentence(why)),
            Error::HasOne | Error::Retired => Self::conflict(sentence(&error.to_string())),
            Error::Vault(error) => error.into(),
            Error::Key => Self::internal(&error),
            Error::Database(error) => error.into(),
        }
    }
}

/// As a sentence: a capital first, a full stop last.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
