//! What can go wrong with webhooks.

use kernel::problem::Kind;
use kernel::{Problem, WebhookId};

/// The guild has as many webhooks as it may.
pub const WEBHOOK_LIMIT: Kind = Kind::new("webhook-limit", 409, "The guild has as many webhooks as it may");

/// Why an operation on webhooks was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The guild has no such webhook.
    #[error("there is no webhook {0} in this guild")]
    UnknownWebhook(WebhookId),
    /// The guild has as many as it may.
    #[error("a guild may have at most {0} webhooks here")]
    Limit(u32),
    /// A field is wrong: its name, and a message that follows it.
    #[error("`{0}` {1}")]
    Field(String, String),
    /// The machine has no randomness to give.
    #[error("no secret could be made")]
    Randomness(#[from] rand::rngs::SysError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownWebhook(_) => Self::not_found("webhook"),
            Error::Limit(max) => Self::new(
                WEBHOOK_LIMIT,
                format!("A guild may have at most {max} webhooks here; remove one that is no longer needed."),
            ),
            Error::Field(field, message) => Self::field(field, message),
            Error::Randomness(error) => Self::internal(&error),
            Error::Database(error) => error.into(),
        }
    }
}
