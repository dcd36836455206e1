//! Who sits in which voice channel, and since when.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use progress::rewards::Sitting;
use sqlx::PgConnection;

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
