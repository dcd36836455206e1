//! SQL of a batch: what is read under the guilds' locks, and what is written. Everything goes by arrays, a statement a table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

use crate::error::Error;
use crate::rewards::{Cooldown, MessageReactions, Pair, Sitting};
use crate::seasons::calendar::{Calendar, calendars};

/// What a batch is measured by.
pub(super) struct Frame {
    /// The database's time.
    pub(super) now: DateTime<Utc>,
    /// Where the lake's oldest partition begins.
    pub(super) oldest: DateTime<Utc>,
    /// Seasons by guild.
    pub(super) seasons: BTreeMap<GuildId, Calendar>,
}

pub(super) async fn frame(conn: &mut PgConnection, guilds: &[GuildId]) -> Result<Frame, Error> {
    let seasons = calendars(conn, guilds).await?;
    let bounds = sqlx::query!(
        r#"SELECT now() AS "now!", coalesce(min(starts_at), now()) AS "oldest!"
             FROM questhall.month_partitions('community.event_lake')"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Frame { now: bounds.now, oldest: bounds.oldest, seasons })
}

/// Remembers the events' keys; answers which of them (by position) were known already.
pub(super) async fn keys_insert(
    conn: &mut PgConnection,
    guilds: &[i64],
    sources: &[&str],
    times: &[DateTime<Utc>],
) -> sqlx::Result<Vec<usize>> {
    let known = sqlx::query_scalar!(
        r#"WITH input AS MATERIALIZED (
               SELECT i.* FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) WITH ORDINALITY
                            AS i (guild_id, source_id, at, n)
           ), fresh AS (
               INSERT INTO community.event_keys (guild_id, source_id, "timestamp")
               SELECT guild_id, source_id, at FROM input ORDER BY guild_id, source_id
               ON CONFLICT ON CONSTRAINT pk_event_keys DO NOTHING
               RETURNING guild_id, source_id
           )
           SELECT i.n AS "n!" FROM input i
            WHERE NOT EXISTS (SELECT FROM fresh f WHERE f.guild_id = i.guild_id AND f.source_id = i.source_id)"#,
        guilds,
        sources as &[&str],
        times,
    )
    .fetch_all(conn)
    .await?;
    Ok(known.into_iter().filter_map(|n| usize::try_from(n - 1).ok()).collect())
}

/// A member as they are before the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locked {
    pub(super) xp: i64,
    pub(super) stars: i64,
    pub(super) level: i32,
    pub(super) is_bot: bool,
    pub(super) joined_at: DateTime<Utc>,
    pub(super) left_at: Option<DateTime<Utc>>,
    pub(super) last_active_at: Option<DateTime<Utc>>,
}

/// Somebody whom events speak of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The time of the first event that does.
    pub(super) at: DateTime<Utc>,
    /// Whether one says that it is a bot.
    pub(super) is_bot: bool,
}

/// Locks the members in the order of their keys; those who were never seen are made first.
pub(super) async fn members_lock(
    conn: &mut PgConnection,
    seen: &BTreeMap<(i64, i64), Seen>,
) -> sqlx::Result<HashMap<(i64, i64), Locked>> {
    let all: Vec<(i64, i64)> = seen.keys().copied().collect();
    let mut locked = members_lock_known(conn, &all).await?;
    if locked.len() < all.len() {
        let strangers: Vec<_> = all.iter().copied().filter(|key| !locked.contains_key(key)).collect();
        strangers_insert(conn, &strangers, seen).await?;
        locked.extend(members_lock_known(conn, &strangers).await?);
    }
    Ok(locked)
}

async fn members_lock_known(
    conn: &mut PgConnection,
    keys: &[(i64, i64)],
) -> sqlx::Result<HashMap<(i64, i64), Locked>> {
    let (guilds, users): (Vec<i64>, Vec<i64>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        "SELECT m.guild_id, m.user_id, m.xp, m.stars, m.level, u.is_bot, m.joined_at, m.left_at, m.last_active_at
           FROM unnest($1::bigint[], $2::bigint[]) AS k (guild_id, user_id)
           JOIN community.members m ON m.guild_id = k.guild_id AND m.user_id = k.user_id
           JOIN community.users u ON u.id = m.user_id
          ORDER BY m.guild_id, m.user_id
            FOR UPDATE OF m",
        &guilds,
        &users,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let member = Locked {
                xp: row.xp,
                stars: row.stars,
                level: row.level,
                is_bot: row.is_bot,
                joined_at: row.joined_at,
                left_at: row.left_at,
                last_active_at: row.last_active_at,
            };
            ((row.guild_id, row.user_id), member)
        })
        .collect())
}

