//! Counters of the lake, guilds' days, and members' figures by season.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use progress::EventType;
use sqlx::PgConnection;

/// A counter: guild, user, type, category (0 for all), period.
pub(in crate::ingest) type CounterKey = (i64, i64, &'static str, i32, Period);

/// What a counter counts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::ingest) enum Period {
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

/// A counter of all categories after the batch.
pub(in crate::ingest) struct Counted {
    pub(in crate::ingest) guild_id: i64,
    pub(in crate::ingest) user_id: i64,
    pub(in crate::ingest) event_type: String,
    pub(in crate::ingest) period: String,
    pub(in crate::ingest) count: i64,
}

/// Adds to the counters, and answers what became of those that somebody asks about: the day's messages, and with `lifetime` the
/// counters of a lifetime.
pub(in crate::ingest) async fn counters_add(
    conn: &mut PgConnection,
    counters: Vec<(CounterKey, i64)>,
    lifetime: bool,
) -> sqlx::Result<Vec<Counted>> {
    let (asked, others): (Vec<_>, Vec<_>) =
        counters.into_iter().partition(|((_, _, event_type, category, period), _)| {
            *category == 0
                && match period {
                    Period::Day(_) => *event_type == EventType::MessageCreate.as_str(),
                    Period::Lifetime => lifetime,
                    Period::Season => false,
                }
        });
    if !others.is_empty() {
        let others = CounterColumns::of(&others);
        sqlx::query!(
            "INSERT INTO lake.event_counters AS c (guild_id, user_id, event_type, category_id, period, count)
             SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::text[]), unnest($4::int[]), unnest($5::text[]),
                    unnest($6::bigint[])
             ON CONFLICT ON CONSTRAINT pk_event_counters DO UPDATE SET count = c.count + excluded.count",
            &others.guilds,
            &others.users,
            &others.types as &[&str],
            &others.categories,
            &others.periods,
            &others.counts,
        )
        .execute(&mut *conn)
        .await?;
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let asked = CounterColumns::of(&asked);
    sqlx::query_as!(
        Counted,
        "INSERT INTO lake.event_counters AS c (guild_id, user_id, event_type, category_id, period, count)
         SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::text[]), unnest($4::int[]), unnest($5::text[]),
                unnest($6::bigint[])
         ON CONFLICT ON CONSTRAINT pk_event_counters DO UPDATE SET count = c.count + excluded.count
         RETURNING guild_id, user_id, event_type, period, count",
        &asked.guilds,
        &asked.users,
        &asked.types as &[&str],
        &asked.categories,
        &asked.periods,
        &asked.counts,
    )
    .fetch_all(conn)
    .await
}

/// Counters turned on their side.
struct CounterColumns {
    guilds: Vec<i64>,
    users: Vec<i64>,
    types: Vec<&'static str>,
    categories: Vec<i32>,
    periods: Vec<String>,
    counts: Vec<i64>,
}

impl CounterColumns {
    fn of(counters: &[(CounterKey, i64)]) -> Self {
        Self {
            guilds: counters.iter().map(|(key, _)| key.0).collect(),
            users: counters.iter().map(|(key, _)| key.1).collect(),
            types: counters.iter().map(|(key, _)| key.2).collect(),
            categories: counters.iter().map(|(key, _)| key.3).collect(),
            periods: counters.iter().map(|(key, _)| key.4.text()).collect(),
            counts: counters.iter().map(|(_, count)| *count).collect(),
        }
    }
}

/// A guild's day, and what of it: a type of events, or a kind of the journal's entries.
pub(in crate::ingest) type DayKey = (i64, NaiveDate, &'static str);

/// What a batch adds to a guild's day.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ingest) struct DayDelta {
    pub(in crate::ingest) count: i64,
    pub(in crate::ingest) xp: i64,
    pub(in crate::ingest) stars: i64,
}

