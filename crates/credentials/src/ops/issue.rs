//! Issuing: what was earned, once, under the guild's lock; and the keys by which it is signed.

use access::Author;
use access::author::Deed;
use chrono::TimeDelta;
use jobs::outbox;
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Issuing;
use crate::error::Error;
use crate::ids::{BadgeId, CredentialId, IssuerKeyId};
use crate::model::{Algorithm, Credential, IssuerKey};
use crate::rules::document::{self, Achieved, Addresses, Certified};
use crate::rules::keys;
use crate::store::{self, Earned, IssuerLock, NewCredential, StoredKey};

/// Credentials that one transaction issues at most.
const AT_ONCE: i64 = 500;

/// The key that the guild signs with now; made, if it has none.
async fn key_ensure(
    conn: &mut PgConnection,
    issuing: &Issuing<'_>,
    lock: &IssuerLock,
) -> Result<(StoredKey, Vec<u8>), Error> {
    if let Some(key) = store::key_current(&mut *conn, lock.guild).await? {
        return Ok(key);
    }
    key_make(&mut *conn, issuing, lock, Algorithm::Es256).await?;
    store::key_current(conn, lock.guild).await?.ok_or(Error::Key)
}

async fn key_make(
    conn: &mut PgConnection,
    issuing: &Issuing<'_>,
    lock: &IssuerLock,
    algorithm: Algorithm,
) -> Result<IssuerKeyId, Error> {
    let id = IssuerKeyId::new(Uuid::now_v7());
    let made = keys::make(algorithm)?;
    let sealed = store::key_seal(issuing.vault, lock.guild, id, &made)?;
    store::key_insert(conn, lock, id, algorithm, &made.public, &sealed).await?;
    Ok(id)
}

/// Signs and stores credentials for what was earned, and tells their holders. `replaces` are those they stand in for, by place.
#[kernel::boxed]
pub(super) async fn issue(
    conn: &mut PgConnection,
    issuing: &Issuing<'_>,
    lock: &IssuerLock,
    earned: &[Earned],
    replaces: Option<CredentialId>,
) -> Result<Vec<CredentialId>, Error> {
    if earned.is_empty() {
        return Ok(Vec::new());
    }
    let addresses: Addresses = issuing.addresses(lock.guild)?;
    let key = key_ensure(&mut *conn, issuing, lock).await?;
    let signer = store::key_open(issuing.vault, lock.guild, &key, addresses.key(key.0.id))?;
    let mut next = lock.next;
    let mut new = Vec::with_capacity(earned.len());
    for of in earned {
        let id = CredentialId::new(Uuid::new_v4());
        let valid_until = of.valid_days.map(|days| lock.now + TimeDelta::days(days.into()));
        let subject = document::subject(lock.guild, of.person);
        let claims = document::credential(
            &addresses,
            &Certified {
                id,
                status_index: next,
                issuer_name: &lock.name,
                subject: &subject,
                holder_name: &of.holder_name,
                achieved: Achieved {
                    badge: of.badge,
                    name: &of.name,
                    description: &of.description,
                    criteria: &of.criteria,
                    has_image: of.has_image,
                },
                earned_at: of.earned_at,
                issued_at: lock.now,
                valid_until,
            },
        );
        let jwt = signer.sign(&claims)?;
        new.push(NewCredential { id, of, status_index: next, jwt, issued_at: lock.now, valid_until });
        next = next.checked_add(1).ok_or(Error::Key)?;
    }
    store::credentials_insert(&mut *conn, lock, key.0.id, &new).await?;
    store::next_index_put(&mut *conn, lock, next).await?;
    let told: Vec<outbox::Event> = new
        .iter()
        .map(|one| {
            let mut payload = json!({ "user_id": one.of.user, "credential_id": one.id, "badge_id": one.of.badge, "name": one.of.name });
            if let Some(replaces) = replaces {
                payload["replaces"] = json!(replaces);
            }
            outbox::Event {
                guild_id: lock.guild,
                event_type: "credential.issued",
                subject: format!("credentials/{}", one.id),
                correlation_id: None,
                user_id: Some(one.of.user),
                payload,
            }
        })
        .collect();
    outbox::emit(conn, &told).await?;
    Ok(new.into_iter().map(|one| one.id).collect())
}

