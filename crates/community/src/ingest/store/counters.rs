//! Counters of the lake, and members' figures by season.

use chrono::NaiveDate;
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

/// A counter of category 0 after the batch.
pub(in crate::ingest) struct Counted {
    pub(in crate::ingest) guild_id: i64,
    pub(in crate::ingest) user_id: i64,
    pub(in crate::ingest) event_type: String,
    pub(in crate::ingest) period: String,
    pub(in crate::ingest) count: i64,
}

/// Adds to the counters, and answers what became of those of category 0 that somebody asks about: today's messages, and with
/// `lifetime` those of a lifetime.
pub(in crate::ingest) async fn counters_add(
    conn: &mut PgConnection,
    counters: &[(CounterKey, i64)],
    lifetime: bool,
) -> sqlx::Result<Vec<Counted>> {
    sqlx::query_as!(
        Counted,
        r#"WITH written AS (
               INSERT INTO community.event_counters AS c (guild_id, user_id, event_type, category_id, period, count)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::text[], $6::bigint[])
               ON CONFLICT ON CONSTRAINT pk_event_counters DO UPDATE SET count = c.count + excluded.count
               RETURNING guild_id, user_id, event_type, category_id, period, count
           )
           SELECT guild_id, user_id, event_type, period, count FROM written
            WHERE category_id = 0
              AND ((event_type = 'message_create' AND period LIKE 'day:%') OR ($7 AND period = 'lifetime'))"#,
        &counters.iter().map(|(key, _)| key.0).collect::<Vec<_>>(),
        &counters.iter().map(|(key, _)| key.1).collect::<Vec<_>>(),
        &counters.iter().map(|(key, _)| key.2).collect::<Vec<_>>() as &[&str],
        &counters.iter().map(|(key, _)| key.3).collect::<Vec<_>>(),
        &counters.iter().map(|(key, _)| key.4.text()).collect::<Vec<_>>(),
        &counters.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        lifetime,
    )
    .fetch_all(conn)
    .await
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
    let int = |f: fn(&SeasonDelta) -> i32| deltas.iter().map(|row| f(&row.1)).collect::<Vec<_>>();
    sqlx::query_as!(
        SeasonTotals,
        r#"WITH written AS (
               INSERT INTO community.user_stats AS s (guild_id, user_id, season_id, season_xp, season_stars, lifetime_stars,
                   messages_sent, reactions_given, reactions_received, threads_created, voice_minutes)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[],
                                    $8::int[], $9::int[], $10::int[], $11::int[])
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
        &int(|delta| delta.voice_minutes),
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
        "UPDATE community.user_stats s SET lifetime_stars = i.stars, updated_at = now()
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
