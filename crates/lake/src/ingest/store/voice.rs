//! Who sits in which voice channel, and since when.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use progress::EventType;
use progress::rewards::Sitting;
use sqlx::PgConnection;

use crate::ingest::voice::{Earned, Happening};

/// What happens in voice, as the lake calls it.
const KINDS: [&str; 3] = ["voice_join", "voice_leave", "voice_move"];

/// Somebody's stay in voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Stay {
    pub(in crate::ingest) channel: i64,
    pub(in crate::ingest) sitting: Sitting,
    pub(in crate::ingest) left_at: Option<DateTime<Utc>>,
    pub(in crate::ingest) earns: bool,
}

/// The stays of these members, and of everybody in the channels they are in or come into.
pub(in crate::ingest) async fn stays(
    conn: &mut PgConnection,
    users: &BTreeSet<(i64, i64)>,
    channels: &BTreeSet<(i64, i64)>,
) -> sqlx::Result<HashMap<(i64, i64), Stay>> {
    let rows = sqlx::query!(
        r#"WITH mine AS MATERIALIZED (
               SELECT v.guild_id, v.user_id, v.channel_id, v.left_at
                 FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id) k
                 JOIN lake.voice_sessions v USING (guild_id, user_id)
           ), places AS (
               SELECT guild_id, channel_id FROM mine WHERE left_at IS NULL
               UNION SELECT unnest($3::bigint[]), unnest($4::bigint[])
           ), wanted AS (
               SELECT guild_id, user_id FROM mine
               UNION
               SELECT v.guild_id, v.user_id
                 FROM lake.voice_sessions v JOIN places USING (guild_id, channel_id) WHERE v.left_at IS NULL
           )
           SELECT v.guild_id, v.user_id, v.channel_id, v.joined_at, v.last_tick_at, v.muted, v.deafened, v.hour_starts_at,
                  v.ticks_in_hour, v.left_at, v.earns
             FROM wanted w JOIN lake.voice_sessions v USING (guild_id, user_id)"#,
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

pub(in crate::ingest) async fn stays_write(
    conn: &mut PgConnection,
    stays: &[(i64, Stay)],
) -> sqlx::Result<()> {
    let each = |f: fn(&Stay) -> DateTime<Utc>| stays.iter().map(|(_, stay)| f(stay)).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO lake.voice_sessions AS v (guild_id, user_id, channel_id, joined_at, last_tick_at, muted, deafened,
                                                    hour_starts_at, ticks_in_hour, left_at, earns)
         SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::timestamptz[]), unnest($5::timestamptz[]),
                unnest($6::boolean[]), unnest($7::boolean[]), unnest($8::timestamptz[]), unnest($9::int[]),
                unnest($10::timestamptz[]), unnest($11::boolean[])
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

/// Which of these guilds had something happen in voice after this time, by what is known already.
pub(in crate::ingest) async fn voice_behind(
    conn: &mut PgConnection,
    first: &BTreeMap<i64, DateTime<Utc>>,
) -> sqlx::Result<BTreeSet<i64>> {
    let guilds = sqlx::query_scalar!(
        r#"SELECT k.guild_id AS "guild_id!"
             FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::timestamptz[]) AS at) k
            WHERE EXISTS (SELECT FROM unnest($3::text[]) AS t (event_type)
                            JOIN LATERAL (SELECT FROM lake.event_lake l
                                           WHERE l.guild_id = k.guild_id AND l.event_type = t.event_type AND l."timestamp" > k.at
                                           LIMIT 1) l ON true)"#,
        &first.keys().copied().collect::<Vec<_>>(),
        &first.values().copied().collect::<Vec<_>>(),
        &KINDS as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(guilds.into_iter().collect())
}

/// A row of the lake, as something that happened in voice.
struct Row {
    id: i64,
    user_id: i64,
    event_type: String,
    channel_id: Option<i64>,
    at: DateTime<Utc>,
    muted: bool,
    deafened: bool,
    refused: Option<String>,
}

impl Row {
    fn happening(self) -> Option<(i64, Happening)> {
        let what = Happening {
            user: self.user_id,
            kind: self.event_type.parse::<EventType>().ok()?,
            channel: self.channel_id,
            at: self.at,
            muted: self.muted,
            deafened: self.deafened,
            refused: self.refused.as_deref().and_then(|text| text.parse().ok()),
        };
        Some((self.id, what))
    }
}

