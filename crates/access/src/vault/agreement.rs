//! Whether this node's key is the one that seals the secrets of its database. The first node that starts on a database notes
//! a text there that its key has sealed; whoever comes later has to be able to open it, or would seal what the others cannot
//! read, and clear away what they have sealed.

use serde_json::json;
use sqlx::PgConnection;

use super::{Vault, VaultError, tell};
use crate::actor::{By, Origin};
use crate::audit::{self, AuditEntry};

const CONTEXT: &str = "access.vault_checks";
const TEXT: &[u8] = b"questhall";

/// Why a node must not work with its database's secrets.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It has another key.
    #[error(
        "the secrets in this database are sealed by the key {theirs}, and this node has {ours}. Set secrets.key \
         (QUESTHALL_SECRETS__KEY) to what the other nodes have, or copy the file secrets.key from the data folder of one \
         of them. If that key is lost for good, `questhall secrets adopt` takes this node's key instead, and tells what \
         is lost with the other"
    )]
    Another {
        /// Which key: the beginning of its hash.
        theirs: String,
        /// This node's keys, likewise.
        ours: String,
    },
    /// What was noted was altered, or sealed for something else.
    #[error(
        "what access.vault_checks holds is damaged: restore it from a backup, or have `questhall secrets adopt` note this \
         node's key anew"
    )]
    Damaged,
    /// The key cannot be read or made.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// Whether this node's key is the one that is noted; false when none is noted yet. What an older key of this node has
/// sealed is sealed anew, so that nodes without the newer one are found out.
///
/// # Errors
///
/// [`KeyError::Another`] when it is not; no key is made then, also where there was none.
pub async fn key_agreed(conn: &mut PgConnection, vault: &Vault) -> Result<bool, KeyError> {
    let Some(noted) =
        sqlx::query_scalar!("SELECT sealed FROM access.vault_checks").fetch_optional(&mut *conn).await?
    else {
        return Ok(false);
    };
    if !vault.has_keys() {
        return Err(another(&noted, "none".to_owned()));
    }
    match vault.open(CONTEXT, &noted) {
        Ok(text) if text == TEXT => {}
        Ok(_) | Err(VaultError::Damaged) => return Err(KeyError::Damaged),
        Err(VaultError::UnknownKey(_)) => return Err(another(&noted, ours(vault)?)),
        Err(error) => return Err(error.into()),
    }
    if !noted.starts_with(&vault.mark()?) {
        // Only what was read: of two nodes that start at once, one seals it.
        let anew = vault.seal(CONTEXT, TEXT)?;
        sqlx::query!("UPDATE access.vault_checks SET sealed = $1 WHERE sealed = $2", anew, noted)
            .execute(conn)
            .await?;
    }
    Ok(true)
}

/// Notes this node's key where none is noted. `heads` are the beginnings (five bytes, as of [`Vault::heads`]) of what is sealed in the
/// database from before keys were noted: when there are such, and this node opens none of them, its key is the wrong one.
///
/// # Errors
///
/// As of [`key_agreed`]; another node may have been first.
pub async fn key_note(conn: &mut PgConnection, vault: &Vault, heads: &[Vec<u8>]) -> Result<(), KeyError> {
    let known = if vault.has_keys() { vault.heads()? } else { Vec::new() };
    if let Some(first) = heads.first()
        && !heads.iter().any(|head| known.contains(head))
    {
        return Err(another(first, if known.is_empty() { "none".to_owned() } else { ours(vault)? }));
    }
    let noted = sqlx::query!(
        "INSERT INTO access.vault_checks (sealed) VALUES ($1) ON CONFLICT ON CONSTRAINT pk_vault_checks DO NOTHING",
        vault.seal(CONTEXT, TEXT)?,
    )
    .execute(&mut *conn)
    .await?;
    if noted.rows_affected() == 0 {
        key_agreed(conn, vault).await?;
    }
    Ok(())
}

/// Notes this node's key instead of whichever was noted, for an operator who has lost that one. Leave to ask Discord that
/// does not open goes, and those it was about sign in again; tells how many there were. Within a transaction.
pub async fn key_adopt(
    conn: &mut PgConnection,
    vault: &Vault,
    by: By<'_>,
    origin: &Origin,
) -> Result<u64, KeyError> {
    let before = sqlx::query_scalar!("SELECT sealed FROM access.vault_checks FOR UPDATE")
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query!(
        "INSERT INTO access.vault_checks (sealed) VALUES ($1)
         ON CONFLICT ON CONSTRAINT pk_vault_checks DO UPDATE SET sealed = EXCLUDED.sealed",
        vault.seal(CONTEXT, TEXT)?,
    )
    .execute(&mut *conn)
    .await?;
    let lost = sqlx::query!(
        "DELETE FROM access.discord_leaves WHERE substring(sealed FOR 5) <> ALL ($1)",
        &vault.heads()?
    )
    .execute(&mut *conn)
    .await?;
    let key = |sealed: &[u8]| json!({ "key": tell(sealed) });
    let mut entry = AuditEntry::new(None, by, "ADOPT_KEY", "access.vault_checks", None).from(origin);
    entry.before = before.as_deref().map(key);
    entry.after = Some(key(&vault.mark()?));
    audit::record(conn, &entry).await?;
    Ok(lost.rows_affected())
}

/// The beginnings of all leave to ask Discord, each once: what [`key_note`] asks for.
pub async fn discord_leave_heads(conn: &mut PgConnection) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(r#"SELECT DISTINCT substring(sealed FOR 5) AS "head!" FROM access.discord_leaves"#)
        .fetch_all(conn)
        .await
}

/// How much leave to ask Discord this node's keys do not open.
pub async fn discord_leaves_foreign(conn: &mut PgConnection, vault: &Vault) -> Result<i64, KeyError> {
    let heads = if vault.has_keys() { vault.heads()? } else { Vec::new() };
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM access.discord_leaves WHERE substring(sealed FOR 5) <> ALL ($1)"#,
        &heads,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

fn another(sealed: &[u8], ours: String) -> KeyError {
    KeyError::Another { theirs: tell(sealed), ours }
}

fn ours(vault: &Vault) -> Result<String, VaultError> {
    Ok(vault.heads()?.iter().map(|head| tell(head)).collect::<Vec<_>>().join(", "))
}
