//! The lake: keys that say which events are new, the events' rows, and the journal of what they earned.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use kernel::{ChannelId, UserId};
use sqlx::PgConnection;

use crate::ingest::event::Event;

/// An event's key and its time: guild, source, when.
pub(in crate::ingest) type EventKey<'a> = (i64, &'a str, DateTime<Utc>);

/// Remembers the events' keys, which differ from each other; fails on `pk_event_keys` if one is known already.
pub(in crate::ingest) async fn keys_insert_new(
    conn: &mut PgConnection,
    keys: &[EventKey<'_>],
) -> sqlx::Result<()> {
    let order = neighbours(keys);
    sqlx::query!(
        r#"INSERT INTO lake.event_keys (guild_id, source_id, "timestamp")
           SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::timestamptz[])"#,
        &column(&order, |n| keys[*n].0),
        &column(&order, |n| keys[*n].1) as &[&str],
        &column(&order, |n| keys[*n].2),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers the events' keys, which differ from each other; answers which of them (by position) were known already.
pub(in crate::ingest) async fn keys_insert(
    conn: &mut PgConnection,
    keys: &[EventKey<'_>],
) -> sqlx::Result<Vec<usize>> {
    let order = neighbours(keys);
    let guilds = column(&order, |n| keys[*n].0);
    let sources = column(&order, |n| keys[*n].1);
    let inserted = sqlx::query!(
        r#"INSERT INTO lake.event_keys (guild_id, source_id, "timestamp")
           SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::timestamptz[])
           ON CONFLICT ON CONSTRAINT pk_event_keys DO NOTHING"#,
        &guilds,
        &sources as &[&str],
        &column(&order, |n| keys[*n].2),
    )
    .execute(&mut *conn)
    .await?;
    // It is asked which only if there are any: those that another transaction brought.
    if inserted.rows_affected() == keys.len() as u64 {
        return Ok(Vec::new());
    }
    let known = sqlx::query_scalar!(
        r#"SELECT i.n AS "n!"
             FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS i (guild_id, source_id, n)
             JOIN lake.event_keys k ON k.guild_id = i.guild_id AND k.source_id = i.source_id
            WHERE k.xmin <> pg_current_xact_id()::xid"#,
        &guilds,
        &sources as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(known.into_iter().filter_map(|n| order.get(usize::try_from(n - 1).ok()?).copied()).collect())
}

/// The keys' positions, neighbours in the index one after the other.
fn neighbours(keys: &[EventKey<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|n| (keys[*n].0, keys[*n].1));
    order
}

/// A row of the lake.
pub(in crate::ingest) struct LakeRow<'a> {
    pub(in crate::ingest) guild: i64,
    pub(in crate::ingest) event: &'a Event,
    pub(in crate::ingest) refused: Option<&'static str>,
}

/// Puts the events into the lake. In the order of members, so that rows that lie close in the index by member come close in time.
pub(in crate::ingest) async fn lake_insert(
    conn: &mut PgConnection,
    mut rows: Vec<LakeRow<'_>>,
) -> sqlx::Result<()> {
    rows.sort_by_key(|row| (row.guild, row.event.user_id, row.event.timestamp));
    let done = sqlx::query!(
        r#"INSERT INTO lake.event_lake (guild_id, user_id, event_type, channel_id, target_id, payload, source_id,
                                             "timestamp", refused)
           SELECT guild_id, user_id, event_type, channel_id, target_id, payload::jsonb, source_id, at, refused
             FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id, unnest($3::text[]) AS event_type,
                          unnest($4::bigint[]) AS channel_id, unnest($5::bigint[]) AS target_id, unnest($6::text[]) AS payload,
                          unnest($7::text[]) AS source_id, unnest($8::timestamptz[]) AS at, unnest($9::text[]) AS refused) i"#,
        &column(&rows, |row| row.guild),
        &column(&rows, |row| row.event.user_id.get()),
        &column(&rows, |row| row.event.event_type.as_str()) as &[&str],
        &column(&rows, |row| row.event.channel_id.map(ChannelId::get)) as &[Option<i64>],
        &column(&rows, |row| row.event.target_id.map(UserId::get)) as &[Option<i64>],
        &column(&rows, |row| serde_json::to_string(&row.event.payload).unwrap_or_else(|_| "{}".to_owned())),
        &column(&rows, |row| row.event.source()) as &[&str],
        &column(&rows, |row| row.event.timestamp),
        &column(&rows, |row| row.refused) as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, rows.len() as u64)?;
    Ok(())
}

/// A row of the journal.
pub(in crate::ingest) struct JournalRow {
    pub(in crate::ingest) guild: i64,
    pub(in crate::ingest) user: i64,
    pub(in crate::ingest) event: &'static str,
    pub(in crate::ingest) season: Option<i32>,
    pub(in crate::ingest) category: Option<i32>,
    pub(in crate::ingest) system: &'static str,
    pub(in crate::ingest) cause: String,
    pub(in crate::ingest) xp: i32,
    pub(in crate::ingest) stars: i32,
    pub(in crate::ingest) gold: i32,
    pub(in crate::ingest) metadata: Cow<'static, str>,
    pub(in crate::ingest) at: DateTime<Utc>,
}

/// Writes the journal, in the order of members as the lake.
pub(in crate::ingest) async fn journal_insert(
    conn: &mut PgConnection,
    mut rows: Vec<JournalRow>,
) -> sqlx::Result<()> {
    rows.sort_by_key(|row| (row.guild, row.user, row.at));
    let done = sqlx::query!(
        r#"INSERT INTO progress.activity_log (guild_id, user_id, event_type, season_id, category_id, source_system,
                                               source_event_id, xp_delta, star_delta, gold_delta, metadata, "timestamp")
           SELECT guild_id, user_id, event_type, season_id, category_id, system, cause, xp, stars, gold, metadata::jsonb, at
             FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id, unnest($3::text[]) AS event_type,
                          unnest($4::int[]) AS season_id, unnest($5::int[]) AS category_id, unnest($6::text[]) AS system,
                          unnest($7::text[]) AS cause, unnest($8::int[]) AS xp, unnest($9::int[]) AS stars,
                          unnest($10::int[]) AS gold, unnest($11::text[]) AS metadata, unnest($12::timestamptz[]) AS at) i"#,
        &column(&rows, |row| row.guild),
        &column(&rows, |row| row.user),
        &column(&rows, |row| row.event) as &[&str],
        &column(&rows, |row| row.season) as &[Option<i32>],
        &column(&rows, |row| row.category) as &[Option<i32>],
        &column(&rows, |row| row.system) as &[&str],
        &column(&rows, |row| row.cause.as_str()) as &[&str],
        &column(&rows, |row| row.xp),
        &column(&rows, |row| row.stars),
        &column(&rows, |row| row.gold),
        &column(&rows, |row| &*row.metadata) as &[&str],
        &column(&rows, |row| row.at),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, rows.len() as u64)?;
    Ok(())
}

/// A column of the rows.
fn column<'r, R, T>(rows: &'r [R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
