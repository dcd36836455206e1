//! What is kept beside a journal, re-derived from it: members and seasons from the journal of rewards, counters and counts from the
//! lake as far back as it reaches, guilds' days from the members' counters and the journal (`days`).
//!
//! [`drift`] reports, [`repair`] mends while everything goes on. What cannot be derived is not claimed: counters of categories (a
//! channel may have changed its category since), minutes of voice, and days whose events retention has dropped. Lifetime counters
//! must be the sum of their days, which are kept.
//!
//! A job does both every week ([`weekly`]). What was mended is in the audit log, in the log, and counted in
//! `questhall_audit_mended_total`.

mod days;
pub mod weekly;

use std::collections::{BTreeMap, BTreeSet};

use access::settings::settings_read;
use kernel::{GuildId, UserId};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::author::{Author, Deed};
use crate::error::Error;
use crate::ids::SeasonId;
use crate::rewards::RewardSettings;
use crate::seasons::calendars;

/// Figures that the audit log names one by one; beyond, their number must do.
const NAMED: usize = 200;
/// Members who are mended at once: so long their guild's events wait.
const AT_ONCE: usize = 50;
/// The figure of a season that is counted for all members at once.
const RECEIVED: &str = "reactions_received";

/// A figure that is not what the journal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member; none where it is a figure of the whole guild.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Which figure: xp, level, gold or stars; of a season, `season 3 season_xp` and so on; `counter message_create lifetime`; or of
    /// the guild, `day 2026-11-21 MESSAGE xp`.
    pub what: String,
    /// What is stored.
    pub stored: i64,
    /// What the journal, or the lake, adds up to.
    pub derived: i64,
}

impl Drift {
    fn user(&self) -> Option<i64> {
        self.user_id.map(UserId::get)
    }
}

