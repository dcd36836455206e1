//! Charts: what a member, or the whole guild, did and earned day by day.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use kernel::{GuildId, Problem, UserId};
use progress::EventType;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::{IntoParams, ToSchema};

/// Which days.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DayQuery {
    /// The first day, in UTC; 29 days before the last one unless told.
    #[serde(default, deserialize_with = "kernel::time::day_if_any")]
    pub from: Option<NaiveDate>,
    /// The last day, in UTC; today unless told.
    #[serde(default, deserialize_with = "kernel::time::day_if_any")]
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
#[kernel::boxed]
pub async fn days(
    pool: &PgPool,
    guild: GuildId,
    user: Option<UserId>,
    query: &DayQuery,
) -> Result<Vec<DayFigures>, Problem> {
    let mut conn = db::acquire(pool).await?;
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
        if row.kind.parse::<EventType>().is_ok() {
            day.events.insert(row.kind, row.count);
        } else {
            day.xp += row.xp;
            day.stars += row.stars;
        }
    }
    Ok(())
}
