//! What members earned, entry by entry and day by day.

use chrono::{DateTime, Days, NaiveDate, Utc};
use kernel::{Cursor, GuildId, Limit, Page, Problem, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

use crate::ingest::EventType;
use crate::lake::far;
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
    let mut conn = pool.acquire().await?;
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

/// Which days.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DayQuery {
    /// The first day, in UTC; 29 days before the last one unless told.
    pub from: Option<NaiveDate>,
    /// The last day, in UTC; today unless told.
    pub to: Option<NaiveDate>,
}

/// The most days of a chart.
const MAX_DAYS: i64 = 366;

/// A day's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayFigures {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// XP earned.
    pub xp: i64,
    /// Stars earned.
    pub stars: i64,
    /// Events counted, by type.
    pub events: BTreeMap<String, i64>,
}

/// A chart's data: every day of the span, of a member or of the whole guild.
pub async fn days(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    query: &DayQuery,
) -> Result<Vec<DayFigures>, Problem> {
    let mut conn = pool.acquire().await?;
    let today = db::now(&mut conn).await?.date_naive();
    let to = query.to.unwrap_or(today);
    let from = query.from.or_else(|| to.checked_sub_days(Days::new(29))).unwrap_or(to);
    if from > to {
        return Err(Problem::field("from", "must not be after `to`"));
    }
    if (to - from).num_days() >= MAX_DAYS {
        return Err(Problem::field("from", format!("must be less than {MAX_DAYS} days before `to`")));
    }
    let mut all: BTreeMap<NaiveDate, DayFigures> = from
        .iter_days()
        .take_while(|day| *day <= to)
        .map(|day| (day, DayFigures { day, xp: 0, stars: 0, events: BTreeMap::new() }))
        .collect();
    match user {
        Some(user) => member_days(&mut conn, guild, user, (from, to), &mut all).await?,
        None => guild_days(&mut conn, guild, (from, to), &mut all).await?,
    }
    Ok(all.into_values().collect())
}

/// What a member did and earned: by their counters and their entries of the journal.
async fn member_days(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    (from, to): (NaiveDate, NaiveDate),
    all: &mut BTreeMap<NaiveDate, DayFigures>,
) -> sqlx::Result<()> {
    let periods: Vec<String> = all.keys().map(|day| format!("day:{day}")).collect();
    let counted = sqlx::query!(
        r#"SELECT substr(period, 5)::date AS "day!", event_type, count
             FROM lake.event_counters
            WHERE guild_id = $1 AND user_id = $2 AND category_id = 0 AND period = ANY ($3)"#,
        guild.get(),
        user.get(),
        &periods,
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in counted {
        if let Some(day) = all.get_mut(&row.day) {
            day.events.insert(row.event_type, row.count);
        }
    }
    let earned = sqlx::query!(
        r#"SELECT ("timestamp" AT TIME ZONE 'UTC')::date AS "day!", sum(xp_delta)::bigint AS "xp!", sum(star_delta)::bigint AS "stars!"
             FROM progress.activity_log
            WHERE guild_id = $1 AND user_id = $2
              AND "timestamp" >= $3::date::timestamp AT TIME ZONE 'UTC'
              AND "timestamp" < ($4::date + 1)::timestamp AT TIME ZONE 'UTC'
            GROUP BY 1"#,
        guild.get(),
        user.get(),
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    for row in earned {
        if let Some(day) = all.get_mut(&row.day) {
            (day.xp, day.stars) = (row.xp, row.stars);
        }
    }
    Ok(())
}

/// What all members did and earned: by the sums of what events brought, and the journal for what was granted otherwise.
async fn guild_days(
    conn: &mut PgConnection,
    guild: GuildId,
    (from, to): (NaiveDate, NaiveDate),
    all: &mut BTreeMap<NaiveDate, DayFigures>,
) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"SELECT day AS "day!", kind AS "kind!", count AS "count!", xp AS "xp!", stars AS "stars!"
             FROM progress.guild_days
            WHERE guild_id = $1 AND day BETWEEN $2 AND $3 AND count > 0
           UNION ALL
           SELECT ("timestamp" AT TIME ZONE 'UTC')::date, '', count(*), sum(xp_delta)::bigint, sum(star_delta)::bigint
             FROM progress.activity_log
            WHERE guild_id = $1 AND source_system <> 'discord' AND (xp_delta <> 0 OR star_delta <> 0)
              AND "timestamp" >= $2::date::timestamp AT TIME ZONE 'UTC'
              AND "timestamp" < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
            GROUP BY 1"#,
        guild.get(),
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let Some(day) = all.get_mut(&row.day) else { continue };
        if EventType::parse(&row.kind).is_some() {
            day.events.insert(row.kind, row.count);
        } else {
            day.xp += row.xp;
            day.stars += row.stars;
        }
    }
    Ok(())
}
