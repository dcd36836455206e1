//! SQL over what the lake recorded, held against a rule: when who wrote and joined. It holds no content.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use sqlx::PgConnection;

use crate::ops::rules::Replayed;

/// Events of a type that were at least the `count`-th within so many seconds: of one member, or of all.
#[expect(clippy::too_many_arguments, reason = "each is a parameter of the statement")]
pub(crate) async fn rate(
    conn: &mut PgConnection,
    guild: GuildId,
    event_type: &str,
    by_member: bool,
    count: u32,
    seconds: u32,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Replayed, sqlx::Error> {
    sqlx::query_as!(
        Replayed,
        r#"WITH e AS (
               SELECT user_id, count(*) OVER (PARTITION BY CASE WHEN $3 THEN user_id END ORDER BY "timestamp"
                                              RANGE BETWEEN make_interval(secs => $5) PRECEDING AND CURRENT ROW) AS n
                 FROM lake.event_lake
                WHERE guild_id = $1 AND event_type = $2 AND "timestamp" >= $6 AND "timestamp" < $7
           )
           SELECT count(*) AS "events!", count(*) FILTER (WHERE n >= $4) AS "hits!",
                  count(DISTINCT user_id) FILTER (WHERE n >= $4) AS "members!" FROM e"#,
        guild.get(),
        event_type,
        by_member,
        i64::from(count),
        f64::from(seconds),
        since,
        until,
    )
    .fetch_one(conn)
    .await
}

/// Joins of accounts younger than so many hours: their ids tell.
pub(crate) async fn ages(
    conn: &mut PgConnection,
    guild: GuildId,
    hours: u32,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Replayed, sqlx::Error> {
    sqlx::query_as!(
        Replayed,
        r#"WITH e AS (
               SELECT user_id,
                      "timestamp" - to_timestamp(((user_id >> 22) + 1420070400000)::float8 / 1000) < make_interval(hours => $2)
                          AS young
                 FROM lake.event_lake
                WHERE guild_id = $1 AND event_type = 'member_join' AND "timestamp" >= $3 AND "timestamp" < $4
           )
           SELECT count(*) AS "events!", count(*) FILTER (WHERE young) AS "hits!",
                  count(DISTINCT user_id) FILTER (WHERE young) AS "members!" FROM e"#,
        guild.get(),
        i32::try_from(hours).unwrap_or(i32::MAX),
        since,
        until,
    )
    .fetch_one(conn)
    .await
}
