//! What members did in seasons, derived from journal and lake: what a season that begins in the past starts with, and what audits hold
//! the figures against.

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use crate::drift::unhurried;
use crate::error::Error;
use crate::figures::{Drift, Figure, Tally};
use crate::ids::SeasonId;

/// Seasons: XP and stars by the journal, in the running one also the stars of a lifetime; counts by the lake, where it reaches back to the season's beginning. The reactions that
/// members got are counted only if `received`: all reactions are read for them, whoever is asked about.
pub(crate) async fn drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    users: Option<&[i64]>,
    season: Option<SeasonId>,
    received: bool,
) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query!(
        r#"WITH oldest AS (
               SELECT min(p.starts_at) AS at FROM questhall.month_partitions('lake.event_lake') p
           ), whole AS (
               SELECT s.id, s.guild_id, s.starts_at, s.ends_at FROM progress.seasons s
                WHERE s.starts_at >= (SELECT at FROM oldest) AND ($1::bigint IS NULL OR s.guild_id = $1)
                  AND ($3::int IS NULL OR s.id = $3)
           ), journal AS (
               SELECT guild_id, user_id, season_id, sum(xp_delta)::bigint AS xp, sum(star_delta)::bigint AS stars
                 FROM progress.activity_log
                WHERE ($1::bigint IS NULL OR guild_id = $1) AND ($2::bigint[] IS NULL OR user_id = ANY ($2))
                GROUP BY guild_id, user_id, season_id
           ), figures AS (
               -- What is kept and what it should be, one below the other. Joined they would be slow where PostgreSQL guesses wrong
               -- how many there are.
               SELECT guild_id, user_id, season_id, true AS kept, lifetime_stars::bigint AS lifetime, season_xp::bigint AS xp,
                      season_stars::bigint AS stars, messages_sent::bigint AS messages, reactions_given::bigint AS given,
                      reactions_received::bigint AS received, threads_created::bigint AS threads
                 FROM progress.user_stats
                WHERE ($1::bigint IS NULL OR guild_id = $1) AND ($2::bigint[] IS NULL OR user_id = ANY ($2))
                  AND ($3::int IS NULL OR season_id = $3)
               UNION ALL
               SELECT guild_id, user_id, season_id, false, 0, xp, stars, 0, 0, 0, 0
                 FROM journal WHERE season_id IS NOT NULL AND ($3::int IS NULL OR season_id = $3)
               UNION ALL
               SELECT j.guild_id, j.user_id, a.id, false, j.stars, 0, 0, 0, 0, 0, 0
                 FROM journal j JOIN progress.seasons a ON a.guild_id = j.guild_id AND a.active
                WHERE $3::int IS NULL OR a.id = $3
               UNION ALL
               SELECT l.guild_id, l.user_id, w.id, false, 0, 0, 0, count(*) FILTER (WHERE l.event_type = 'message_create'),
                      count(*) FILTER (WHERE l.event_type = 'reaction_add'), 0,
                      count(*) FILTER (WHERE l.event_type = 'thread_create')
                 FROM whole w
                 JOIN lake.event_lake l
                   ON l.guild_id = w.guild_id AND l."timestamp" >= w.starts_at AND l."timestamp" < w.ends_at
                WHERE l.event_type IN ('message_create', 'reaction_add', 'thread_create')
                  AND NOT (l.event_type = 'reaction_add' AND l.target_id = l.user_id)
                  AND NOT (coalesce((l.payload->>'bot')::boolean, false))
                  AND ($2::bigint[] IS NULL OR l.user_id = ANY ($2))
                GROUP BY 1, 2, 3
               UNION ALL
               SELECT l.guild_id, l.target_id, w.id, false, 0, 0, 0, 0, 0, count(*), 0
                 FROM whole w
                 JOIN lake.event_lake l
                   ON l.guild_id = w.guild_id AND l."timestamp" >= w.starts_at AND l."timestamp" < w.ends_at
                WHERE $4 AND l.event_type = 'reaction_add' AND l.target_id <> l.user_id
                  AND NOT (coalesce((l.payload->>'bot')::boolean, false))
                  AND ($2::bigint[] IS NULL OR l.target_id = ANY ($2))
                GROUP BY 1, 2, 3
           ), sums AS (
               SELECT guild_id, user_id, season_id, bool_or(kept) AS kept, bool_or(NOT kept AND (xp <> 0 OR stars <> 0)) AS earned,
                      coalesce(sum(lifetime) FILTER (WHERE kept), 0)::bigint AS lifetime, coalesce(sum(lifetime) FILTER (WHERE NOT kept), 0)::bigint AS lifetime_due,
                      coalesce(sum(xp) FILTER (WHERE kept), 0)::bigint AS xp, coalesce(sum(xp) FILTER (WHERE NOT kept), 0)::bigint AS xp_due,
                      coalesce(sum(stars) FILTER (WHERE kept), 0)::bigint AS stars, coalesce(sum(stars) FILTER (WHERE NOT kept), 0)::bigint AS stars_due,
                      coalesce(sum(messages) FILTER (WHERE kept), 0)::bigint AS messages, coalesce(sum(messages) FILTER (WHERE NOT kept), 0)::bigint AS messages_due,
                      coalesce(sum(given) FILTER (WHERE kept), 0)::bigint AS given, coalesce(sum(given) FILTER (WHERE NOT kept), 0)::bigint AS given_due,
                      coalesce(sum(received) FILTER (WHERE kept), 0)::bigint AS received, coalesce(sum(received) FILTER (WHERE NOT kept), 0)::bigint AS received_due,
                      coalesce(sum(threads) FILTER (WHERE kept), 0)::bigint AS threads, coalesce(sum(threads) FILTER (WHERE NOT kept), 0)::bigint AS threads_due
                 FROM figures GROUP BY guild_id, user_id, season_id
           )
           SELECT s.guild_id AS "guild_id!: GuildId", s.user_id AS "user_id?: UserId",
                  s.season_id AS "season_id!: SeasonId", f.what AS "what!", f.stored AS "stored!", f.derived AS "derived!"
             FROM sums s
             JOIN people.members m ON m.guild_id = s.guild_id AND m.user_id = s.user_id AND NOT m.is_bot
             LEFT JOIN progress.seasons e ON e.guild_id = s.guild_id AND e.id = s.season_id
            CROSS JOIN oldest
            CROSS JOIN LATERAL (VALUES
                  -- A level that late events of another season brought is journalled in this one, and makes no row of it.
                  ('lifetime_stars', s.lifetime, s.lifetime_due, e.active AND (s.kept OR s.earned)),
                  ('season_xp', s.xp, s.xp_due, true),
                  ('season_stars', s.stars, s.stars_due, true),
                  ('messages_sent', s.messages, s.messages_due, e.starts_at >= oldest.at),
                  ('reactions_given', s.given, s.given_due, e.starts_at >= oldest.at),
                  ('reactions_received', s.received, s.received_due, e.starts_at >= oldest.at AND $4),
                  ('threads_created', s.threads, s.threads_due, e.starts_at >= oldest.at))
                  AS f (what, stored, derived, known)
            WHERE f.known AND f.stored <> f.derived"#,
        guild.map(GuildId::get),
        users,
        season.map(SeasonId::get),
        received,
    )
    .fetch_all(conn)
    .await?;
    let drift = rows.into_iter().map(|row| {
        Ok(Drift {
            guild_id: row.guild_id,
            user_id: row.user_id,
            figure: Figure::Season(row.season_id, Tally::from_column(&row.what)?),
            stored: row.stored,
            derived: row.derived,
        })
    });
    drift.collect()
}