async fn strangers_insert(
    conn: &mut PgConnection,
    keys: &[(i64, i64)],
    seen: &BTreeMap<(i64, i64), Seen>,
) -> sqlx::Result<()> {
    let (guilds, users): (Vec<i64>, Vec<i64>) = keys.iter().copied().unzip();
    let times: Vec<DateTime<Utc>> = keys.iter().filter_map(|key| seen.get(key).map(|seen| seen.at)).collect();
    let bots: Vec<bool> = keys.iter().filter_map(|key| seen.get(key).map(|seen| seen.is_bot)).collect();
    sqlx::query!(
        r#"WITH input AS (
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::boolean[])
                          AS i (guild_id, user_id, at, is_bot)
           ), known_guilds AS (
               INSERT INTO community.guilds (guild_id, name)
               SELECT DISTINCT guild_id, 'Guild ' || guild_id FROM input ORDER BY 1
               ON CONFLICT ON CONSTRAINT pk_guilds DO NOTHING
           ), known_users AS (
               INSERT INTO community.users (id, discord_name, is_bot)
               SELECT user_id, user_id::text, bool_or(is_bot) FROM input GROUP BY input.user_id ORDER BY input.user_id
               ON CONFLICT ON CONSTRAINT pk_users DO NOTHING
           )
           INSERT INTO community.members (guild_id, user_id, joined_at)
           SELECT guild_id, user_id, at FROM input ORDER BY guild_id, user_id
           ON CONFLICT ON CONSTRAINT pk_members DO NOTHING"#,
        &guilds,
        &users,
        &times,
        &bots,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) type ChannelKey = (i64, i64, i64);

pub(super) async fn cooldowns(
    conn: &mut PgConnection,
    keys: &BTreeSet<ChannelKey>,
) -> sqlx::Result<HashMap<ChannelKey, Cooldown>> {
    let rows = sqlx::query!(
        "SELECT c.guild_id, c.user_id, c.channel_id, c.rewarded_at, c.late_at
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (guild_id, user_id, channel_id)
           JOIN community.reward_cooldowns c USING (guild_id, user_id, channel_id)",
        &keys.iter().map(|key| key.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let cooldown = Cooldown { latest: Some(row.rewarded_at), late: row.late_at };
            ((row.guild_id, row.user_id, row.channel_id), cooldown)
        })
        .collect())
}

/// A cooldown to write: the latest rewarded message, and the last late one.
pub(super) type CooldownRow = (ChannelKey, DateTime<Utc>, Option<DateTime<Utc>>);

pub(super) async fn cooldowns_write(conn: &mut PgConnection, changed: &[CooldownRow]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO community.reward_cooldowns (guild_id, user_id, channel_id, rewarded_at, late_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
         ON CONFLICT ON CONSTRAINT pk_reward_cooldowns
         DO UPDATE SET rewarded_at = excluded.rewarded_at, late_at = excluded.late_at",
        &changed.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.1).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.2).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) type PairKey = (i64, i64, i64, NaiveDate);

pub(super) async fn pairs(
    conn: &mut PgConnection,
    keys: &BTreeSet<PairKey>,
) -> sqlx::Result<HashMap<PairKey, Pair>> {
    let rows = sqlx::query!(
        "SELECT p.guild_id, p.giver_id, p.receiver_id, p.day, p.reactions, p.rewarded
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::date[]) AS k (guild_id, giver_id, receiver_id, day)
           JOIN community.reaction_pairs p USING (guild_id, giver_id, receiver_id, day)",
        &keys.iter().map(|key| key.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.3).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|row| {
            let pair = Pair { reactions: count(row.reactions), rewarded: count(row.rewarded) };
            ((row.guild_id, row.giver_id, row.receiver_id, row.day), pair)
        })
        .collect())
}

pub(super) async fn pairs_write(conn: &mut PgConnection, pairs: &[(PairKey, Pair)]) -> sqlx::Result<()> {
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "INSERT INTO community.reaction_pairs (guild_id, giver_id, receiver_id, day, reactions, rewarded)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::date[], $5::int[], $6::int[])
         ON CONFLICT ON CONSTRAINT pk_reaction_pairs
         DO UPDATE SET reactions = excluded.reactions, rewarded = excluded.rewarded",
        &pairs.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &pairs.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &pairs.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &pairs.iter().map(|row| row.0.3).collect::<Vec<_>>(),
        &pairs.iter().map(|row| count(row.1.reactions)).collect::<Vec<_>>(),
        &pairs.iter().map(|row| count(row.1.rewarded)).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) type MessageKey = (i64, i64);

