//! SQL over what is kept in step with Discord.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::{Held, Kind, Outcome, Wish};

/// How long a guild is somebody's without a word, in seconds.
const HELD: f64 = 180.0;
/// When Discord is asked again where nobody tells of a change, and where it failed; in seconds.
const EVERY: f64 = 6.0 * 3_600.0;
const AGAIN: f64 = 300.0;

/// What is known of a guild.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) wish: Wish,
    pub(super) next_at: Option<DateTime<Utc>>,
    /// Whether somebody is at it, or its turn has come.
    pub(super) is_due: bool,
    pub(super) looked_at: Option<DateTime<Utc>>,
    pub(super) done_at: Option<DateTime<Utc>>,
    pub(super) error: Option<String>,
    pub(super) found: Option<Value>,
}

/// What a guild wished, locked until the transaction ends.
pub(super) async fn wish(conn: &mut PgConnection, guild: GuildId, kind: Kind) -> sqlx::Result<Option<Wish>> {
    sqlx::query_as!(
        Wish,
        r#"SELECT wanted, channel_id AS "channel_id: ChannelId" FROM discord.syncs
            WHERE guild_id = $1 AND kind = $2 FOR UPDATE"#,
        guild.get(),
        kind.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Notes what a guild wishes; where there is something to be done for that, its turn is now.
pub(super) async fn put(conn: &mut PgConnection, guild: GuildId, kind: Kind, wish: Wish) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO discord.syncs (guild_id, kind, wanted, channel_id, next_at)
         VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)
         ON CONFLICT (guild_id, kind) DO UPDATE
            SET wanted = excluded.wanted, channel_id = excluded.channel_id, next_at = excluded.next_at, error = NULL",
        guild.get(),
        kind.as_str(),
        wish.wanted,
        wish.channel_id.map(ChannelId::get),
        wish.wanted || kind.is_taken_back(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of a guild.
pub(super) async fn get(conn: &mut PgConnection, guild: GuildId, kind: Kind) -> sqlx::Result<Option<Row>> {
    let row = sqlx::query!(
        r#"SELECT wanted, channel_id AS "channel_id: ChannelId", next_at, looked_at, done_at, error, found,
                  held_until > now() OR coalesce(next_at <= now(), false) AS "is_due!"
             FROM discord.syncs WHERE guild_id = $1 AND kind = $2"#,
        guild.get(),
        kind.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Row {
        wish: Wish { wanted: row.wanted, channel_id: row.channel_id },
        next_at: row.next_at,
        is_due: row.is_due,
        looked_at: row.looked_at,
        done_at: row.done_at,
        error: row.error,
        found: row.found,
    }))
}

/// Guilds that wish it.
pub(super) async fn wishing(pool: &PgPool, kind: Kind) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM discord.syncs WHERE kind = $1 AND wanted"#,
        kind.as_str(),
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await
}

/// Makes those due whose version is another than when Discord was told last.
pub(super) async fn changed(pool: &PgPool, kind: Kind, versions: &[(GuildId, i64)]) -> sqlx::Result<()> {
    let guilds: Vec<i64> = versions.iter().map(|(guild, _)| guild.get()).collect();
    let versions: Vec<i64> = versions.iter().map(|(_, version)| *version).collect();
    sqlx::query!(
        "UPDATE discord.syncs s SET next_at = now()
           FROM unnest($1::bigint[], $2::bigint[]) AS v (guild_id, version)
          WHERE s.guild_id = v.guild_id AND s.kind = $3 AND s.wanted AND s.version IS DISTINCT FROM v.version
            AND s.next_at > now()",
        &guilds,
        &versions,
        kind.as_str(),
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// Something changed on Discord: the guild is looked at within so many seconds, if it wishes it. Whoever is at it may have asked before.
pub(super) async fn stale(
    conn: &mut PgConnection,
    guild: GuildId,
    kind: Kind,
    within: f64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.syncs SET next_at = now() + make_interval(secs => $3)
          WHERE guild_id = $1 AND kind = $2 AND wanted
            AND (next_at > now() + make_interval(secs => $3) OR held_until > now())",
        guild.get(),
        kind.as_str(),
        within,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes one guild; `None` while somebody else has it, or where it is taken only if it is due and is not.
pub(super) async fn hold(
    pool: &PgPool,
    guild: GuildId,
    kind: Kind,
    only_due: bool,
) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"UPDATE discord.syncs SET held_until = now() + make_interval(secs => $3), next_at = now()
            WHERE guild_id = $1 AND kind = $2 AND held_until <= now() AND (NOT $4 OR next_at <= now())
        RETURNING wanted, channel_id AS "channel_id: ChannelId", held_until"#,
        guild.get(),
        kind.as_str(),
        HELD,
        only_due,
    )
    .fetch_optional(&mut *db::acquire(pool).await?)
    .await?;
    Ok(row.map(|row| Held {
        wish: Wish { wanted: row.wanted, channel_id: row.channel_id },
        until: row.held_until,
    }))
}

/// Guilds that are due. Each is taken by its own row ([`hold`]): nothing locks several guilds at once.
pub(super) async fn due(pool: &PgPool, kind: Kind, most: i64) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM discord.syncs
            WHERE kind = $1 AND next_at <= now() AND held_until <= now()
            ORDER BY next_at LIMIT $2"#,
        kind.as_str(),
        most,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await
}

/// Whoever held a guild is done with it. What changed meanwhile lies ahead (`next_at` is when it was taken otherwise, and none where it was given
/// up), and stays so; so does a channel that was named meanwhile. Whoever was so slow that another took it notes nothing.
pub(super) async fn let_go(
    pool: &PgPool,
    guild: GuildId,
    kind: Kind,
    held: &Held,
    outcome: &Outcome,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.syncs
            SET held_until = now(), looked_at = now(), version = $6,
                error = CASE WHEN next_at IS NOT NULL THEN $5 END,
                done_at = CASE WHEN $5::text IS NULL THEN now() ELSE done_at END,
                found = CASE WHEN $5::text IS NULL THEN $7 ELSE found END,
                channel_id = CASE WHEN $5::text IS NULL AND channel_id = $4 THEN NULL ELSE channel_id END,
                next_at = CASE WHEN next_at IS NULL OR next_at > held_until - make_interval(secs => $8) THEN next_at
                               WHEN $5::text IS NOT NULL THEN now() + make_interval(secs => $9)
                               WHEN wanted THEN now() + make_interval(secs => $10) END
          WHERE guild_id = $1 AND kind = $2 AND held_until = $3",
        guild.get(),
        kind.as_str(),
        held.until,
        held.wish.channel_id.map(ChannelId::get),
        outcome.error.as_deref(),
        outcome.version,
        outcome.found.as_ref(),
        HELD,
        AGAIN,
        EVERY,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}
