//! What the command line and the API do with keys. Each takes a transaction's connection: a change and its entry in the
//! audit log commit together. `origin` is where the request came from; the command line gives the default.

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use kernel::{ApiKeyId, GuildId, Limit, Page, Problem, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::policy::{KeyPolicy, MAX_GRACE_MINUTES};
use super::store;
use super::token::{self, PlainKey};
use crate::actor::{Actor, Bearer, By, Origin};
use crate::audit::{self, AuditEntry};
use crate::scope::Scopes;
use crate::settings::settings_read;

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

/// Who makes a key, so that it can be found when they go: a key by itself, also where it acts as a member.
fn maker(by: By<'_>) -> String {
    match by {
        By::Key(actor) => actor.sender(),
        _ => by.changed_by(),
    }
}

/// When a new key ends: as asked, but no later than the key that makes it. Locks that one, so that it is not revoked meanwhile.
async fn within_makers_life(
    conn: &mut PgConnection,
    by: By<'_>,
    asked: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>, KeyError> {
    let By::Key(Actor { bearer: Bearer::Key { id, .. }, .. }) = by else { return Ok(asked) };
    let maker = key_get(conn, None, *id).await?;
    if !maker.is_active {
        return Err(KeyError::Revoked);
    }
    match (asked, maker.expires_at) {
        (Some(at), Some(end)) if at > end => Err(KeyError::Invalid {
            field: "expires_at",
            message: format!("must not be after {}, when the key that makes it expires", end.to_rfc3339())
                .into(),
        }),
        (asked, end) => Ok(asked.or(end)),
    }
}

/// Makes a key, which lives no longer than the key that makes it. The plain key is given out here and never again.
pub async fn key_create(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    new: &NewKey,
) -> Result<(Key, PlainKey), KeyError> {
    // Far years are more likely a slip than meant, and PostgreSQL's calendar does not reach all that ours does.
    if new.expires_at.is_some_and(|at| !(1970..=9999).contains(&at.year())) {
        return Err(KeyError::Invalid {
            field: "expires_at",
            message: "must be in the future, before the year 10000".into(),
        });
    }
    let name = kernel::text::name(&new.name, 100).ok_or(KeyError::Invalid {
        field: "name",
        message: "must have 1 to 100 characters that can be seen, none of them a control character".into(),
    })?;
    let expires_at = within_makers_life(conn, by, new.expires_at).await?;
    let policy: KeyPolicy = settings_read(conn, new.guild).await?;
    policy.check_expiry(expires_at, db::now(conn).await?)?;
    let plain = PlainKey::generate()?;
    let row = store::Insert {
        key_hash: &token::hex(&plain.hash()),
        prefix: plain.prefix(),
        name,
        guild_id: new.guild,
        user_id: new.user,
        scopes: new.scopes.names(),
        expires_at,
        created_by: Some(&maker(by)),
    };
    let key = store::insert(conn, &row).await?;
    record(conn, by, origin, "CREATE", None, &key).await?;
    Ok((key, plain))
}

/// Keys, newest first: all of them, or a guild's own. Revoked ones too.
pub async fn key_list(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    after: Option<(DateTime<Utc>, uuid::Uuid)>,
    limit: Limit,
) -> Result<Page<Key>, KeyError> {
    let rows = store::list(conn, guild, after, limit.plus_one()).await?;
    Ok(Page::new(rows, limit, |key| (key.created_at, key.id)))
}

/// One key; `guild` confines the search to the guild's own. Locked until the transaction ends.
pub async fn key_get(conn: &mut PgConnection, guild: Option<GuildId>, id: ApiKeyId) -> Result<Key, KeyError> {
    store::find_for_update(conn, id, guild).await?.ok_or(KeyError::NotFound)
}

/// Revokes a key for good, and those that it made, and those that these made; within a second no node accepts them. Answers which went
/// with it. Revoking it again changes nothing.
pub async fn key_revoke(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    id: ApiKeyId,
) -> Result<Revoked, KeyError> {
    let before = key_get(conn, guild, id).await?;
    let mut also_revoked = Vec::new();
    if before.revoked_at.is_some() {
        return Ok(Revoked { key: before, also_revoked });
    }
    let key = store::revoke(conn, id, &by.changed_by()).await?;
    record(conn, by, origin, "REVOKE", Some(&before), &key).await?;
    // Each holds a lock that its own making of keys waits for: whoever was just making one is found the next time round.
    loop {
        let made = store::made_by(conn, id).await?;
        if made.is_empty() {
            return Ok(Revoked { key, also_revoked });
        }
        for id in made {
            let before = key_get(conn, None, id).await?;
            let after = store::revoke(conn, id, &by.changed_by()).await?;
            record(conn, by, origin, "REVOKE", Some(&before), &after).await?;
            also_revoked.push(after);
        }
    }
}

/// Gives a key a new secret. For the `grace` given, else that of the setting, the old one is good beside it; then, or
/// within a second where there is none, no node accepts it. Name, scopes and expiry stay. A secret that was still in its
/// grace is refused from now on.
pub async fn key_rotate(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    guild: Option<GuildId>,
    id: ApiKeyId,
    grace_minutes: Option<i64>,
) -> Result<(Key, PlainKey), KeyError> {
    let before = key_get(conn, guild, id).await?;
    if !before.is_active {
        return Err(KeyError::Revoked);
    }
    let grace_minutes = match grace_minutes {
        Some(minutes) => minutes,
        None => settings_read::<KeyPolicy>(conn, before.guild_id).await?.rotation_grace_minutes,
    };
    if !(0..=MAX_GRACE_MINUTES).contains(&grace_minutes) {
        return Err(KeyError::Invalid {
            field: "grace_minutes",
            message: format!("must be from 0 to {MAX_GRACE_MINUTES}").into(),
        });
    }
    let plain = PlainKey::generate()?;
    let grace = TimeDelta::minutes(grace_minutes);
    let key = store::replace_secret(conn, id, &token::hex(&plain.hash()), plain.prefix(), grace).await?;
    record(conn, by, origin, "ROTATE", Some(&before), &key).await?;
    Ok((key, plain))
}

async fn record(
    conn: &mut PgConnection,
    by: By<'_>,
    origin: &Origin,
    action: &'static str,
    before: Option<&Key>,
    after: &Key,
) -> Result<(), KeyError> {
    let entry = AuditEntry {
        before: before.map(|key| json!(key)),
        after: Some(json!(after)),
        ..AuditEntry::new(after.guild_id, by, action, "access.api_keys", after.id.to_string()).from(origin)
    };
    audit::record(conn, &entry).await?;
    Ok(())
}