/// Issues what these members of a guild earned, or all members, and was never issued, in the caller's transaction; at most 500 of it.
/// Tells how many that were.
pub async fn issue_earned(
    conn: &mut PgConnection,
    issuing: &Issuing<'_>,
    guild: GuildId,
    users: Option<&[i64]>,
) -> Result<usize, Error> {
    issuing.addresses(guild)?;
    let lock = store::issuer_lock(&mut *conn, guild).await?;
    let earned = store::earned(&mut *conn, &lock, users, None, true, AT_ONCE).await?;
    Ok(issue(conn, issuing, &lock, &earned, None).await?.len())
}

/// Issues in every guild what was earned and never issued; each batch is a transaction. A guild in which it fails keeps no other from
/// its credentials. Tells how many were issued.
pub async fn issue_missing(pool: &PgPool, issuing: &Issuing<'_>) -> Result<usize, Error> {
    if issuing.public_url.is_none() {
        return Ok(0);
    }
    let guilds = store::guilds_badged(&mut *db::acquire(pool).await?).await?;
    let (mut issued, mut failed) = (0, None);
    for guild in guilds {
        if !store::is_behind(&mut *db::acquire(pool).await?, guild).await? {
            continue;
        }
        loop {
            let done = db::retry(|| async {
                let mut tx = db::begin(pool).await?;
                let done = issue_earned(&mut tx, issuing, guild, None).await?;
                tx.commit().await?;
                Ok::<_, Error>(done)
            })
            .await;
            match done {
                Ok(0) => break,
                Ok(done) => issued += done,
                Err(error) => {
                    tracing::error!(%error, %guild, "what was earned cannot be signed for now");
                    failed = Some(error);
                    break;
                }
            }
        }
    }
    failed.map_or(Ok(issued), Err)
}

/// Issues a credential by hand: to whoever earned it and holds none, such as after a revocation by mistake. Audited.
#[kernel::boxed]
pub async fn credential_issue(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    guild: GuildId,
    (badge, user): (BadgeId, UserId),
    author: Author<'_>,
) -> Result<Credential, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let known = store::badge_get(&mut tx, guild, badge).await?.ok_or(Error::NotFound("badge"))?;
        if !known.is_active {
            return Err(Error::Retired);
        }
        let lock = store::issuer_lock(&mut tx, guild).await?;
        if store::held_live(&mut tx, &lock, badge, user).await? {
            return Err(Error::HasOne);
        }
        let earned = store::earned(&mut tx, &lock, Some(&[user.get()]), Some(badge), false, 1).await?;
        let issued = issue(&mut tx, issuing, &lock, &earned, None).await?;
        let id = *issued.first().ok_or(Error::NotEarned)?;
        let credential = store::credential_get(&mut tx, guild, id, None).await?;
        let deed = Deed::new("CREATE", "credentials.credentials", id.to_string()).after(&credential);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(credential)
    })
    .await
}

fn shown(key: &StoredKey) -> IssuerKey {
    IssuerKey { id: key.id, algorithm: key.algorithm, retired_at: key.retired_at, created_at: key.created_at }
}

/// The guild's keys, the newest first.
pub async fn key_list(pool: &PgPool, guild: GuildId) -> Result<Vec<IssuerKey>, Error> {
    let keys = store::keys_public(&mut *db::acquire(pool).await?, guild).await?;
    Ok(keys.iter().map(shown).collect())
}

/// Makes a key in place of the one that signs now, whose private half is destroyed. What it signed stays valid. Audited.
#[kernel::boxed]
pub async fn key_rotate(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    guild: GuildId,
    algorithm: Algorithm,
    author: Author<'_>,
) -> Result<IssuerKey, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let lock = store::issuer_lock(&mut tx, guild).await?;
        store::key_retire(&mut tx, &lock).await?;
        let id = key_make(&mut tx, issuing, &lock, algorithm).await?;
        let made = store::keys_public(&mut tx, guild).await?.into_iter().find(|key| key.id == id);
        let made = shown(&made.ok_or(Error::Key)?);
        let deed = Deed::new("CREATE", "credentials.issuer_keys", id.to_string()).after(&made);
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}
