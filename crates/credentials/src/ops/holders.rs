//! What was issued: for who holds it, and for who looks after it.

use access::Author;
use access::author::Deed;
use jobs::outbox;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde_json::json;
use sqlx::PgPool;

use super::{Issuing, issue};
use crate::error::Error;
use crate::ids::CredentialId;
use crate::model::Credential;
use crate::rules::picture;
use crate::store::{self, Filter};

/// Why a credential is revoked in whose place another was issued.
const REPLACED: &str = "Issued anew under another name";

/// A page of the guild's credentials, the latest first.
#[kernel::boxed]
pub async fn credential_list(
    pool: &PgPool,
    guild: GuildId,
    filter: Filter,
    page: &PageQuery,
) -> Result<Page<Credential>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let rows = store::credential_list(&mut *db::acquire(pool).await?, guild, filter, after, limit).await?;
    Ok(Page::new(rows, limit, |one| (one.issued_at, one.id)))
}

/// A credential of a member's.
pub async fn credential_mine(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    credential: CredentialId,
) -> Result<Credential, Error> {
    store::credential_get(&mut *db::acquire(pool).await?, guild, credential, Some(user)).await
}

/// The signed document of a member's credential.
pub async fn credential_document(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    credential: CredentialId,
) -> Result<String, Error> {
    Ok(store::document_get(&mut *db::acquire(pool).await?, guild, credential, user).await?.0)
}

/// The badge's picture with a member's credential baked in.
pub async fn credential_baked(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    credential: CredentialId,
) -> Result<Vec<u8>, Error> {
    let (jwt, image) = store::document_get(&mut *db::acquire(pool).await?, guild, credential, user).await?;
    let image = image.ok_or(Error::NotFound("picture"))?;
    // It was checked when it was stored.
    picture::bake(&image, &jwt).map_err(|_| Error::NotFound("picture"))
}

/// Issues a member's credential anew, under what they are called now and by the key that signs now; the one before is revoked. Where
/// nothing would be different, it stays.
#[kernel::boxed]
pub async fn credential_reissue(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    guild: GuildId,
    user: UserId,
    credential: CredentialId,
) -> Result<Credential, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let lock = store::issuer_lock(&mut tx, guild).await?;
        let old = store::credential_get(&mut tx, guild, credential, Some(user)).await?;
        if old.revoked_at.is_some() {
            return Err(Error::Revoked);
        }
        let earned = store::earned(&mut tx, &lock, Some(&[user.get()]), Some(old.badge_id), false, 1).await?;
        let mut earned = earned.into_iter().next().ok_or(Error::NotEarned)?;
        if earned.holder_name == old.holder_name {
            return Ok(old);
        }
        earned.earned_at = old.earned_at;
        store::credential_revoke(&mut tx, &lock, credential, REPLACED).await?;
        let issued = issue::issue(&mut tx, issuing, &lock, &[earned], Some(credential)).await?;
        let new = *issued.first().ok_or(Error::NotEarned)?;
        let new = store::credential_get(&mut tx, guild, new, Some(user)).await?;
        tx.commit().await?;
        Ok(new)
    })
    .await
}

/// Revokes a credential, for good; its holder is told why. Audited.
#[kernel::boxed]
pub async fn credential_revoke(
    pool: &PgPool,
    guild: GuildId,
    credential: CredentialId,
    reason: &str,
    author: Author<'_>,
) -> Result<Credential, Error> {
    let reason = reason.trim();
    if !(1..=500).contains(&reason.chars().count()) || reason.contains('\0') {
        return Err(Error::Field("reason", "must be 1 to 500 characters".to_owned()));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let lock = store::issuer_lock(&mut tx, guild).await?;
        let before = store::credential_get(&mut tx, guild, credential, None).await?;
        store::credential_revoke(&mut tx, &lock, credential, reason).await?;
        let after = store::credential_get(&mut tx, guild, credential, None).await?;
        let event = outbox::Event {
            guild_id: guild,
            event_type: "credential.revoked",
            subject: format!("credentials/{credential}"),
            correlation_id: None,
            user_id: Some(after.user_id),
            payload: json!({ "user_id": after.user_id, "credential_id": credential, "badge_id": after.badge_id,
                             "name": after.badge, "reason": reason }),
        };
        outbox::emit(&mut tx, &[event]).await?;
        let deed = Deed::new("REVOKE", "credentials.credentials", credential.to_string());
        deed.before(&before).after(&after).because(Some(reason)).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}
