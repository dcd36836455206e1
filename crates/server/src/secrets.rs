//! The key that seals the secrets in the database: that it is the one that all nodes have.

use access::vault::{self, KeyError};
use access::{By, Origin, Vault};
use delivery::ForeignSecret;
use serde::Serialize;
use sqlx::{Acquire as _, PgConnection, PgPool};

/// What this node's key does not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Webhooks that have to be given a new secret: nothing reaches them until then.
    pub webhooks: Vec<ForeignSecret>,
    /// Keys by which guilds sign credentials: nothing is issued there until they make another.
    pub issuer_keys: Vec<credentials::KeyForeign>,
    /// People signed in by Discord whose roles are no longer followed until they sign in again.
    pub discord_leaves: i64,
}

/// Whether this node's key is the one that the others have; the first node of a database has its key noted.
///
/// # Errors
///
/// [`KeyError::Another`] when it is not: whoever went on would seal what the others cannot read.
pub async fn key_ensure(conn: &mut PgConnection, vault: &Vault) -> Result<(), KeyError> {
    if vault::key_agreed(conn, vault).await? {
        return Ok(());
    }
    let mut heads = vault::discord_leave_heads(conn).await?;
    heads.extend(delivery::secret_heads(conn).await?);
    heads.extend(credentials::key_heads(conn).await?);
    vault::key_note(conn, vault, &heads).await
}

/// The same at a node's start, where a key that cannot be made keeps nobody from starting: a node that never has a secret
/// to seal needs none.
///
/// # Errors
///
/// As of [`key_ensure`].
pub(crate) async fn key_at_start(pool: &PgPool, vault: &Vault) -> Result<(), KeyError> {
    let mut conn = db::acquire(pool).await?;
    match key_ensure(&mut conn, vault).await {
        Err(KeyError::Vault(error)) if !vault.has_keys() => {
            tracing::warn!(%error, "there is no key to seal secrets with: webhooks cannot be made here");
            Ok(())
        }
        outcome => outcome,
    }
}

/// What would be lost if this node's key were taken for that of the installation.
///
/// # Errors
///
/// The database failed, or the key cannot be read.
pub async fn key_unreadable(conn: &mut PgConnection, vault: &Vault) -> Result<Unreadable, KeyError> {
    Ok(Unreadable {
        webhooks: delivery::secrets_foreign(conn, vault).await?,
        issuer_keys: credentials::keys_foreign(conn, vault).await?,
        discord_leaves: vault::discord_leaves_foreign(conn, vault).await?,
    })
}

/// Takes this node's key for that of the installation, the one before being lost; tells what is lost with it.
///
/// # Errors
///
/// The database failed, or the key can be neither read nor made.
pub async fn key_adopt(
    conn: &mut PgConnection,
    vault: &Vault,
    by: By<'_>,
    origin: &Origin,
) -> Result<Unreadable, KeyError> {
    let mut tx = conn.begin().await?;
    let unreadable = key_unreadable(&mut tx, vault).await?;
    delivery::previous_secrets_forget(&mut tx, vault).await?;
    vault::key_adopt(&mut tx, vault, by, origin).await?;
    tx.commit().await?;
    Ok(unreadable)
}