/// Writes what members did in a season from journal and lake, as far as that can be derived. The caller keeps everybody else from
/// counting events of the guild.
#[kernel::boxed]
pub(super) async fn season_derive(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
) -> Result<(), Error> {
    unhurried(&mut *conn).await?;
    let found = drift(&mut *conn, Some(guild), None, Some(season), true).await?;
    mend(conn, guild, &found).await
}

/// Writes what they must be.
pub(crate) async fn mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), Error> {
    let (mut users, mut seasons, mut what, mut derived) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for drift in drift {
        if let (Figure::Season(season, tally), Some(user)) = (drift.figure, drift.user()) {
            users.push(user);
            seasons.push(season.get());
            what.push(tally.as_str());
            derived.push(drift.derived);
        }
    }
    sqlx::query!(
        "INSERT INTO progress.user_stats AS s (guild_id, user_id, season_id, season_xp, season_stars, lifetime_stars,
             messages_sent, reactions_given, reactions_received, threads_created)
         SELECT $1, d.user_id, d.season_id, coalesce(d.xp, o.season_xp, 0), coalesce(d.stars, o.season_stars, 0),
                coalesce(d.lifetime, o.lifetime_stars, 0),
                coalesce(d.messages, o.messages_sent, 0), coalesce(d.given, o.reactions_given, 0),
                coalesce(d.received, o.reactions_received, 0), coalesce(d.threads, o.threads_created, 0)
           FROM (SELECT user_id, season_id, max(derived) FILTER (WHERE what = 'season_xp') AS xp,
                        max(derived) FILTER (WHERE what = 'season_stars') AS stars,
                        max(derived) FILTER (WHERE what = 'lifetime_stars') AS lifetime,
                        max(derived) FILTER (WHERE what = 'messages_sent')::int AS messages,
                        max(derived) FILTER (WHERE what = 'reactions_given')::int AS given,
                        max(derived) FILTER (WHERE what = 'reactions_received')::int AS received,
                        max(derived) FILTER (WHERE what = 'threads_created')::int AS threads
                   FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[]) AS i (user_id, season_id, what, derived)
                  GROUP BY user_id, season_id) d
           LEFT JOIN progress.user_stats o ON o.guild_id = $1 AND o.user_id = d.user_id AND o.season_id = d.season_id
         ON CONFLICT ON CONSTRAINT pk_user_stats DO UPDATE
            SET season_xp = excluded.season_xp, season_stars = excluded.season_stars,
                lifetime_stars = excluded.lifetime_stars, messages_sent = excluded.messages_sent,
                reactions_given = excluded.reactions_given, reactions_received = excluded.reactions_received,
                threads_created = excluded.threads_created",
        guild.get(),
        &users,
        &seasons,
        &what as &[&str],
        &derived,
    )
    .execute(conn)
    .await?;
    Ok(())
}