/// Who reacted to these messages: how many, and by name those since `since` and those of `reactors`.
pub(super) async fn reactions(
    conn: &mut PgConnection,
    messages: &BTreeSet<MessageKey>,
    reactors: &BTreeSet<i64>,
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<MessageKey, MessageReactions>> {
    let rows = sqlx::query!(
        r#"SELECT r.guild_id, r.message_id, count(*) AS "distinct!", sum(r.reactions)::bigint AS "total!",
                  array_agg(r.reactor_id) FILTER (WHERE r.reacted_at >= $4 OR r.reactor_id = ANY ($3)) AS who,
                  array_agg(r.reacted_at) FILTER (WHERE r.reacted_at >= $4 OR r.reactor_id = ANY ($3)) AS times
             FROM unnest($1::bigint[], $2::bigint[]) AS k (guild_id, message_id)
             JOIN community.message_reactors r USING (guild_id, message_id)
            GROUP BY r.guild_id, r.message_id"#,
        &messages.iter().map(|key| key.0).collect::<Vec<_>>(),
        &messages.iter().map(|key| key.1).collect::<Vec<_>>(),
        &reactors.iter().copied().collect::<Vec<_>>(),
        since,
    )
    .fetch_all(conn)
    .await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| {
            let who = row.who.unwrap_or_default().into_iter().zip(row.times.unwrap_or_default());
            let state = MessageReactions {
                distinct: count(row.distinct),
                total: count(row.total),
                recent: who.collect(),
            };
            ((row.guild_id, row.message_id), state)
        })
        .collect())
}

/// A reactor of a message: when they first reacted, and how often they did now.
pub(super) type Reactor = (i64, i64, i64, DateTime<Utc>, i32);

pub(super) async fn reactors_write(conn: &mut PgConnection, rows: &[Reactor]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO community.message_reactors AS r (guild_id, message_id, reactor_id, reacted_at, reactions)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::int[])
         ON CONFLICT ON CONSTRAINT pk_message_reactors DO UPDATE SET reactions = r.reactions + excluded.reactions",
        &rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.2).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.3).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.4).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody's stay in voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) channel: i64,
    pub(super) sitting: Sitting,
    pub(super) left_at: Option<DateTime<Utc>>,
    pub(super) earns: bool,
}

/// The stays of these members, and of everybody in the channels they are in or come into.
pub(super) async fn stays(
    conn: &mut PgConnection,
    users: &BTreeSet<(i64, i64)>,
    channels: &BTreeSet<(i64, i64)>,
) -> sqlx::Result<HashMap<(i64, i64), Stay>> {
    let rows = sqlx::query!(
        r#"WITH mine AS MATERIALIZED (
               SELECT v.guild_id, v.user_id, v.channel_id, v.left_at
                 FROM unnest($1::bigint[], $2::bigint[]) AS k (guild_id, user_id)
                 JOIN community.voice_sessions v USING (guild_id, user_id)
           ), places AS (
               SELECT guild_id, channel_id FROM mine WHERE left_at IS NULL
               UNION SELECT * FROM unnest($3::bigint[], $4::bigint[])
           ), wanted AS (
               SELECT guild_id, user_id FROM mine
               UNION
               SELECT v.guild_id, v.user_id
                 FROM community.voice_sessions v JOIN places USING (guild_id, channel_id) WHERE v.left_at IS NULL
           )
           SELECT v.guild_id, v.user_id, v.channel_id, v.joined_at, v.last_tick_at, v.muted, v.deafened, v.hour_starts_at,
                  v.ticks_in_hour, v.left_at, v.earns
             FROM wanted w JOIN community.voice_sessions v USING (guild_id, user_id)"#,
        &users.iter().map(|key| key.0).collect::<Vec<_>>(),
        &users.iter().map(|key| key.1).collect::<Vec<_>>(),
        &channels.iter().map(|key| key.0).collect::<Vec<_>>(),
        &channels.iter().map(|key| key.1).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let sitting = Sitting {
                user_id: row.user_id,
                joined_at: row.joined_at,
                last_tick_at: row.last_tick_at,
                muted: row.muted,
                deafened: row.deafened,
                hour_starts_at: row.hour_starts_at,
                ticks_in_hour: u32::try_from(row.ticks_in_hour).unwrap_or(0),
            };
            let stay = Stay { channel: row.channel_id, sitting, left_at: row.left_at, earns: row.earns };
            ((row.guild_id, row.user_id), stay)
        })
        .collect())
}

