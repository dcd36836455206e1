//! What members earned, entry by entry.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::page::far;
use kernel::{Cursor, GuildId, Limit, Page, Problem, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};

use crate::model::Event;

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// Its number.
    pub id: i64,
    /// Who earned, or spent.
    pub user_id: UserId,
    /// What for, such as `MESSAGE` or `LEVEL_UP`.
    pub event_type: String,
    /// XP gained.
    pub xp: i32,
    /// Stars gained.
    pub stars: i32,
    /// Gold gained; negative when spent.
    pub gold: i32,
    /// The season it counted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season_id: Option<i32>,
    /// The category it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_id: Option<i32>,
    /// Where the cause is known.
    pub source_system: String,
    /// The cause there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_event_id: Option<String>,
    /// How the figures came about.
    pub metadata: Value,
    /// When it was earned.
    pub timestamp: DateTime<Utc>,
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActivityQuery {
    /// Only of this kind, such as `LEVEL_UP`. What messages, reactions, threads and voice brought is told of a member only.
    #[param(inline)]
    pub event_type: Option<Event>,
    /// How many entries to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}

/// A page of the guild's journal, or of a member's, newest first.
#[kernel::boxed]
pub async fn activity(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    query: &ActivityQuery,
) -> Result<Page<Activity>, Problem> {
    let limit = Limit::new(query.limit)?;
    let after: Option<(DateTime<Utc>, i64)> = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    // Always a bound: "or there is none" would keep the index from finding where a late page begins.
    let (at, id) = after.unwrap_or((far(), i64::MAX));
    let mut conn = db::acquire(pool).await?;
    let rows = match (user, query.event_type) {
        (Some(user), kind) => {
            sqlx::query_as!(
                Activity,
                r#"SELECT id, user_id AS "user_id: UserId", event_type, xp_delta AS xp, star_delta AS stars, gold_delta AS gold,
                          season_id, category_id, source_system, source_event_id, metadata, "timestamp"
                     FROM progress.activity_log
                    WHERE guild_id = $1 AND user_id = $2 AND ($3::text IS NULL OR event_type = $3)
                      AND ("timestamp", id) < ($4, $5)
                    ORDER BY "timestamp" DESC, id DESC LIMIT $6"#,
                guild.get(),
                user.get(),
                kind.map(Event::as_str),
                at,
                id,
                limit.plus_one(),
            )
            .fetch_all(&mut *conn)
            .await?
        }
        (None, None) => {
            sqlx::query_as!(
                Activity,
                r#"SELECT id, user_id AS "user_id: UserId", event_type, xp_delta AS xp, star_delta AS stars, gold_delta AS gold,
                          season_id, category_id, source_system, source_event_id, metadata, "timestamp"
                     FROM progress.activity_log
                    WHERE guild_id = $1 AND ("timestamp", id) < ($2, $3)
                    ORDER BY "timestamp" DESC, id DESC LIMIT $4"#,
                guild.get(),
                at,
                id,
                limit.plus_one(),
            )
            .fetch_all(&mut *conn)
            .await?
        }
        // No index leads to these, and there may be none in millions of entries.
        (None, Some(kind)) if kind.is_of_lake() => {
            return Err(Problem::field(
                "event_type",
                format!("{} is told of a member only; for the guild, see the events of its lake", kind.as_str()),
            ));
        }
        (None, Some(kind)) => {
            sqlx::query_as!(
                Activity,
                r#"SELECT id, user_id AS "user_id: UserId", event_type, xp_delta AS xp, star_delta AS stars, gold_delta AS gold,
                          season_id, category_id, source_system, source_event_id, metadata, "timestamp"
                     FROM progress.activity_log
                    WHERE guild_id = $1 AND source_system <> 'discord' AND event_type = $2
                      AND ("timestamp", id) < ($3, $4)
                    ORDER BY "timestamp" DESC, id DESC LIMIT $5"#,
                guild.get(),
                kind.as_str(),
                at,
                id,
                limit.plus_one(),
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    Ok(Page::new(rows, limit, |row| (row.timestamp, row.id)))
}

/// XP that a member earned on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayXp {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// What they earned.
    pub xp: i64,
}

/// XP that a member earned, day by day over the last `days`, for a chart; a day without any is there with 0.
pub async fn xp_by_day(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    days: i32,
) -> Result<Vec<DayXp>, Problem> {
    let days = sqlx::query_as!(
        DayXp,
        r#"SELECT d.day::date AS "day!", coalesce(sum(a.xp_delta), 0)::bigint AS "xp!"
             FROM generate_series(date_trunc('day', now() AT TIME ZONE 'UTC') - ($3::int - 1) * interval '1 day',
                                  date_trunc('day', now() AT TIME ZONE 'UTC'), interval '1 day') AS d (day)
             LEFT JOIN progress.activity_log a ON a.guild_id = $1 AND a.user_id = $2
                  AND a."timestamp" >= d.day AT TIME ZONE 'UTC' AND a."timestamp" < (d.day + interval '1 day') AT TIME ZONE 'UTC'
            GROUP BY d.day ORDER BY d.day"#,
        guild.get(),
        user.get(),
        days,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    Ok(days)
}
