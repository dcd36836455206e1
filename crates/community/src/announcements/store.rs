//! SQL over announcements. Callers own the connection and the transaction.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Limit, UserId};
use serde_json::Value;
use sqlx::PgConnection;

use super::model::{Announcement, AnnouncementKind, AnnouncementStatus, ChannelChoice};
use crate::error::Error;
use crate::ids::AnnouncementId;

/// Announcements to be made, column by column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) guilds: Vec<i64>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) users: Vec<Option<i64>>,
    /// The channel that the thing names itself.
    pub(super) channels: Vec<Option<i64>>,
    pub(super) payloads: Vec<Value>,
    pub(super) keys: Vec<Option<String>>,
}

/// Queues what the guilds want announced, each cause once; returns the channels that have something new, in their order.
pub(super) async fn insert(
    conn: &mut PgConnection,
    batch: &Batch,
) -> Result<Vec<(GuildId, ChannelId, AnnouncementId)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"INSERT INTO community.announcements (guild_id, channel_id, kind, user_id, payload, dedupe_key)
           SELECT i.guild_id, coalesce(i.channel_id, c.channel_id), i.kind, i.user_id, i.payload, i.dedupe_key
             FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::jsonb[], $6::text[])
                  WITH ORDINALITY AS i (guild_id, kind, user_id, channel_id, payload, dedupe_key, n)
             LEFT JOIN community.announcement_channels c ON c.guild_id = i.guild_id AND c.kind = i.kind
            WHERE coalesce(c.enabled, true) AND coalesce(i.channel_id, c.channel_id) IS NOT NULL
            ORDER BY i.n
           ON CONFLICT (guild_id, dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
           RETURNING guild_id AS "guild_id: GuildId", channel_id AS "channel_id: ChannelId", id AS "id: AnnouncementId""#,
        &batch.guilds,
        &batch.kinds as &[&str],
        &batch.users as &[Option<i64>],
        &batch.channels as &[Option<i64>],
        &batch.payloads,
        &batch.keys as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild_id, row.channel_id, row.id)).collect())
}

/// Waits for the channel's lock, held to the commit, and tells the time then.
pub(super) async fn channel_lock(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('community.announcements:' || $1::bigint || ':' || $2::bigint, 0))::text",
        guild.get(),
        channel.get(),
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await
}

/// Suppresses what waits for a channel and is about somebody who does not wish it, or has waited so long that it is no news.
pub(super) async fn suppress(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE community.announcements a SET status = 'suppressed'
            WHERE a.guild_id = $1 AND a.channel_id = $2 AND a.status = 'pending'
              AND a.kind IN ('level_up', 'achievement', 'award')
              AND (a.created_at < now() - interval '1 day'
                   OR EXISTS (SELECT FROM people.user_preferences p
                               WHERE p.guild_id = a.guild_id AND p.user_id = a.user_id
                                 AND NOT CASE a.kind WHEN 'level_up' THEN p.announce_level_up
                                                     WHEN 'achievement' THEN p.announce_achievements
                                                     ELSE p.announce_awards END))"#,
        guild.get(),
        channel.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// When the latest announcements left for a channel after `since`, the latest first.
pub(super) async fn sent_since(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT sent_at AS "sent_at!" FROM community.announcements
            WHERE guild_id = $1 AND channel_id = $2 AND status = 'sent' AND sent_at > $3
            ORDER BY sent_at DESC LIMIT 10"#,
        guild.get(),
        channel.get(),
        since,
    )
    .fetch_all(conn)
    .await
}

/// An announcement whose turn has come.
pub(super) struct Due {
    pub(super) id: AnnouncementId,
    pub(super) kind: String,
    pub(super) user_id: Option<UserId>,
    pub(super) payload: Value,
}