/// Every figure that is not what its journal adds up to. Reads journal and lake from one end to the other; empty when all is well. Each
/// statement is a snapshot of its own, so it may run while others write.
pub async fn drift(conn: &mut PgConnection) -> Result<Vec<Drift>, Error> {
    // Guilds with a level curve of their own, and all the others together.
    let special: Vec<i64> = sqlx::query_scalar!(
        "SELECT DISTINCT guild_id FROM access.settings
          WHERE guild_id > 0 AND key IN ('rewards.level_base', 'rewards.level_factor') ORDER BY 1"
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut all = members_drift(conn, None, &special, None).await?;
    for guild in special {
        all.extend(members_drift(conn, Some(GuildId::new(guild)), &[], None).await?);
    }
    all.extend(seasons_drift(conn, None, None, None, true).await?);
    all.extend(counters_drift(conn, None, None).await?);
    all.extend(days::drift(conn, None).await?);
    all.sort_by(|a, b| (a.guild_id, a.user_id, &a.what).cmp(&(b.guild_id, b.user_id, &b.what)));
    Ok(all)
}

/// Members of one guild, or of all but some; or only some members.
async fn members_drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    but: &[i64],
    users: Option<&[i64]>,
) -> Result<Vec<Drift>, Error> {
    let settings: RewardSettings = settings_read(&mut *conn, guild).await?;
    let rows = sqlx::query_as!(
        Drift,
        r#"WITH journal AS (
               SELECT guild_id, user_id, sum(xp_delta)::bigint AS xp, sum(gold_delta)::bigint AS gold,
                      sum(star_delta)::bigint AS stars
                 FROM progress.activity_log
                WHERE ($2::bigint IS NULL OR guild_id = $2) AND ($4::bigint[] IS NULL OR user_id = ANY ($4))
                GROUP BY guild_id, user_id
           )
           SELECT m.guild_id AS "guild_id: GuildId", m.user_id AS "user_id?: UserId", f.what AS "what!",
                  f.stored AS "stored!", f.derived AS "derived!"
             FROM people.members m
             LEFT JOIN journal j ON j.guild_id = m.guild_id AND j.user_id = m.user_id
            CROSS JOIN LATERAL (VALUES
                  ('xp', m.xp, coalesce(j.xp, 0)),
                  ('level', m.level::bigint, 1 + width_bucket(coalesce(j.xp, 0), $1::bigint[])::bigint),
                  ('gold', m.gold, coalesce(j.gold, 0)),
                  ('stars', m.stars, coalesce(j.stars, 0))) AS f (what, stored, derived)
            WHERE f.stored <> f.derived AND ($2::bigint IS NULL OR m.guild_id = $2) AND m.guild_id <> ALL ($3)
              AND ($4::bigint[] IS NULL OR m.user_id = ANY ($4))"#,
        &settings.curve().thresholds(),
        guild.map(GuildId::get),
        but,
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Seasons: XP and stars by the journal, in the running one also the stars of a lifetime; counts by the lake, where it reaches back to the season's beginning. The reactions that
/// members got are counted only if `received`: all reactions are read for them, whoever is asked about.
async fn seasons_drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    users: Option<&[i64]>,
    season: Option<i32>,
    received: bool,
) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query_as!(
        Drift,
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
                  'season ' || s.season_id || ' ' || f.what AS "what!", f.stored AS "stored!", f.derived AS "derived!"
             FROM sums s
             JOIN people.users u ON u.id = s.user_id AND NOT u.is_bot
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
        season,
        received,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Counters of category 0: days by the lake as far as it reaches, lifetimes by their days, the season by the lake.
async fn counters_drift(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
    users: Option<&[i64]>,
) -> Result<Vec<Drift>, Error> {
    let rows = sqlx::query_as!(
        Drift,
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
                  'counter ' || coalesce(s.event_type, d.event_type) || ' ' || coalesce(s.period, d.period) AS "what!",
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
    Ok(rows)
}

/// Mends a guild's drift and answers what it was. First everything is looked at while all goes on; then the members concerned are
/// derived again and mended, few at a time: so long the guild's events and its seasons wait, and payments to these members, and in
/// between they come through. Whatever stops it, what was mended stays, and running it again mends the rest; then it finds nothing.
/// What was mended is in the audit log, in the same transaction as itself.
pub async fn repair(pool: &PgPool, guild: GuildId, author: Author<'_>) -> Result<Vec<Drift>, Error> {
    let seen = look(pool, guild).await?;
    let users: BTreeSet<i64> = seen.iter().filter_map(Drift::user).collect();
    let users: Vec<i64> = users.into_iter().collect();
    let mut mended = Vec::new();
    for part in users.chunks(AT_ONCE) {
        mended.extend(part_mend(pool, guild, part, None, author).await?);
    }
    // No index leads from a member to the reactions they got: these are counted for all at once, a season at a time.
    let mut received: BTreeMap<i32, BTreeSet<i64>> = BTreeMap::new();
    for drift in &seen {
        if let Some((season, RECEIVED)) = season_figure(&drift.what) {
            received.entry(season).or_default().extend(drift.user());
        }
    }
    for (season, users) in received {
        let users: Vec<i64> = users.into_iter().collect();
        mended.extend(part_mend(pool, guild, &users, Some(season), author).await?);
    }
    // Sums of the members' counters, which are right by now.
    mended.extend(days::repair(pool, guild, author).await?);
    Ok(mended)
}

/// Mends some members under the guild's locks, and commits: all but the reactions they got, or with a season these alone.
async fn part_mend(
    pool: &PgPool,
    guild: GuildId,
    users: &[i64],
    season: Option<i32>,
    author: Author<'_>,
) -> Result<Vec<Drift>, Error> {
    let mended = db::retry(|| async {
        let mut tx = pool.begin().await?;
        unhurried(&mut tx).await?;
        crate::store::guilds_lock(&mut tx, &[guild]).await?;
        // A season that is rolled over between reading its counters and writing them would get those of the one before.
        calendars(&mut tx, &[guild]).await?;
        members_lock(&mut tx, guild, users).await?;
        let mended = match season {
            None => mend(&mut tx, guild, users).await?,
            Some(season) => {
                let drift = seasons_drift(&mut tx, Some(guild), Some(users), Some(season), true).await?;
                seasons_mend(&mut tx, guild, &drift).await?;
                drift
            }
        };
        on_record(&mut tx, guild, &mended, author).await?;
        tx.commit().await?;
        Ok::<_, Error>(mended)
    })
    .await?;
    weekly::mended("community", guild, &mended);
    Ok(mended)
}

/// Notes in the audit log what was mended, in the same transaction as itself.
async fn on_record(
    conn: &mut PgConnection,
    guild: GuildId,
    mended: &[Drift],
    author: Author<'_>,
) -> Result<(), sqlx::Error> {
    if mended.is_empty() {
        return Ok(());
    }
    let figures = |figure: fn(&Drift) -> i64| {
        let named = mended.iter().take(NAMED);
        let named = named.map(|d| json!({ "user_id": d.user_id, "what": d.what, "is": figure(d) }));
        json!({ "figures": mended.len(), "first": named.collect::<Vec<_>>() })
    };
    let deed = Deed::new("REPAIR", "people.members", guild.to_string());
    let deed = deed.before(figures(|drift| drift.stored)).after(figures(|drift| drift.derived));
    deed.record(conn, guild, author).await
}

/// Writes what members did in a season from journal and lake, as far as that can be derived. The caller keeps everybody else from
/// counting events of the guild.
pub(crate) async fn season_derive(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
) -> Result<(), Error> {
    unhurried(&mut *conn).await?;
    let drift = seasons_drift(&mut *conn, Some(guild), None, Some(season.get()), true).await?;
    seasons_mend(conn, guild, &drift).await
}

/// Journals are read from one end to the other, however long they are.
async fn unhurried(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT set_config('statement_timeout', '0', true)").fetch_one(conn).await?;
    Ok(())
}

/// What differs in a guild now.
async fn look(pool: &PgPool, guild: GuildId) -> Result<Vec<Drift>, Error> {
    let mut tx = pool.begin().await?;
    unhurried(&mut tx).await?;
    let mut all = counters_drift(&mut tx, Some(guild), None).await?;
    all.extend(members_drift(&mut tx, Some(guild), &[], None).await?);
    all.extend(seasons_drift(&mut tx, Some(guild), None, None, true).await?);
    tx.commit().await?;
    Ok(all)
}

/// Whoever pays these members waits from here on; what was paid before is in the journal by the next statement.
async fn members_lock(conn: &mut PgConnection, guild: GuildId, users: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT FROM people.members WHERE guild_id = $1 AND user_id = ANY ($2) ORDER BY user_id FOR UPDATE",
        guild.get(),
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Mends what these members differ in, but for the reactions they got in seasons, while the locks are held.
async fn mend(conn: &mut PgConnection, guild: GuildId, users: &[i64]) -> Result<Vec<Drift>, Error> {
    let mut mended = counters_drift(&mut *conn, Some(guild), Some(users)).await?;
    counters_mend(&mut *conn, guild, &mended).await?;
    // Days have changed, and lifetimes are their sums.
    let lifetimes = counters_drift(&mut *conn, Some(guild), Some(users)).await?;
    counters_mend(&mut *conn, guild, &lifetimes).await?;
    mended.extend(lifetimes);
    let members = members_drift(&mut *conn, Some(guild), &[], Some(users)).await?;
    members_mend(&mut *conn, guild, &members).await?;
    mended.extend(members);
    let seasons = seasons_drift(&mut *conn, Some(guild), Some(users), None, false).await?;
    seasons_mend(&mut *conn, guild, &seasons).await?;
    mended.extend(seasons);
    Ok(mended)
}

/// The drift of one figure, column by column.
fn columns<'a>(drift: impl Iterator<Item = &'a Drift>) -> (Vec<i64>, Vec<i64>) {
    drift.filter_map(|drift| Some((drift.user()?, drift.derived))).unzip()
}

async fn members_mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), Error> {
    let (users, what): (Vec<i64>, Vec<&str>) =
        drift.iter().filter_map(|drift| Some((drift.user()?, drift.what.as_str()))).unzip();
    let derived: Vec<i64> = drift.iter().map(|drift| drift.derived).collect();
    sqlx::query!(
        "UPDATE people.members m
            SET xp = coalesce(d.xp, m.xp), level = coalesce(d.level, m.level), gold = coalesce(d.gold, m.gold),
                stars = coalesce(d.stars, m.stars)
           FROM (SELECT user_id, max(derived) FILTER (WHERE what = 'xp') AS xp,
                        max(derived) FILTER (WHERE what = 'level')::int AS level,
                        max(derived) FILTER (WHERE what = 'gold') AS gold,
                        max(derived) FILTER (WHERE what = 'stars') AS stars
                   FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS i (user_id, what, derived)
                  GROUP BY user_id) d
          WHERE m.guild_id = $1 AND m.user_id = d.user_id",
        guild.get(),
        &users,
        &what as &[&str],
        &derived,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which season's which figure this is.
fn season_figure(what: &str) -> Option<(i32, &str)> {
    let (season, what) = what.strip_prefix("season ")?.split_once(' ')?;
    Some((season.parse().ok()?, what))
}

async fn seasons_mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), Error> {
    let parts: Vec<(i32, &str)> = drift.iter().filter_map(|drift| season_figure(&drift.what)).collect();
    let (users, derived) = columns(drift.iter());
    let (seasons, what): (Vec<i32>, Vec<&str>) = parts.into_iter().unzip();
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

async fn counters_mend(conn: &mut PgConnection, guild: GuildId, drift: &[Drift]) -> Result<(), Error> {
    let (users, derived) = columns(drift.iter());
    let (types, periods): (Vec<&str>, Vec<&str>) =
        drift.iter().filter_map(|drift| drift.what.strip_prefix("counter ")?.split_once(' ')).unzip();
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
