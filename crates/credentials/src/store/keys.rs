//! Issuers' keys. Private halves are sealed, each for its row.

use access::Vault;
use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

use crate::error::Error;
use crate::ids::IssuerKeyId;
use crate::model::Algorithm;
use crate::rules::keys::{Made, Signer};
use crate::store::IssuerLock;

/// The most keys that are sealed anew in one transaction.
const AT_ONCE: i64 = 1_000;

/// A key as it is stored, but for its private half.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub(crate) id: IssuerKeyId,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: Vec<u8>,
    pub(crate) retired_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
}

fn context(guild: GuildId, key: IssuerKeyId) -> String {
    format!("credentials.issuer_keys:{guild}:{key}")
}

fn algorithm(name: &str) -> Result<Algorithm, Error> {
    Algorithm::parse(name).ok_or(Error::Key)
}

/// A private half, to be stored in this row.
pub(crate) fn key_seal(
    vault: &Vault,
    guild: GuildId,
    key: IssuerKeyId,
    made: &Made,
) -> Result<Vec<u8>, Error> {
    Ok(vault.seal(&context(guild, key), &made.private)?)
}

/// The key that a guild signs with now, and its private half, sealed.
#[kernel::boxed]
pub(crate) async fn key_current(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Option<(StoredKey, Vec<u8>)>, Error> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: IssuerKeyId", algorithm, public_key, created_at, private_key_sealed AS "sealed!"
             FROM credentials.issuer_keys WHERE guild_id = $1 AND retired_at IS NULL"#,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let algorithm = algorithm(&row.algorithm)?;
        let key = StoredKey {
            id: row.id,
            algorithm,
            public: row.public_key,
            retired_at: None,
            created_at: row.created_at,
        };
        Ok((key, row.sealed))
    })
    .transpose()
}

/// What signs by this key, whose public half is at `address`.
pub(crate) fn key_open(
    vault: &Vault,
    guild: GuildId,
    (key, sealed): &(StoredKey, Vec<u8>),
    address: String,
) -> Result<Signer, Error> {
    Signer::open(key.algorithm, &vault.open(&context(guild, key.id), sealed)?, address)
}

/// Stores a key that signs from now on.
pub(crate) async fn key_insert(
    conn: &mut PgConnection,
    lock: &IssuerLock,
    id: IssuerKeyId,
    algorithm: Algorithm,
    public: &[u8],
    sealed: &[u8],
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO credentials.issuer_keys (guild_id, id, algorithm, public_key, private_key_sealed) VALUES ($1, $2, $3, $4, $5)",
        lock.guild.get(),
        id.get(),
        algorithm.as_str(),
        public,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Retires the key that signs now, and destroys its private half.
pub(crate) async fn key_retire(conn: &mut PgConnection, lock: &IssuerLock) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE credentials.issuer_keys SET retired_at = now(), private_key_sealed = NULL
          WHERE guild_id = $1 AND retired_at IS NULL",
        lock.guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All keys of a guild, the newest first.
pub(crate) async fn keys_public(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<StoredKey>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: IssuerKeyId", algorithm, public_key, retired_at, created_at
             FROM credentials.issuer_keys WHERE guild_id = $1 ORDER BY id DESC"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredKey {
                id: row.id,
                algorithm: algorithm(&row.algorithm)?,
                public: row.public_key,
                retired_at: row.retired_at,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// Seals anew what is not sealed by the vault's first key, after a rotation of it; tells how many keys that were, and how many do not
/// open.
pub async fn keys_reseal(conn: &mut PgConnection, vault: &Vault) -> sqlx::Result<(u64, u64)> {
    let any = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM credentials.issuer_keys WHERE private_key_sealed IS NOT NULL) AS "any!""#
    )
    .fetch_one(&mut *conn)
    .await?;
    // Without secrets no key is needed, nor made.
    if !any {
        return Ok((0, 0));
    }
    let mark = vault.mark().map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let stored = sqlx::query!(
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: IssuerKeyId", private_key_sealed AS "sealed!"
             FROM credentials.issuer_keys
            WHERE private_key_sealed IS NOT NULL AND substring(private_key_sealed FOR $2::integer) <> $1
            ORDER BY guild_id, id LIMIT $3 FOR NO KEY UPDATE"#,
        mark,
        i32::try_from(mark.len()).unwrap_or(i32::MAX),
        AT_ONCE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut guilds, mut ids, mut sealed) = (Vec::new(), Vec::new(), Vec::new());
    let mut unreadable = 0;
    for row in stored {
        let context = context(row.guild_id, row.id);
        match vault.open(&context, &row.sealed).and_then(|private| vault.seal(&context, &private)) {
            Ok(anew) => {
                guilds.push(row.guild_id.get());
                ids.push(row.id.get());
                sealed.push(anew);
            }
            Err(error) => {
                tracing::error!(%error, guild = %row.guild_id, key = %row.id, "an issuer's key does not open");
                unreadable += 1;
            }
        }
    }
    let done = sqlx::query!(
        "UPDATE credentials.issuer_keys k SET private_key_sealed = s.sealed
           FROM unnest($1::bigint[], $2::uuid[], $3::bytea[]) AS s (guild_id, id, sealed)
          WHERE k.guild_id = s.guild_id AND k.id = s.id",
        &guilds,
        &ids,
        &sealed,
    )
    .execute(conn)
    .await?;
    Ok((done.rows_affected(), unreadable))
}

/// A key that this node cannot open: the guild has to make another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyForeign {
    /// The guild.
    pub guild_id: GuildId,
    /// The key.
    pub id: IssuerKeyId,
}

/// The beginnings of all private halves that are sealed, each once: what [`access::vault::key_note`] asks for.
pub async fn key_heads(conn: &mut PgConnection) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT substring(private_key_sealed FOR 5) AS "head!" FROM credentials.issuer_keys
            WHERE private_key_sealed IS NOT NULL"#
    )
    .fetch_all(conn)
    .await
}

/// The keys that this node's vault does not open.
pub async fn keys_foreign(conn: &mut PgConnection, vault: &Vault) -> sqlx::Result<Vec<KeyForeign>> {
    let heads = if vault.has_keys() {
        vault.heads().map_err(|error| sqlx::Error::Decode(Box::new(error)))?
    } else {
        Vec::new()
    };
    sqlx::query_as!(
        KeyForeign,
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: IssuerKeyId" FROM credentials.issuer_keys
            WHERE private_key_sealed IS NOT NULL AND substring(private_key_sealed FOR 5) <> ALL ($1) ORDER BY guild_id, id"#,
        &heads,
    )
    .fetch_all(conn)
    .await
}