/// What happened in a guild's voice from this event (time and id) on, without it, in the order of time.
pub(in crate::ingest) async fn voice_after(
    conn: &mut PgConnection,
    guild: i64,
    (at, id): (DateTime<Utc>, i64),
    limit: i64,
) -> sqlx::Result<Vec<(i64, Happening)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT l.id AS "id!", l.user_id AS "user_id!", l.event_type AS "event_type!", l.channel_id, l."timestamp" AS "at!",
                  coalesce((l.payload->>'muted')::boolean, false) AS "muted!",
                  coalesce((l.payload->>'deafened')::boolean, false) AS "deafened!", l.refused
             FROM unnest($2::text[]) AS t (kind)
            CROSS JOIN LATERAL (
                  SELECT * FROM lake.event_lake l
                   WHERE l.guild_id = $1 AND l.event_type = t.kind AND l."timestamp" >= $3 AND (l."timestamp", l.id) > ($3, $4)
                   ORDER BY l."timestamp", l.id LIMIT $5) l
            ORDER BY l."timestamp", l.id LIMIT $5"#,
        guild,
        &KINDS as &[&str],
        at,
        id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(Row::happening).collect())
}

/// What those did in voice before this time, from their last coming or going on, who may have been there then: these members, who is there
/// still, and who does something there until a day after what is new.
pub(in crate::ingest) async fn voice_before(
    conn: &mut PgConnection,
    guild: i64,
    (since, last): (DateTime<Utc>, DateTime<Utc>),
    users: &BTreeSet<i64>,
) -> sqlx::Result<Vec<Happening>> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH asked AS (
               SELECT unnest($4::bigint[]) AS user_id
               UNION
               SELECT user_id FROM lake.voice_sessions WHERE guild_id = $1 AND left_at IS NULL AND joined_at < $3
               UNION
               SELECT user_id FROM lake.event_lake
                WHERE guild_id = $1 AND event_type = ANY ($2)
                  AND "timestamp" >= $3 AND "timestamp" < $5::timestamptz + interval '1 day'
           )
           SELECT l.id AS "id!", l.user_id AS "user_id!", l.event_type AS "event_type!", l.channel_id, l."timestamp" AS "at!",
                  coalesce((l.payload->>'muted')::boolean, false) AS "muted!",
                  coalesce((l.payload->>'deafened')::boolean, false) AS "deafened!", l.refused
             FROM asked a
            CROSS JOIN LATERAL (
                  SELECT coalesce((SELECT e."timestamp" FROM lake.event_lake e
                                    WHERE e.guild_id = $1 AND e.user_id = a.user_id AND e."timestamp" < $3
                                      AND e.event_type IN ('voice_join', 'voice_leave')
                                    ORDER BY e."timestamp" DESC LIMIT 1), '-infinity') AS at) j
             JOIN lake.event_lake l
               ON l.guild_id = $1 AND l.user_id = a.user_id AND l."timestamp" >= j.at AND l."timestamp" < $3
              AND l.event_type = ANY ($2)
            ORDER BY l."timestamp", l.id"#,
        guild,
        &KINDS as &[&str],
        since,
        &users.iter().copied().collect::<Vec<_>>(),
        last,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| row.happening().map(|(_, what)| what)).collect())
}

/// What was paid for these ticks until now, in XP and stars, in their order.
pub(in crate::ingest) async fn ticks_paid(
    conn: &mut PgConnection,
    guild: i64,
    ticks: &[Earned],
) -> sqlx::Result<Vec<(i32, i32)>> {
    if ticks.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"SELECT k.n AS "n!", coalesce(sum(l.xp_delta), 0)::int AS "xp!", coalesce(sum(l.star_delta), 0)::int AS "stars!"
             FROM unnest($2::bigint[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS k (user_id, at, cause, n)
             LEFT JOIN progress.activity_log l
               ON l.guild_id = $1 AND l.user_id = k.user_id AND l."timestamp" = k.at AND l.source_event_id = k.cause
              AND l.event_type = 'VOICE_TICK'
            GROUP BY k.n ORDER BY k.n"#,
        guild,
        &ticks.iter().map(|tick| tick.user).collect::<Vec<_>>(),
        &ticks.iter().map(|tick| tick.at).collect::<Vec<_>>(),
        &ticks.iter().map(Earned::cause).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.xp, row.stars)).collect())
}