pub(super) async fn stays_write(conn: &mut PgConnection, stays: &[(i64, Stay)]) -> sqlx::Result<()> {
    let each = |f: fn(&Stay) -> DateTime<Utc>| stays.iter().map(|(_, stay)| f(stay)).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO community.voice_sessions AS v (guild_id, user_id, channel_id, joined_at, last_tick_at, muted, deafened,
                                                    hour_starts_at, ticks_in_hour, left_at, earns)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::boolean[],
                              $7::boolean[], $8::timestamptz[], $9::int[], $10::timestamptz[], $11::boolean[])
         ON CONFLICT ON CONSTRAINT pk_voice_sessions DO UPDATE
            SET channel_id = excluded.channel_id, joined_at = excluded.joined_at, last_tick_at = excluded.last_tick_at,
                muted = excluded.muted, deafened = excluded.deafened, hour_starts_at = excluded.hour_starts_at,
                ticks_in_hour = excluded.ticks_in_hour, left_at = excluded.left_at, earns = excluded.earns",
        &stays.iter().map(|(guild, _)| *guild).collect::<Vec<_>>(),
        &stays.iter().map(|(_, stay)| stay.sitting.user_id).collect::<Vec<_>>(),
        &stays.iter().map(|(_, stay)| stay.channel).collect::<Vec<_>>(),
        &each(|stay| stay.sitting.joined_at),
        &each(|stay| stay.sitting.last_tick_at),
        &stays.iter().map(|(_, stay)| stay.sitting.muted).collect::<Vec<_>>(),
        &stays.iter().map(|(_, stay)| stay.sitting.deafened).collect::<Vec<_>>(),
        &each(|stay| stay.sitting.hour_starts_at),
        &stays
            .iter()
            .map(|(_, stay)| i32::try_from(stay.sitting.ticks_in_hour).unwrap_or(i32::MAX))
            .collect::<Vec<_>>(),
        &stays.iter().map(|(_, stay)| stay.left_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &stays.iter().map(|(_, stay)| stay.earns).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rows of the lake, column by column.
#[derive(Default)]
pub(super) struct LakeRows<'a> {
    pub(super) guilds: Vec<i64>,
    pub(super) users: Vec<i64>,
    pub(super) types: Vec<&'static str>,
    pub(super) channels: Vec<Option<i64>>,
    pub(super) targets: Vec<Option<i64>>,
    pub(super) payloads: Vec<String>,
    pub(super) sources: Vec<&'a str>,
    pub(super) times: Vec<DateTime<Utc>>,
    pub(super) refused: Vec<Option<&'static str>>,
}

pub(super) async fn lake_insert(conn: &mut PgConnection, rows: &LakeRows<'_>) -> sqlx::Result<()> {
    let done = sqlx::query!(
        r#"INSERT INTO community.event_lake (guild_id, user_id, event_type, channel_id, target_id, payload, source_id,
                                             "timestamp", refused)
           SELECT guild_id, user_id, event_type, channel_id, target_id, payload::jsonb, source_id, at, refused
             FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
                         $8::timestamptz[], $9::text[])
                  AS i (guild_id, user_id, event_type, channel_id, target_id, payload, source_id, at, refused)"#,
        &rows.guilds,
        &rows.users,
        &rows.types as &[&str],
        &rows.channels as &[Option<i64>],
        &rows.targets as &[Option<i64>],
        &rows.payloads,
        &rows.sources as &[&str],
        &rows.times,
        &rows.refused as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, rows.guilds.len() as u64)?;
    Ok(())
}

/// A counter: guild, user, type, category (0 for all), period.
pub(super) type CounterKey = (i64, i64, &'static str, i32, Period);

/// What a counter counts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Period {
    Day(NaiveDate),
    Lifetime,
    Season,
}

impl Period {
    fn text(self) -> String {
        match self {
            Self::Day(day) => format!("day:{}", day.format("%Y-%m-%d")),
            Self::Lifetime => "lifetime".to_owned(),
            Self::Season => "season".to_owned(),
        }
    }
}

/// A counter of category 0 after the batch.
pub(super) struct Counted {
    pub(super) guild_id: i64,
    pub(super) user_id: i64,
    pub(super) event_type: String,
    pub(super) period: String,
    pub(super) count: i64,
}

