//! Guilds' days: how many events of a type there were by the members' counters, and what events brought by the journal.

use access::author::Author;
use kernel::GuildId;
use sqlx::{PgConnection, PgPool};

use super::{DayFigure, Drift, Figure, on_record, unhurried};
use crate::error::Error;

/// Days that are not the sums of what they should be, of a guild or of all.
pub(super) async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query!(
        r#"WITH figures AS (
               SELECT guild_id, day, kind, true AS kept, count, xp, stars
                 FROM progress.guild_days
                WHERE $1::bigint IS NULL OR guild_id = $1
               UNION ALL
               SELECT guild_id, substr(period, 5)::date, event_type, false, sum(count)::bigint, 0, 0
                 FROM lake.event_counters
                WHERE category_id = 0 AND period LIKE 'day:%' AND ($1::bigint IS NULL OR guild_id = $1)
                GROUP BY 1, 2, 3
               UNION ALL
               SELECT guild_id, ("timestamp" AT TIME ZONE 'UTC')::date, event_type, false, count(*), sum(xp_delta)::bigint,
                      sum(star_delta)::bigint
                 FROM progress.activity_log
                WHERE source_system = 'discord' AND ($1::bigint IS NULL OR guild_id = $1)
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
           SELECT s.guild_id AS "guild_id!: GuildId", s.day AS "day!", s.kind AS "kind!", f.what AS "what!",
                  f.stored AS "stored!", f.derived AS "derived!"
             FROM sums s
            CROSS JOIN LATERAL (VALUES ('count', s.count, s.count_due), ('xp', s.xp, s.xp_due), ('stars', s.stars, s.stars_due))
                  AS f (what, stored, derived)
            WHERE f.stored <> f.derived"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    let drift = rows.into_iter().map(|row| {
        let figure = DayFigure::from_column(&row.what)?;
        Ok(Drift {
            guild_id: row.guild_id,
            user_id: None,
            figure: Figure::Day { day: row.day, kind: row.kind, figure },
            stored: row.stored,
            derived: row.derived,
        })
    });
    drift.collect()
}

/// Mends a guild's days and answers what they were. What they lack is found in one look, while events come, which add to both sides, and
/// then added: the guild's events wait for that alone.
pub(super) async fn repair(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Vec<Drift>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        unhurried(&mut tx).await?;
        // One at a time: what is lacking must be added once.
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtextextended('progress.guild_days:' || $1::bigint, 0))",
            guild.get(),
        )
        .execute(&mut *tx)
        .await?;
        let mended = drift(&mut tx, Some(guild)).await?;
        if !mended.is_empty() {
            people::store::guilds_lock(&mut tx, &[guild]).await?;
            mend(&mut tx, guild, &mended).await?;
            on_record(&mut tx, guild, &mended, author).await?;
        }
        tx.commit().await?;
        Ok(mended)
    })
    .await
}

async fn mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), sqlx::Error> {
    let (mut days, mut kinds, mut what, mut lacking) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for one in drift {
        let Figure::Day { day, kind, figure } = &one.figure else { continue };
        days.push(*day);
        kinds.push(kind.as_str());
        what.push(figure.as_str());
        lacking.push(one.derived - one.stored);
    }
    sqlx::query!(
        "INSERT INTO progress.guild_days AS d (guild_id, day, kind)
         SELECT DISTINCT $1::bigint, i.day, i.kind FROM unnest($2::date[], $3::text[]) AS i (day, kind)
         ON CONFLICT ON CONSTRAINT pk_guild_days DO NOTHING",
        guild.get(),
        &days,
        &kinds as &[&str],
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE progress.guild_days d
            SET count = greatest(d.count + coalesce(i.count, 0), 0), xp = d.xp + coalesce(i.xp, 0),
                stars = d.stars + coalesce(i.stars, 0)
           FROM (SELECT day, kind, max(lacking) FILTER (WHERE what = 'count') AS count,
                        max(lacking) FILTER (WHERE what = 'xp') AS xp, max(lacking) FILTER (WHERE what = 'stars') AS stars
                   FROM unnest($2::date[], $3::text[], $4::text[], $5::bigint[]) AS i (day, kind, what, lacking)
                  GROUP BY day, kind) i
          WHERE d.guild_id = $1 AND d.day = i.day AND d.kind = i.kind",
        guild.get(),
        &days,
        &kinds as &[&str],
        &what as &[&str],
        &lacking,
    )
    .execute(conn)
    .await?;
    Ok(())
}