/// Sends off the oldest that wait for a channel.
pub(super) async fn send_off(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"WITH due AS (
               SELECT id FROM community.announcements
                WHERE guild_id = $1 AND channel_id = $2 AND status = 'pending' AND not_before <= $3
                ORDER BY id LIMIT $4 FOR UPDATE
           ), sent AS (
               UPDATE community.announcements a SET status = 'sent', sent_at = $3, attempts = attempts + 1
                 FROM due WHERE a.guild_id = $1 AND a.id = due.id
               RETURNING a.id, a.kind, a.user_id, a.payload
           )
           SELECT id AS "id!: AnnouncementId", kind AS "kind!", user_id AS "user_id: UserId", payload AS "payload!"
             FROM sent ORDER BY id"#,
        guild.get(),
        channel.get(),
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// When the next that waits for a channel may leave at the earliest; `None` when none waits.
pub(super) async fn next_waiting(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT min(not_before) FROM community.announcements
          WHERE guild_id = $1 AND channel_id = $2 AND status = 'pending'",
        guild.get(),
        channel.get(),
    )
    .fetch_one(conn)
    .await
}

/// Takes back one that waits; false where it does not wait.
pub(super) async fn cancel(
    conn: &mut PgConnection,
    guild: GuildId,
    announcement: AnnouncementId,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE community.announcements SET status = 'suppressed', last_error = 'taken back'
          WHERE guild_id = $1 AND id = $2 AND status = 'pending'",
        guild.get(),
        announcement.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a list is asked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) only: Option<AnnouncementId>,
    pub(super) status: Option<AnnouncementStatus>,
    pub(super) channel: Option<ChannelId>,
    pub(super) before: Option<AnnouncementId>,
}

/// Announcements of the guild, the latest first, one more than the page holds.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    wanted: &Wanted,
    limit: Limit,
) -> Result<Vec<Announcement>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: AnnouncementId", channel_id AS "channel_id: ChannelId", kind, user_id AS "user_id: UserId",
                  payload, status, sent_at, created_at
             FROM community.announcements
            WHERE guild_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::text IS NULL OR status = $3)
              AND ($4::bigint IS NULL OR channel_id = $4) AND ($5::uuid IS NULL OR id < $5)
            ORDER BY id DESC LIMIT $6"#,
        guild.get(),
        wanted.only.map(AnnouncementId::get),
        wanted.status.map(AnnouncementStatus::as_str),
        wanted.channel.map(ChannelId::get),
        wanted.before.map(AnnouncementId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        Ok(Announcement {
            id: row.id,
            channel_id: row.channel_id,
            kind: AnnouncementKind::from_column(&row.kind)?,
            user_id: row.user_id,
            what: row.payload,
            status: AnnouncementStatus::from_column(&row.status)?,
            sent_at: row.sent_at,
            created_at: row.created_at,
        })
    });
    read.collect()
}

/// The channels that the guild chose.
pub(super) async fn channels(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<ChannelChoice>, Error> {
    let rows = sqlx::query!(
        r#"SELECT kind, channel_id AS "channel_id: ChannelId", enabled FROM community.announcement_channels
            WHERE guild_id = $1 ORDER BY kind"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        Ok(ChannelChoice {
            kind: AnnouncementKind::from_column(&row.kind)?,
            channel_id: row.channel_id,
            enabled: row.enabled,
        })
    });
    read.collect()
}

/// Chooses the channel of a kind.
pub(super) async fn channel_put(
    conn: &mut PgConnection,
    guild: GuildId,
    choice: ChannelChoice,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO community.announcement_channels (guild_id, kind, channel_id, enabled) VALUES ($1, $2, $3, $4)
           ON CONFLICT ON CONSTRAINT pk_announcement_channels
           DO UPDATE SET channel_id = excluded.channel_id, enabled = excluded.enabled"#,
        guild.get(),
        choice.kind.as_str(),
        choice.channel_id.get(),
        choice.enabled,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes what left, or was suppressed, more than a month ago; at most so many.
pub(super) async fn clean(conn: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM community.announcements
          WHERE (guild_id, id) IN (SELECT guild_id, id FROM community.announcements
                        WHERE status <> 'pending' AND updated_at < now() - interval '30 days'
                        ORDER BY updated_at LIMIT $1)",
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