/// Adds to the guilds' days, whose rows are few and in everybody's way: the guilds' locks are held.
pub(in crate::ingest) async fn days_add(
    conn: &mut PgConnection,
    days: &BTreeMap<DayKey, DayDelta>,
) -> sqlx::Result<()> {
    let column = |f: fn(&DayDelta) -> i64| days.values().map(f).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO progress.guild_days AS d (guild_id, day, kind, count, xp, stars)
         SELECT unnest($1::bigint[]), unnest($2::date[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::bigint[]),
                unnest($6::bigint[])
         ON CONFLICT ON CONSTRAINT pk_guild_days DO UPDATE
            SET count = d.count + excluded.count, xp = d.xp + excluded.xp, stars = d.stars + excluded.stars",
        &days.keys().map(|key| key.0).collect::<Vec<_>>(),
        &days.keys().map(|key| key.1).collect::<Vec<_>>(),
        &days.keys().map(|key| key.2).collect::<Vec<_>>() as &[&str],
        &column(|delta| delta.count),
        &column(|delta| delta.xp),
        &column(|delta| delta.stars),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a batch adds to a member's season.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ingest) struct SeasonDelta {
    pub(in crate::ingest) xp: i64,
    pub(in crate::ingest) stars: i64,
    pub(in crate::ingest) messages_sent: i32,
    pub(in crate::ingest) reactions_given: i32,
    pub(in crate::ingest) reactions_received: i32,
    pub(in crate::ingest) threads_created: i32,
    pub(in crate::ingest) voice_minutes: i32,
}

/// Guild, user, season.
pub(in crate::ingest) type SeasonKey = (i64, i64, i32);

/// A member's season after the batch.
pub(in crate::ingest) struct SeasonTotals {
    pub(in crate::ingest) guild_id: i64,
    pub(in crate::ingest) user_id: i64,
    pub(in crate::ingest) season_id: i32,
    pub(in crate::ingest) season_xp: i64,
    pub(in crate::ingest) season_stars: i64,
    pub(in crate::ingest) messages_sent: i32,
    pub(in crate::ingest) reactions_given: i32,
    pub(in crate::ingest) reactions_received: i32,
    pub(in crate::ingest) threads_created: i32,
    pub(in crate::ingest) voice_minutes: i32,
}

/// Adds to members' seasons; `lifetime` are their stars after the batch. Answers the totals if they are wanted.
pub(in crate::ingest) async fn seasons_add(
    conn: &mut PgConnection,
    deltas: &[(SeasonKey, SeasonDelta, i64)],
    wanted: bool,
) -> sqlx::Result<Vec<SeasonTotals>> {
    // An upsert holds its row against the constraints before it finds that there is one, so that less than nothing cannot be added by it.
    let taken: Vec<_> = deltas.iter().filter(|row| row.1.voice_minutes < 0).collect();
    if !taken.is_empty() {
        sqlx::query!(
            "UPDATE progress.user_stats s SET voice_minutes = s.voice_minutes + i.minutes, updated_at = now()
               FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[]) AS i (guild_id, user_id, season_id, minutes)
              WHERE s.guild_id = i.guild_id AND s.user_id = i.user_id AND s.season_id = i.season_id",
            &taken.iter().map(|row| row.0.0).collect::<Vec<_>>(),
            &taken.iter().map(|row| row.0.1).collect::<Vec<_>>(),
            &taken.iter().map(|row| row.0.2).collect::<Vec<_>>(),
            &taken.iter().map(|row| row.1.voice_minutes).collect::<Vec<_>>(),
        )
        .execute(&mut *conn)
        .await?;
    }
    let int = |f: fn(&SeasonDelta) -> i32| deltas.iter().map(|row| f(&row.1)).collect::<Vec<_>>();
    sqlx::query_as!(
        SeasonTotals,
        r#"WITH written AS (
               INSERT INTO progress.user_stats AS s (guild_id, user_id, season_id, season_xp, season_stars, lifetime_stars,
                   messages_sent, reactions_given, reactions_received, threads_created, voice_minutes)
               SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::int[]), unnest($4::bigint[]), unnest($5::bigint[]),
                      unnest($6::bigint[]), unnest($7::int[]), unnest($8::int[]), unnest($9::int[]), unnest($10::int[]),
                      unnest($11::int[])
               ON CONFLICT ON CONSTRAINT pk_user_stats DO UPDATE
                  SET season_xp = s.season_xp + excluded.season_xp, season_stars = s.season_stars + excluded.season_stars,
                      lifetime_stars = coalesce(nullif(excluded.lifetime_stars, 0), s.lifetime_stars),
                      messages_sent = s.messages_sent + excluded.messages_sent,
                      reactions_given = s.reactions_given + excluded.reactions_given,
                      reactions_received = s.reactions_received + excluded.reactions_received,
                      threads_created = s.threads_created + excluded.threads_created,
                      voice_minutes = s.voice_minutes + excluded.voice_minutes, updated_at = now()
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
        &int(|delta| delta.voice_minutes.max(0)),
        wanted,
    )
    .fetch_all(conn)
    .await
}

/// Writes members' lifetime stars into the season that runs, where they have a row of it.
pub(in crate::ingest) async fn lifetime_stars_write(
    conn: &mut PgConnection,
    rows: &[(SeasonKey, i64)],
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE progress.user_stats s SET lifetime_stars = i.stars, updated_at = now()
           FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[]) AS i (guild_id, user_id, season_id, stars)
          WHERE s.guild_id = i.guild_id AND s.user_id = i.user_id AND s.season_id = i.season_id
            AND s.lifetime_stars <> i.stars",
        &rows.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
