//! What is known of the event lake: its events, why they earned what they did, how it fares; and its retention.
//!
//! Promises: lists are keyset pages that use the lake's indexes; retention drops whole months and never a row.

use access::settings::settings_read;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{ChannelId, Cursor, GuildId, Limit, Page, Problem, UserId};
use progress::EventType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::ingest::LakeSettings;

mod explain;

pub use explain::{Explained, ExplainedReward, explain};

/// An event in the lake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LakeEvent {
    /// Its number, in order of arrival.
    pub id: i64,
    /// What happened.
    pub event_type: String,
    /// Who did it.
    pub user_id: UserId,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<UserId>,
    /// What makes it count once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// Figures about it.
    pub payload: Value,
    /// Why it earned nothing, where a limit said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Which events.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LakeQuery {
    /// Only of this type.
    pub event_type: Option<EventType>,
    /// Only by this member.
    pub user_id: Option<UserId>,
    /// Only in this channel.
    pub channel_id: Option<ChannelId>,
    /// Not before this time; 90 days ago unless told.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    pub since: Option<DateTime<Utc>>,
    /// Before this time; now unless told.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    pub until: Option<DateTime<Utc>>,
    /// How many events to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}

/// A page of events, newest first.
#[kernel::boxed]
pub async fn events(pool: &PgPool, guild: GuildId, query: &LakeQuery) -> Result<Page<LakeEvent>, Problem> {
    let limit = Limit::new(query.limit)?;
    let after: Option<(DateTime<Utc>, i64)> = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let until = query.until.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let (at, id) = after.unwrap_or((until.min(kernel::page::far()), i64::MAX));
    let mut conn = db::acquire(pool).await?;
    let rows = sqlx::query_as!(
        LakeEvent,
        r#"SELECT id, event_type, user_id AS "user_id: UserId", channel_id AS "channel_id: ChannelId",
                  target_id AS "target_id: UserId", source_id, "timestamp", payload, refused
             FROM lake.event_lake
            WHERE guild_id = $1 AND "timestamp" >= coalesce($2, now() - interval '90 days') AND "timestamp" < $3
              AND ("timestamp", id) < ($4, $5)
              AND ($6::text IS NULL OR event_type = $6) AND ($7::bigint IS NULL OR user_id = $7)
              AND ($8::bigint IS NULL OR channel_id = $8)
            ORDER BY "timestamp" DESC, id DESC LIMIT $9"#,
        guild.get(),
        query.since,
        until.min(kernel::page::far()),
        at,
        id,
        query.event_type.map(EventType::as_str),
        query.user_id.map(UserId::get),
        query.channel_id.map(ChannelId::get),
        limit.plus_one(),
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(Page::new(rows, limit, |event| (event.timestamp, event.id)))
}

/// Events of a day and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayCount {
    /// The UTC day.
    pub day: NaiveDate,
    /// The type.
    pub event_type: String,
    /// How many.
    pub events: i64,
}

/// A month of the lake, of all guilds together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LakeMonth {
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// Bytes on disk, indexes included.
    pub bytes: i64,
    /// Events in it, as PostgreSQL estimates.
    pub events: i64,
}

/// How the lake fares.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LakeHealth {
    /// When the newest event of the guild happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
    /// Events of the guild in the last 24 hours.
    pub last_day: i64,
    /// Events of the guild by day and type, of the last 14 days.
    pub days: Vec<DayCount>,
    /// Types that the guild does not take.
    pub switched_off: Vec<EventType>,
    /// Days for which the guild's events are kept at least.
    pub retention_days: u32,
    /// The months there are, of all guilds.
    pub months: Vec<LakeMonth>,
    /// Bytes that the lake takes, of all guilds.
    pub bytes: i64,
    /// Bytes that an event takes, indexes included.
    pub bytes_per_event: i64,
    /// Bytes that the guild's events will take once the retention is full, at the pace of the last seven whole days, or of as many as
    /// there are; of today where there is none.
    pub projected_bytes: i64,
}