/// Adds to the counters, and answers what became of those of category 0 that somebody asks about: today's messages, and with
/// `lifetime` those of a lifetime.
pub(super) async fn counters_add(
    conn: &mut PgConnection,
    counters: &[(CounterKey, i64)],
    lifetime: bool,
) -> sqlx::Result<Vec<Counted>> {
    sqlx::query_as!(
        Counted,
        r#"WITH written AS (
               INSERT INTO community.event_counters AS c (guild_id, user_id, event_type, category_id, period, count)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::text[], $6::bigint[])
               ON CONFLICT ON CONSTRAINT pk_event_counters DO UPDATE SET count = c.count + excluded.count
               RETURNING guild_id, user_id, event_type, category_id, period, count
           )
           SELECT guild_id, user_id, event_type, period, count FROM written
            WHERE category_id = 0
              AND ((event_type = 'message_create' AND period LIKE 'day:%') OR ($7 AND period = 'lifetime'))"#,
        &counters.iter().map(|(key, _)| key.0).collect::<Vec<_>>(),
        &counters.iter().map(|(key, _)| key.1).collect::<Vec<_>>(),
        &counters.iter().map(|(key, _)| key.2).collect::<Vec<_>>() as &[&str],
        &counters.iter().map(|(key, _)| key.3).collect::<Vec<_>>(),
        &counters.iter().map(|(key, _)| key.4.text()).collect::<Vec<_>>(),
        &counters.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        lifetime,
    )
    .fetch_all(conn)
    .await
}

/// What members become.
#[derive(Default)]
pub(super) struct MemberRows {
    pub(super) guilds: Vec<i64>,
    pub(super) users: Vec<i64>,
    pub(super) xp: Vec<i64>,
    pub(super) stars: Vec<i64>,
    pub(super) levels: Vec<i32>,
    pub(super) gold: Vec<i64>,
    pub(super) active: Vec<Option<DateTime<Utc>>>,
    pub(super) joined: Vec<DateTime<Utc>>,
    pub(super) left: Vec<Option<DateTime<Utc>>>,
}

pub(super) async fn members_write(conn: &mut PgConnection, rows: &MemberRows) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "UPDATE community.members m
            SET xp = i.xp, stars = i.stars, level = i.level, gold = m.gold + i.gold, last_active_at = i.active,
                joined_at = i.joined, left_at = i.left_at
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::bigint[], $7::timestamptz[],
                       $8::timestamptz[], $9::timestamptz[])
                AS i (guild_id, user_id, xp, stars, level, gold, active, joined, left_at)
          WHERE m.guild_id = i.guild_id AND m.user_id = i.user_id",
        &rows.guilds,
        &rows.users,
        &rows.xp,
        &rows.stars,
        &rows.levels,
        &rows.gold,
        &rows.active as &[Option<DateTime<Utc>>],
        &rows.joined,
        &rows.left as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, rows.guilds.len() as u64)?;
    Ok(())
}

/// Remembers that levels were reached; answers which were reached for the first time, by position.
pub(super) async fn levels_insert(
    conn: &mut PgConnection,
    levels: &[(i64, i64, i32)],
) -> sqlx::Result<Vec<(i64, i64, i32)>> {
    let causes: Vec<String> =
        levels.iter().map(|(_, user, level)| format!("level_up:{user}:{level}")).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO community.activity_keys (guild_id, source_system, source_event_id, "timestamp")
           SELECT guild_id, 'community', cause, now() FROM unnest($1::bigint[], $2::text[]) AS i (guild_id, cause)
            ORDER BY 1, 3
           ON CONFLICT DO NOTHING
           RETURNING guild_id, split_part(source_event_id, ':', 2)::bigint AS "user_id!",
                     split_part(source_event_id, ':', 3)::int AS "level!""#,
        &levels.iter().map(|row| row.0).collect::<Vec<_>>(),
        &causes,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild_id, row.user_id, row.level)).collect())
}

/// Rows of the journal, column by column.
#[derive(Default)]
pub(super) struct JournalRows {
    pub(super) guilds: Vec<i64>,
    pub(super) users: Vec<i64>,
    pub(super) events: Vec<&'static str>,
    pub(super) seasons: Vec<Option<i32>>,
    pub(super) categories: Vec<Option<i32>>,
    pub(super) systems: Vec<&'static str>,
    pub(super) causes: Vec<String>,
    pub(super) xp: Vec<i32>,
    pub(super) stars: Vec<i32>,
    pub(super) gold: Vec<i32>,
    pub(super) metadata: Vec<String>,
    pub(super) times: Vec<DateTime<Utc>>,
}

