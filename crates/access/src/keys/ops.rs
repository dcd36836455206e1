//! What the command line and the API do with keys. Each takes a transaction's connection: a change and its entry in the
//! audit log commit together. `origin` is where the request came from; the command line gives the default.

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use kernel::{ApiKeyId, GuildId, Limit, Page};
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Key, KeyError, NewKey, Revoked};
use super::policy::{KeyPolicy, MAX_GRACE_MINUTES};
use super::store;
use super::token::{self, PlainKey};
use crate::actor::{Actor, Bearer, By, Origin};
use crate::audit::{self, AuditEntry};
use crate::settings::settings_read;

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
#[kernel::boxed]
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
#[kernel::boxed]
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
