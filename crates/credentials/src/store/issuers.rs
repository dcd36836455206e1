//! Guilds as issuers: their lock, and the next bit of their lists.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

use crate::error::Error;

/// A guild under whose lock credentials are issued and revoked, until the transaction ends.
#[derive(Debug)]
pub struct IssuerLock {
    /// The guild.
    pub guild: GuildId,
    /// The first bit that no credential has had.
    pub next: i32,
    /// The guild's name.
    pub name: String,
    /// The database's time, to the second.
    pub now: DateTime<Utc>,
}

/// Locks a guild as an issuer; it becomes one, if it is none.
#[kernel::boxed]
pub async fn issuer_lock(conn: &mut PgConnection, guild: GuildId) -> Result<IssuerLock, Error> {
    sqlx::query!(
        "INSERT INTO credentials.issuers (guild_id) SELECT guild_id FROM people.guilds WHERE guild_id = $1
         ON CONFLICT DO NOTHING",
        guild.get(),
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        r#"SELECT i.next_status_index, g.name, date_trunc('second', clock_timestamp()) AS "now!"
             FROM credentials.issuers i JOIN people.guilds g ON g.guild_id = i.guild_id
            WHERE i.guild_id = $1 FOR NO KEY UPDATE OF i"#,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("guild"))?;
    Ok(IssuerLock { guild, next: row.next_status_index, name: row.name, now: row.now })
}

/// The first bit that no credential of the guild has had, and the database's time; `None` where the guild issues nothing.
pub(crate) async fn issuer_find(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Option<(i32, DateTime<Utc>)>, Error> {
    let row = sqlx::query!(
        r#"SELECT next_status_index, date_trunc('second', now()) AS "now!" FROM credentials.issuers WHERE guild_id = $1"#,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.next_status_index, row.now)))
}

/// Writes which bit is the next to be given out.
pub(crate) async fn next_index_put(
    conn: &mut PgConnection,
    lock: &IssuerLock,
    next: i32,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE credentials.issuers SET next_status_index = $2 WHERE guild_id = $1",
        lock.guild.get(),
        next,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The name of a guild that issues credentials, or has badges; `None` of any other.
pub(crate) async fn guild_name(conn: &mut PgConnection, guild: GuildId) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT g.name FROM people.guilds g
          WHERE g.guild_id = $1 AND (EXISTS (SELECT FROM credentials.issuers i WHERE i.guild_id = g.guild_id)
                                  OR EXISTS (SELECT FROM credentials.badges b WHERE b.guild_id = g.guild_id))",
        guild.get(),
    )
    .fetch_optional(conn)
    .await?)
}
