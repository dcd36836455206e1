//! What anybody may know, without signing in: who issues, by which keys, what for, and how a credential stands.

use kernel::GuildId;
use serde_json::Value;
use sqlx::PgPool;

use super::Issuing;
use crate::error::Error;
use crate::ids::{BadgeId, CredentialId, IssuerKeyId};
use crate::model::{Jwk, Jwks, Profile, Standing, Verification};
use crate::rules::document::{self, Achieved, Addresses};
use crate::rules::{keys, status_list as lists};
use crate::store;

/// Where there is no address nothing was ever signed.
fn addresses(issuing: &Issuing<'_>, guild: GuildId) -> Result<Addresses, Error> {
    issuing.addresses(guild).map_err(|_| Error::NotFound("issuer"))
}

/// Who issues.
pub async fn profile(pool: &PgPool, issuing: &Issuing<'_>, guild: GuildId) -> Result<Profile, Error> {
    let addresses = addresses(issuing, guild)?;
    let name =
        store::guild_name(&mut *db::acquire(pool).await?, guild).await?.ok_or(Error::NotFound("issuer"))?;
    Ok(document::profile(&addresses, &name))
}

/// All public keys of a guild, those that were replaced too. A guild that is unknown has none.
pub async fn jwks(pool: &PgPool, issuing: &Issuing<'_>, guild: GuildId) -> Result<Jwks, Error> {
    let addresses = addresses(issuing, guild)?;
    let stored = store::keys_public(&mut *db::acquire(pool).await?, guild).await?;
    let keys = stored.into_iter().map(|key| keys::jwk(key.algorithm, &key.public, addresses.key(key.id)));
    Ok(Jwks { keys: keys.collect() })
}

/// A public key.
pub async fn jwk(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    guild: GuildId,
    key: IssuerKeyId,
) -> Result<Jwk, Error> {
    let address = addresses(issuing, guild)?.key(key);
    let all = jwks(pool, issuing, guild).await?;
    all.keys.into_iter().find(|one| one.kid == address).ok_or(Error::NotFound("key"))
}

/// A badge as an Open Badges Achievement.
pub async fn achievement(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    guild: GuildId,
    badge: BadgeId,
) -> Result<Value, Error> {
    let addresses = addresses(issuing, guild)?;
    let badge = super::badge_get(pool, guild, badge).await?;
    let of = Achieved {
        badge: badge.id,
        name: &badge.name,
        description: &badge.description,
        criteria: &badge.criteria,
        has_image: badge.has_image,
    };
    Ok(document::achievement(&addresses, &of))
}

/// A badge's picture.
pub async fn achievement_image(pool: &PgPool, guild: GuildId, badge: BadgeId) -> Result<Vec<u8>, Error> {
    let image = store::badge_image(&mut *db::acquire(pool).await?, guild, badge).await?;
    image.ok_or(Error::NotFound("picture"))
}

/// A revocation list, signed by the key that the guild signs with now.
pub async fn status_list(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    guild: GuildId,
    list: i32,
) -> Result<String, Error> {
    let unknown = || Error::NotFound("revocation list");
    let addresses = addresses(issuing, guild)?;
    let range = lists::range(list).ok_or_else(unknown)?;
    let mut conn = db::acquire(pool).await?;
    let (next, now) = store::issuer_find(&mut conn, guild).await?.ok_or_else(unknown)?;
    if range.0 > next.saturating_sub(1).max(0) {
        return Err(unknown());
    }
    let key = store::key_current(&mut conn, guild).await?.ok_or_else(unknown)?;
    let revoked = store::revoked_places(&mut conn, guild, range).await?;
    let signer = store::key_open(issuing.vault, guild, &key, addresses.key(key.0.id))?;
    signer.sign(&document::list(&addresses, list, &revoked, now))
}

/// How a credential stands. Of one that is unknown, that alone is told, whatever the guild.
#[kernel::boxed]
pub async fn verification(
    pool: &PgPool,
    guild: GuildId,
    credential: CredentialId,
) -> Result<Verification, Error> {
    let known = store::standing_get(&mut *db::acquire(pool).await?, guild, credential).await?;
    let Some(known) = known else {
        return Ok(Verification {
            standing: Standing::Unknown,
            issuer: None,
            badge: None,
            holder_name: None,
            issued_at: None,
            valid_until: None,
            revoked_at: None,
        });
    };
    // Whose name it was is nobody's business any more once it is revoked.
    let revoked = known.standing == Standing::Revoked;
    Ok(Verification {
        standing: known.standing,
        issuer: Some(known.issuer),
        badge: known.badge,
        holder_name: known.holder_name.filter(|_| !revoked),
        issued_at: Some(known.issued_at),
        valid_until: known.valid_until,
        revoked_at: known.revoked_at,
    })
}
