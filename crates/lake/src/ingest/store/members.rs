//! Members: locked before rewarding, written after it; and the levels they reached.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use progress::EventType;
use sqlx::PgConnection;

/// A member as they are before the batch.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Locked {
    pub(in crate::ingest) xp: i64,
    pub(in crate::ingest) stars: i64,
    pub(in crate::ingest) level: i32,
    pub(in crate::ingest) is_bot: bool,
    pub(in crate::ingest) joined_at: DateTime<Utc>,
    pub(in crate::ingest) left_at: Option<DateTime<Utc>>,
    pub(in crate::ingest) last_active_at: Option<DateTime<Utc>>,
    /// When they last did something here, as far as it was asked for and is known ([`present_at`]).
    pub(in crate::ingest) present_at: Option<DateTime<Utc>>,
}

/// Somebody whom events speak of.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Seen {
    /// The time of the first event that does.
    pub(in crate::ingest) at: DateTime<Utc>,
    /// Whether one says that it is a bot.
    pub(in crate::ingest) is_bot: bool,
}

/// Locks the members in the order of their keys; those who were never seen are made first.
pub(in crate::ingest) async fn members_lock(
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

/// Locks those of the members who are known, in the order of their keys.
pub(in crate::ingest) async fn members_lock_known(
    conn: &mut PgConnection,
    keys: &[(i64, i64)],
) -> sqlx::Result<HashMap<(i64, i64), Locked>> {
    let (guilds, users): (Vec<i64>, Vec<i64>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        "SELECT m.guild_id, m.user_id, m.xp, m.stars, m.level, m.is_bot, m.joined_at, m.left_at, m.last_active_at
           FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id) k
           JOIN people.members m ON m.guild_id = k.guild_id AND m.user_id = k.user_id
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
                present_at: None,
            };
            ((row.guild_id, row.user_id), member)
        })
        .collect())
}

/// When those of whom it is told that they left last did something that only members can, after that. A farewell that comes late
/// must not hide who came back since.
pub(in crate::ingest) async fn present_at(
    conn: &mut PgConnection,
    farewells: &BTreeMap<(i64, i64), DateTime<Utc>>,
) -> sqlx::Result<Vec<((i64, i64), DateTime<Utc>)>> {
    let present: Vec<&str> =
        EventType::ALL.into_iter().filter(|kind| shows_presence(*kind)).map(EventType::as_str).collect();
    let (guilds, users): (Vec<i64>, Vec<i64>) = farewells.keys().copied().unzip();
    let rows = sqlx::query!(
        r#"SELECT k.guild_id AS "guild_id!", k.user_id AS "user_id!", e.at AS "at!"
             FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id,
                          unnest($3::timestamptz[]) AS left_at) k
            CROSS JOIN LATERAL (
                  SELECT l."timestamp" AS at FROM lake.event_lake l
                   WHERE l.guild_id = k.guild_id AND l.user_id = k.user_id AND l."timestamp" > k.left_at
                     AND l.event_type = ANY ($4)
                   ORDER BY l."timestamp" DESC LIMIT 1) e"#,
        &guilds,
        &users,
        &farewells.values().copied().collect::<Vec<_>>(),
        &present as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.guild_id, row.user_id), row.at)).collect())
}

/// Whether an event shows that who did it is a member at its time. Who is gone is thrown out of voice, and their reactions are
/// removed: Discord tells both of people who left before.
pub(in crate::ingest) const fn shows_presence(kind: EventType) -> bool {
    match kind {
        EventType::MessageCreate
        | EventType::ReactionAdd
        | EventType::ThreadCreate
        | EventType::VoiceJoin
        | EventType::VoiceMove
        | EventType::MemberJoin => true,
        EventType::ReactionRemove | EventType::VoiceLeave | EventType::MemberLeave => false,
    }
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
               SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id, unnest($3::timestamptz[]) AS at,
                      unnest($4::boolean[]) AS is_bot
           ), known_guilds AS (
               INSERT INTO people.guilds (guild_id, name)
               SELECT DISTINCT guild_id, 'Guild ' || guild_id FROM input ORDER BY 1
               ON CONFLICT ON CONSTRAINT pk_guilds DO NOTHING
           ), known_users AS (
               INSERT INTO people.users (id) SELECT DISTINCT user_id FROM input ORDER BY 1
               ON CONFLICT ON CONSTRAINT pk_users DO NOTHING
           )
           INSERT INTO people.members (guild_id, user_id, joined_at, is_bot)
           SELECT guild_id, user_id, at, is_bot FROM input ORDER BY guild_id, user_id
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

/// What members become.
#[derive(Default)]
pub(in crate::ingest) struct MemberRows {
    pub(in crate::ingest) guilds: Vec<i64>,
    pub(in crate::ingest) users: Vec<i64>,
    pub(in crate::ingest) xp: Vec<i64>,
    pub(in crate::ingest) stars: Vec<i64>,
    pub(in crate::ingest) levels: Vec<i32>,
    pub(in crate::ingest) gold: Vec<i64>,
    pub(in crate::ingest) active: Vec<Option<DateTime<Utc>>>,
    pub(in crate::ingest) joined: Vec<DateTime<Utc>>,
    pub(in crate::ingest) left: Vec<Option<DateTime<Utc>>>,
}

pub(in crate::ingest) async fn members_write(conn: &mut PgConnection, rows: &MemberRows) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "UPDATE people.members m
            SET xp = i.xp, stars = i.stars, level = i.level, gold = m.gold + i.gold, last_active_at = i.active,
                joined_at = i.joined, left_at = i.left_at, updated_at = now()
           FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id, unnest($3::bigint[]) AS xp,
                        unnest($4::bigint[]) AS stars, unnest($5::int[]) AS level, unnest($6::bigint[]) AS gold,
                        unnest($7::timestamptz[]) AS active, unnest($8::timestamptz[]) AS joined,
                        unnest($9::timestamptz[]) AS left_at) i
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
pub(in crate::ingest) async fn levels_insert(
    conn: &mut PgConnection,
    levels: &[(i64, i64, i32)],
) -> sqlx::Result<Vec<(i64, i64, i32)>> {
    let causes: Vec<String> =
        levels.iter().map(|(_, user, level)| format!("level_up:{user}:{level}")).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO progress.activity_keys (guild_id, source_system, source_event_id, "timestamp")
           SELECT guild_id, 'community', cause, now() FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::text[]) AS cause) i
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
