//! What an API key is, as it is shown and made, and why one could not be.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, GuildId, Problem, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scope::Scopes;

/// An API key, without what it takes to use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct Key {
    /// Identifier.
    pub id: ApiKeyId,
    /// The key's first characters, by which people recognise it.
    #[schema(example = "qh_4Zt9")]
    pub prefix: String,
    /// What the key is for.
    pub name: String,
    /// The guild it is confined to; null serves every guild.
    pub guild_id: Option<GuildId>,
    /// The member it always acts as; null acts for whom `Questhall-User` names.
    pub user_id: Option<UserId>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// From when it is refused; null for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute; seconds behind.
    pub last_used: Option<DateTime<Utc>>,
    /// False once revoked.
    pub is_active: bool,
    /// Until when the secret before the last rotation is good beside the new one; null where it was refused at once.
    pub previous_until: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who made it: `key:<id>`, `user:<id>` or `cli`.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A key that was revoked, and what went with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RevokedApiKey)]
pub struct Revoked {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The keys that it had made, and those that these had, which were revoked with it just now.
    pub also_revoked: Vec<Key>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for: 1 to 100 characters.
    pub name: String,
    /// The guild to confine it to.
    pub guild: Option<GuildId>,
    /// The member it shall act as; needs a guild.
    pub user: Option<UserId>,
    /// What it may do.
    pub scopes: Scopes,
    /// From when it is refused; in the future.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a key could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No such key, or none in the guild.
    #[error("there is no such API key")]
    NotFound,
    /// The key was revoked; it stays so.
    #[error("the API key has been revoked; make a new one")]
    Revoked,
    /// A field of the new key is wrong.
    #[error("`{field}` {message}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        message: Cow<'static, str>,
    },
    /// The system gave no random bytes.
    #[error("no random bytes")]
    Chance(#[from] rand::rngs::SysError),
    /// The database refused or failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for KeyError {
    fn from(error: sqlx::Error) -> Self {
        let (field, message) = match db::constraint(&error) {
            Some("ck_api_keys_name") => ("name", "must have 1 to 100 characters"),
            Some("ck_api_keys_scopes") => ("scopes", "must name at most 64 scopes"),
            Some("ck_api_keys_member_has_guild") => ("user_id", "needs a guild_id: members are of a guild"),
            Some("ck_api_keys_expires_at") => ("expires_at", "must be in the future"),
            _ => return Self::Database(error),
        };
        Self::Invalid { field, message: message.into() }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => Self::not_found("API key"),
            KeyError::Revoked => {
                Self::conflict("This API key has been revoked and stays so; make a new one.")
            }
            KeyError::Invalid { field, message } => Self::field(field, message),
            KeyError::Chance(error) => Self::internal(&error),
            KeyError::Database(error) => error.into(),
        }
    }
}