pub(super) async fn journal_insert(conn: &mut PgConnection, rows: &JournalRows) -> sqlx::Result<()> {
    let done = sqlx::query!(
        r#"INSERT INTO community.activity_log (guild_id, user_id, event_type, season_id, category_id, source_system,
                                               source_event_id, xp_delta, star_delta, gold_delta, metadata, "timestamp")
           SELECT guild_id, user_id, event_type, season_id, category_id, system, cause, xp, stars, gold, metadata::jsonb, at
             FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::int[],
                         $9::int[], $10::int[], $11::text[], $12::timestamptz[])
                  AS i (guild_id, user_id, event_type, season_id, category_id, system, cause, xp, stars, gold, metadata, at)"#,
        &rows.guilds,
        &rows.users,
        &rows.events as &[&str],
        &rows.seasons as &[Option<i32>],
        &rows.categories as &[Option<i32>],
        &rows.systems as &[&str],
        &rows.causes,
        &rows.xp,
        &rows.stars,
        &rows.gold,
        &rows.metadata,
        &rows.times,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, rows.guilds.len() as u64)?;
    Ok(())
}

/// What a batch adds to a member's season.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeasonDelta {
    pub(super) xp: i64,
    pub(super) stars: i64,
    pub(super) messages_sent: i32,
    pub(super) reactions_given: i32,
    pub(super) reactions_received: i32,
    pub(super) threads_created: i32,
    pub(super) voice_minutes: i32,
}

/// Guild, user, season.
pub(super) type SeasonKey = (i64, i64, i32);

/// A member's season after the batch.
pub(super) struct SeasonTotals {
    pub(super) guild_id: i64,
    pub(super) user_id: i64,
    pub(super) season_id: i32,
    pub(super) season_xp: i64,
    pub(super) season_stars: i64,
    pub(super) messages_sent: i32,
    pub(super) reactions_given: i32,
    pub(super) reactions_received: i32,
    pub(super) threads_created: i32,
    pub(super) voice_minutes: i32,
}

/// Adds to members' seasons; `lifetime` are their stars after the batch. Answers the totals if they are wanted.
pub(super) async fn seasons_add(
    conn: &mut PgConnection,
    deltas: &[(SeasonKey, SeasonDelta, i64)],
    wanted: bool,
) -> sqlx::Result<Vec<SeasonTotals>> {
    let int = |f: fn(&SeasonDelta) -> i32| deltas.iter().map(|row| f(&row.1)).collect::<Vec<_>>();
    sqlx::query_as!(
        SeasonTotals,
        r#"WITH written AS (
               INSERT INTO community.user_stats AS s (guild_id, user_id, season_id, season_xp, season_stars, lifetime_stars,
                   messages_sent, reactions_given, reactions_received, threads_created, voice_minutes)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[],
                                    $8::int[], $9::int[], $10::int[], $11::int[])
               ON CONFLICT ON CONSTRAINT pk_user_stats DO UPDATE
                  SET season_xp = s.season_xp + excluded.season_xp, season_stars = s.season_stars + excluded.season_stars,
                      lifetime_stars = coalesce(nullif(excluded.lifetime_stars, 0), s.lifetime_stars),
                      messages_sent = s.messages_sent + excluded.messages_sent,
                      reactions_given = s.reactions_given + excluded.reactions_given,
                      reactions_received = s.reactions_received + excluded.reactions_received,
                      threads_created = s.threads_created + excluded.threads_created,
                      voice_minutes = s.voice_minutes + excluded.voice_minutes
               RETURNING guild_id, user_id, season_id, season_xp, season_stars, messages_sent, reactions_given,
                         reactions_received, threads_created, voice_minutes
           )
           SELECT * FROM written WHERE $12"#,
        &deltas.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &deltas.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &deltas.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &deltas.iter().map(|row| row.1.xp).collect::<Vec<_>>(),
        &deltas.iter().map(|row| row.1.stars).collect::<Vec<_>>(),
        &deltas.iter().map(|row| row.2).collect::<Vec<_>>(),
        &int(|delta| delta.messages_sent),
        &int(|delta| delta.reactions_given),
        &int(|delta| delta.reactions_received),
        &int(|delta| delta.threads_created),
        &int(|delta| delta.voice_minutes),
        wanted,
    )
    .fetch_all(conn)
    .await
}
