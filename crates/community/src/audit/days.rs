//! Guilds' days: how many events of a type there were by the members' counters, and what events brought by the journal.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use kernel::{GuildId, UserId};
use sqlx::{PgConnection, PgPool};

use super::{Drift, on_record, unhurried, weekly};
use crate::author::Author;
use crate::error::Error;

/// Days that are not the sums of what they should be, of a guild or of all, or one day of a guild.
pub(super) async fn drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    day: Option<NaiveDate>,
) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query_as!(
        Drift,
        r#"WITH figures AS (
               SELECT guild_id, day, kind, true AS kept, count, xp, stars
                 FROM community.guild_days
                WHERE ($1::bigint IS NULL OR guild_id = $1) AND ($2::date IS NULL OR day = $2)
               UNION ALL
               SELECT guild_id, substr(period, 5)::date, event_type, false, sum(count)::bigint, 0, 0
                 FROM community.event_counters
                WHERE category_id = 0 AND period LIKE 'day:%' AND ($1::bigint IS NULL OR guild_id = $1)
                  AND ($2::date IS NULL OR period = 'day:' || to_char($2::date, 'YYYY-MM-DD'))
                GROUP BY 1, 2, 3
               UNION ALL
               SELECT guild_id, ("timestamp" AT TIME ZONE 'UTC')::date, event_type, false, count(*), sum(xp_delta)::bigint,
                      sum(star_delta)::bigint
                 FROM community.activity_log
                WHERE source_system = 'discord' AND ($1::bigint IS NULL OR guild_id = $1)
                  AND ($2::date IS NULL OR "timestamp" >= $2::date::timestamp AT TIME ZONE 'UTC'
                                       AND "timestamp" < ($2::date + 1)::timestamp AT TIME ZONE 'UTC')
                GROUP BY 1, 2, 3
           ), sums AS (
               SELECT guild_id, day, kind,
                      coalesce(sum(count) FILTER (WHERE kept), 0)::bigint AS count,
                      coalesce(sum(count) FILTER (WHERE NOT kept), 0)::bigint AS count_due,
                      coalesce(sum(xp) FILTER (WHERE kept), 0)::bigint AS xp,
                      coalesce(sum(xp) FILTER (WHERE NOT kept), 0)::bigint AS xp_due,
                      coalesce(sum(stars) FILTER (WHERE kept), 0)::bigint AS stars,
                      coalesce(sum(stars) FILTER (WHERE NOT kept), 0)::bigint AS stars_due
                 FROM figures GROUP BY guild_id, day, kind
           )
           SELECT s.guild_id AS "guild_id!: GuildId", NULL::bigint AS "user_id?: UserId",
                  'day ' || to_char(s.day, 'YYYY-MM-DD') || ' ' || s.kind || ' ' || f.what AS "what!", f.stored AS "stored!",
                  f.derived AS "derived!"
             FROM sums s
            CROSS JOIN LATERAL (VALUES ('count', s.count, s.count_due), ('xp', s.xp, s.xp_due), ('stars', s.stars, s.stars_due))
                  AS f (what, stored, derived)
            WHERE f.stored <> f.derived"#,
        guild.map(GuildId::get),
        day,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The parts of such a figure's name: day, kind, figure.
fn parts(what: &str) -> Option<(NaiveDate, &str, &str)> {
    let (day, rest) = what.strip_prefix("day ")?.split_once(' ')?;
    let (kind, figure) = rest.split_once(' ')?;
    Some((day.parse().ok()?, kind, figure))
}

/// Mends a guild's days, one after the other, and answers what they were: so long the guild's events wait, and in between they come
/// through.
pub(super) async fn repair(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Vec<Drift>, Error> {
    let mut tx = pool.begin().await?;
    unhurried(&mut tx).await?;
    let seen = drift(&mut tx, Some(guild), None).await?;
    tx.commit().await?;
    let days: BTreeSet<NaiveDate> =
        seen.iter().filter_map(|drift| parts(&drift.what).map(|(day, ..)| day)).collect();
    let mut all = Vec::new();
    for day in days {
        let mended = db::retry(|| async {
            let mut tx = pool.begin().await?;
            unhurried(&mut tx).await?;
            crate::store::guilds_lock(&mut tx, &[guild]).await?;
            let mended = drift(&mut tx, Some(guild), Some(day)).await?;
            mend(&mut tx, guild, day, &mended).await?;
            on_record(&mut tx, guild, &mended, author).await?;
            tx.commit().await?;
            Ok::<_, Error>(mended)
        })
        .await?;
        weekly::mended("community", guild, &mended);
        all.extend(mended);
    }
    Ok(all)
}

async fn mend(
    conn: &mut PgConnection,
    guild: GuildId,
    day: NaiveDate,
    drift: &[Drift],
) -> Result<(), sqlx::Error> {
    let (kinds, what): (Vec<&str>, Vec<&str>) =
        drift.iter().filter_map(|drift| parts(&drift.what).map(|(_, kind, what)| (kind, what))).unzip();
    let derived: Vec<i64> = drift.iter().map(|drift| drift.derived).collect();
    sqlx::query!(
        "INSERT INTO community.guild_days AS d (guild_id, day, kind, count, xp, stars)
         SELECT $1, $2, i.kind, coalesce(i.count, o.count, 0), coalesce(i.xp, o.xp, 0), coalesce(i.stars, o.stars, 0)
           FROM (SELECT kind, max(derived) FILTER (WHERE what = 'count') AS count,
                        max(derived) FILTER (WHERE what = 'xp') AS xp, max(derived) FILTER (WHERE what = 'stars') AS stars
                   FROM unnest($3::text[], $4::text[], $5::bigint[]) AS i (kind, what, derived) GROUP BY kind) i
           LEFT JOIN community.guild_days o ON o.guild_id = $1 AND o.day = $2 AND o.kind = i.kind
         ON CONFLICT ON CONSTRAINT pk_guild_days DO UPDATE
            SET count = excluded.count, xp = excluded.xp, stars = excluded.stars",
        guild.get(),
        day,
        &kinds as &[&str],
        &what as &[&str],
        &derived,
    )
    .execute(conn)
    .await?;
    Ok(())
}
