//! Secrets as the database has them: sealed, each for its webhook.

use access::Vault;
use kernel::{GuildId, WebhookId};
use sqlx::PgConnection;

use crate::signing::Secret;

/// Secrets were stored as they are once, and are at most this long; what is sealed is longer.
const PLAIN_BYTES: usize = 64;
pub(super) const PLAIN_LENGTH: i32 = 64;
/// The most webhooks whose secrets are sealed anew in one transaction.
const AT_ONCE: i64 = 1_000;

fn context(guild: GuildId, id: WebhookId) -> String {
    format!("delivery.webhooks:{guild}:{id}")
}

/// A secret, to be stored.
pub(super) fn seal(
    (vault, secret): (&Vault, &Secret),
    guild: GuildId,
    id: WebhookId,
) -> sqlx::Result<Vec<u8>> {
    vault.seal(&context(guild, id), secret.bytes()).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// A secret, as stored.
pub(super) fn open(vault: &Vault, guild: GuildId, id: WebhookId, stored: Vec<u8>) -> sqlx::Result<Secret> {
    if stored.len() <= PLAIN_BYTES {
        return Ok(Secret::new(stored));
    }
    let opened = vault.open(&context(guild, id), &stored);
    opened.map(Secret::new).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Seals anew what is not sealed by the key that seals now: after a rotation of it, and what was stored before there was
/// one. A part of it at a time; tells how many webhooks that were, and how many have secrets that do not open.
pub async fn secrets_reseal(conn: &mut PgConnection, vault: &Vault) -> sqlx::Result<(u64, u64)> {
    let any = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM delivery.webhooks) AS "any!""#)
        .fetch_one(&mut *conn)
        .await?;
    // Without secrets no key is needed, nor made.
    if !any {
        return Ok((0, 0));
    }
    let mark = vault.mark().map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let stored = sqlx::query!(
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: WebhookId", secret, previous_secret
             FROM delivery.webhooks
            WHERE substring(secret FOR $2::integer) <> $1 OR substring(previous_secret FOR $2::integer) <> $1
            ORDER BY guild_id, id LIMIT $3 FOR NO KEY UPDATE"#,
        mark,
        i32::try_from(mark.len()).unwrap_or(i32::MAX),
        AT_ONCE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut guilds, mut ids, mut secrets, mut previous) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut unreadable = 0;
    for row in stored {
        let anew = |stored: Vec<u8>| -> Result<Vec<u8>, sqlx::Error> {
            seal((vault, &open(vault, row.guild_id, row.id, stored)?), row.guild_id, row.id)
        };
        match (anew(row.secret), row.previous_secret.map(anew).transpose()) {
            (Ok(one), Ok(other)) => {
                guilds.push(row.guild_id.get());
                ids.push(row.id.get());
                secrets.push(one);
                previous.push(other);
            }
            (one, other) => {
                let error = one.err().or(other.err()).unwrap_or(sqlx::Error::RowNotFound);
                tracing::error!(%error, guild = %row.guild_id, webhook = %row.id, "a webhook's secret does not open");
                unreadable += 1;
            }
        }
    }
    let done = sqlx::query!(
        "UPDATE delivery.webhooks w SET secret = s.secret, previous_secret = s.previous
           FROM unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[]) AS s (guild_id, id, secret, previous)
          WHERE w.guild_id = s.guild_id AND w.id = s.id",
        &guilds,
        &ids,
        &secrets,
        &previous as &[Option<Vec<u8>>],
    )
    .execute(conn)
    .await?;
    Ok((done.rows_affected(), unreadable))
}

/// A webhook whose secret this node's keys do not open: it has to be given a new one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ForeignSecret {
    /// Its guild.
    pub guild_id: GuildId,
    /// The webhook.
    pub id: WebhookId,
    /// What it is for.
    pub name: String,
}

/// The beginnings of all secrets that are sealed, each once: what [`access::vault::key_note`] asks for.
pub async fn secret_heads(conn: &mut PgConnection) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT substring(secret FOR 5) AS "head!" FROM delivery.webhooks WHERE length(secret) > $1"#,
        PLAIN_LENGTH,
    )
    .fetch_all(conn)
    .await
}

/// The webhooks whose secrets this node's keys do not open.
pub async fn secrets_foreign(conn: &mut PgConnection, vault: &Vault) -> sqlx::Result<Vec<ForeignSecret>> {
    let heads = heads(vault)?;
    sqlx::query_as!(
        ForeignSecret,
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: WebhookId", name FROM delivery.webhooks
            WHERE length(secret) > $2 AND substring(secret FOR 5) <> ALL ($1) ORDER BY guild_id, id"#,
        &heads,
        PLAIN_LENGTH,
    )
    .fetch_all(conn)
    .await
}

/// Forgets secrets from before a rotation that this node's keys do not open: nothing can be signed by them.
pub async fn previous_secrets_forget(conn: &mut PgConnection, vault: &Vault) -> sqlx::Result<u64> {
    let heads = heads(vault)?;
    let forgotten = sqlx::query!(
        "UPDATE delivery.webhooks SET previous_secret = NULL, previous_secret_until = NULL
          WHERE length(previous_secret) > $2 AND substring(previous_secret FOR 5) <> ALL ($1)",
        &heads,
        PLAIN_LENGTH,
    )
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}

/// How everything begins that opens here. No key is made for the question.
pub(super) fn heads(vault: &Vault) -> sqlx::Result<Vec<Vec<u8>>> {
    if !vault.has_keys() {
        return Ok(Vec::new());
    }
    vault.heads().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
