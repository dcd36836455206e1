//! Counters: how many events of a type a member caused, by day, in the running season, and in all.

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use super::{Drift, Figure};
use crate::error::Error;

/// Counters of category 0: days by the lake as far as it reaches, lifetimes by their days, the season by the lake.
pub(super) async fn drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    users: Option<&[i64]>,
) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query!(
        r#"WITH oldest AS (
               SELECT min(p.starts_at) AS at FROM questhall.month_partitions('lake.event_lake') p
           ), active AS (
               SELECT s.guild_id, s.starts_at, s.ends_at, s.starts_at >= oldest.at AS known
                 FROM progress.seasons s CROSS JOIN oldest
                WHERE s.active AND ($1::bigint IS NULL OR s.guild_id = $1)
           ), derived AS (
               SELECT guild_id, user_id, event_type, 'day:' || to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS period,
                      count(*) AS count
                 FROM lake.event_lake
                WHERE ($1::bigint IS NULL OR guild_id = $1) AND ($2::bigint[] IS NULL OR user_id = ANY ($2))
                GROUP BY 1, 2, 3, 4
               UNION ALL
               SELECT l.guild_id, l.user_id, l.event_type, 'season', count(*)
                 FROM active a JOIN lake.event_lake l
                   ON l.guild_id = a.guild_id AND l."timestamp" >= a.starts_at AND l."timestamp" < a.ends_at
                WHERE a.known AND ($2::bigint[] IS NULL OR l.user_id = ANY ($2)) GROUP BY 1, 2, 3
               UNION ALL
               SELECT guild_id, user_id, event_type, 'lifetime', sum(count)::bigint
                 FROM lake.event_counters
                WHERE category_id = 0 AND period LIKE 'day:%' AND ($1::bigint IS NULL OR guild_id = $1)
                  AND ($2::bigint[] IS NULL OR user_id = ANY ($2))
                GROUP BY 1, 2, 3
           ), stored AS (
               SELECT c.guild_id, c.user_id, c.event_type, c.period, c.count
                 FROM lake.event_counters c LEFT JOIN active a ON a.guild_id = c.guild_id CROSS JOIN oldest
                WHERE c.category_id = 0 AND ($1::bigint IS NULL OR c.guild_id = $1)
                  AND ($2::bigint[] IS NULL OR c.user_id = ANY ($2))
                  AND (c.period = 'lifetime' OR (c.period = 'season' AND coalesce(a.known, true))
                       OR c.period >= 'day:' || to_char(oldest.at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AND c.period LIKE 'day:%')
           )
           SELECT coalesce(s.guild_id, d.guild_id) AS "guild_id!: GuildId", coalesce(s.user_id, d.user_id) AS "user_id?: UserId",
                  coalesce(s.event_type, d.event_type) AS "event_type!", coalesce(s.period, d.period) AS "period!",
                  coalesce(s.count, 0) AS "stored!", coalesce(d.count, 0) AS "derived!"
             FROM stored s
             FULL JOIN derived d ON d.guild_id = s.guild_id AND d.user_id = s.user_id AND d.event_type = s.event_type
                                AND d.period = s.period
            WHERE coalesce(s.count, 0) <> coalesce(d.count, 0)"#,
        guild.map(GuildId::get),
        users,
    )
    .fetch_all(conn)
    .await?;
    let drift = rows.into_iter().map(|row| Drift {
        guild_id: row.guild_id,
        user_id: row.user_id,
        figure: Figure::Counter { event_type: row.event_type, period: row.period },
        stored: row.stored,
        derived: row.derived,
    });
    Ok(drift.collect())
}

/// Writes what they must be.
pub(super) async fn mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), Error> {
    let (mut users, mut types, mut periods, mut derived) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for drift in drift {
        if let (Figure::Counter { event_type, period }, Some(user)) = (&drift.figure, drift.user()) {
            users.push(user);
            types.push(event_type.as_str());
            periods.push(period.as_str());
            derived.push(drift.derived);
        }
    }
    sqlx::query!(
        "INSERT INTO lake.event_counters AS c (guild_id, user_id, event_type, category_id, period, count)
         SELECT $1, user_id, event_type, 0, period, count
           FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[]) AS i (user_id, event_type, period, count)
         ON CONFLICT ON CONSTRAINT pk_event_counters DO UPDATE SET count = excluded.count",
        guild.get(),
        &users,
        &types as &[&str],
        &periods as &[&str],
        &derived,
    )
    .execute(conn)
    .await?;
    Ok(())
}