/// How the lake fares, for a guild.
#[kernel::boxed]
pub async fn health(pool: &PgPool, guild: GuildId) -> Result<LakeHealth, Error> {
    let mut conn = db::acquire(pool).await?;
    let settings: LakeSettings = settings_read(&mut conn, Some(guild)).await?;
    let days = sqlx::query_as!(
        DayCount,
        "SELECT day, kind AS event_type, count AS events
           FROM progress.guild_days
          WHERE guild_id = $1 AND day BETWEEN (now() AT TIME ZONE 'UTC')::date - 13 AND (now() AT TIME ZONE 'UTC')::date
            AND kind = ANY ($2) AND count > 0
          ORDER BY day, kind",
        guild.get(),
        &EventType::ALL.map(EventType::as_str) as &[&str],
    )
    .fetch_all(&mut *conn)
    .await?;
    let recent = sqlx::query!(
        r#"SELECT (SELECT max("timestamp") FROM lake.event_lake WHERE guild_id = $1) AS newest,
                  (SELECT count(*) FROM lake.event_lake
                    WHERE guild_id = $1 AND "timestamp" > now() - interval '1 day') AS "last_day!",
                  (now() AT TIME ZONE 'UTC')::date AS "today!""#,
        guild.get(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let months = sqlx::query_as!(
        LakeMonth,
        r#"SELECT p.starts_at AS "starts_at!", pg_total_relation_size(p.partition_name) AS "bytes!",
                  greatest(c.reltuples, 0)::bigint AS "events!"
             FROM questhall.month_partitions('lake.event_lake') p JOIN pg_class c ON c.oid = p.partition_name
            ORDER BY 1"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let (bytes, known): (i64, i64) =
        months.iter().fold((0, 0), |(bytes, events), month| (bytes + month.bytes, events + month.events));
    // Before PostgreSQL has counted, what an event was measured to take.
    let bytes_per_event = if known > 1_000 { bytes / known } else { 450 };
    let pace = pace(&days, recent.today);
    Ok(LakeHealth {
        newest: recent.newest,
        last_day: recent.last_day,
        days,
        switched_off: settings.switched_off,
        retention_days: settings.retention_days,
        months,
        bytes,
        bytes_per_event,
        projected_bytes: pace * i64::from(settings.retention_days) * bytes_per_event,
    })
}

/// Events a day: of the last seven whole days, or of those since the guild's first; of today where that is the first.
fn pace(days: &[DayCount], today: NaiveDate) -> i64 {
    let Some(first) = days.first() else { return 0 };
    let events = |span: std::ops::RangeInclusive<i64>| -> i64 {
        days.iter().filter(|day| span.contains(&(today - day.day).num_days())).map(|day| day.events).sum()
    };
    match (today - first.day).num_days().min(7) {
        ..=0 => events(0..=0),
        whole => events(1..=whole) / whole,
    }
}

/// The longest that any guild keeps events, in days.
const LONGEST: i32 = 90;
/// Rows removed by a statement, and statements of a run: a long transaction would hold up others.
const BATCH: i64 = 20_000;
const BATCHES: usize = 20;

/// What retention did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Retained {
    /// Months that were dropped.
    pub dropped: Vec<String>,
    /// Rows of keys and of limits' state that nothing asks for any more.
    pub removed: u64,
}

/// Drops the months of the lake that are over for everybody, and then what was kept for their sake: keys, and the state of limits that no longer limit. Never touches this month or the last one.
pub async fn retain(conn: &mut PgConnection) -> Result<Retained, sqlx::Error> {
    let old = sqlx::query_scalar!(
        r#"SELECT partition_name::text AS "name!"
             FROM questhall.month_partitions('lake.event_lake')
            WHERE ends_at <= least(now() - make_interval(days => $1),
                                   (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month') AT TIME ZONE 'UTC')"#,
        LONGEST,
    )
    .fetch_all(&mut *conn)
    .await?;
    for partition in &old {
        sqlx::query!("SELECT questhall.drop_month_partition($1::text::regclass)", partition)
            .execute(&mut *conn)
            .await?;
    }
    let mut removed = 0;
    for _ in 0..BATCHES {
        let before = removed;
        removed += sqlx::query!(
            r#"DELETE FROM lake.event_keys
                WHERE ctid = ANY (ARRAY(SELECT ctid FROM lake.event_keys
                                         WHERE "timestamp" < now() - make_interval(days => $1 + 32) LIMIT $2))"#,
            LONGEST,
            BATCH,
        )
        .execute(&mut *conn)
        .await?
        .rows_affected();
        removed += sqlx::query!(
            "DELETE FROM lake.reaction_pairs
              WHERE ctid = ANY (ARRAY(SELECT ctid FROM lake.reaction_pairs
                                       WHERE day < (now() AT TIME ZONE 'UTC')::date - ($1::int + 1) LIMIT $2))",
            LONGEST,
            BATCH,
        )
        .execute(&mut *conn)
        .await?
        .rows_affected();
        removed += sqlx::query!(
            "DELETE FROM lake.message_reactors
              WHERE ctid = ANY (ARRAY(SELECT ctid FROM lake.message_reactors
                                       WHERE reacted_at < now() - make_interval(days => $1 + 1) LIMIT $2))",
            LONGEST,
            BATCH,
        )
        .execute(&mut *conn)
        .await?
        .rows_affected();
        removed += sqlx::query!(
            "DELETE FROM lake.voice_sessions
              WHERE ctid = ANY (ARRAY(SELECT ctid FROM lake.voice_sessions
                                       WHERE left_at < now() - make_interval(days => $1 + 1) LIMIT $2))",
            LONGEST,
            BATCH,
        )
        .execute(&mut *conn)
        .await?
        .rows_affected();
        if removed == before {
            break;
        }
    }
    Ok(Retained { dropped: old, removed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_whole_days_as_far_as_there_are_any() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        let days = |counts: &[(u64, i64)]| -> Vec<DayCount> {
            let day = |(ago, events): &(u64, i64)| DayCount {
                day: today - chrono::Days::new(*ago),
                event_type: "message_create".to_owned(),
                events: *events,
            };
            counts.iter().map(day).collect()
        };
        assert_eq!(pace(&[], today), 0);
        assert_eq!(pace(&days(&[(0, 50)]), today), 50, "the first day is all there is");
        assert_eq!(pace(&days(&[(2, 100), (1, 300), (0, 5)]), today), 200, "today is not over");
        assert_eq!(pace(&days(&[(13, 7_000), (7, 70), (1, 70), (0, 9_999)]), today), 20, "of a week");
        assert_eq!(pace(&days(&[(10, 7_000)]), today), 0, "nothing happens there any more");
    }
}
