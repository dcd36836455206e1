//! The journal of XP, gold and stars: one statement that remembers the causes, journals what is new, moves members on, finds
//! the levels they reached, and pays for each once: the levels between their XP before and after on the curve in force, whatever
//! level was kept under another one.

use std::collections::BTreeMap;

use ::jobs::outbox;
use access::settings::settings_read;
use kernel::{Gold, GuildId, UserId, Xp};
use serde_json::json;
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{Event, Grant, Granted, LevelUp};
use crate::rewards::RewardSettings;

/// [`crate::grant`] without a look at achievements: what an achievement itself pays.
#[kernel::boxed]
pub(crate) async fn enter(conn: &mut PgConnection, grants: &[Grant]) -> Result<Granted, Error> {
    if grants.is_empty() {
        return Ok(Granted::default());
    }
    let mut granted = Granted { fresh: vec![false; grants.len()], level_ups: Vec::new() };
    let mut level_ups = BTreeMap::new();
    // Each guild has its own level curve. In the order of their keys, as everybody locks.
    let mut by_guild: BTreeMap<GuildId, Vec<usize>> = BTreeMap::new();
    for (at, grant) in grants.iter().enumerate() {
        by_guild.entry(grant.guild_id).or_default().push(at);
    }
    for (guild, places) in by_guild {
        let columns = Columns::of(places.iter().map(|at| &grants[*at]))?;
        let settings: RewardSettings = settings_read(&mut *conn, Some(guild)).await?;
        let rows = write(conn, &columns, &settings).await.map_err(|error| match db::constraint(&error) {
            Some("fk_activity_log_user_id_members") => Error::GrantToStranger(guild),
            _ => Error::from(error),
        })?;
        for row in rows {
            if let Some(n) = row.n {
                if !row.known {
                    return Err(Error::GrantToStranger(row.guild_id));
                }
                if let Some(at) = usize::try_from(n - 1).ok().and_then(|n| places.get(n)) {
                    granted.fresh[*at] = true;
                }
            } else if let (Some(level), Some(gold), Some(xp)) = (row.level, row.gold, row.xp) {
                let (guild_id, user_id) = (row.guild_id, row.user_id);
                let up = LevelUp { guild_id, user_id, level, gold: Gold::new(gold), xp: Xp::new(xp) };
                level_ups.insert((guild_id, user_id), up);
            }
        }
    }
    granted.level_ups = level_ups.into_values().collect();
    let events: Vec<_> = granted.level_ups.iter().map(|up| announcement(up, is_import(grants))).collect();
    outbox::emit(conn, &events).await?;
    Ok(granted)
}

/// What the statement answers: a grant that took effect (`n` is its number in the batch, from 1), or a level-up.
struct Row {
    n: Option<i64>,
    guild_id: GuildId,
    user_id: UserId,
    /// Whether the grant's member is one.
    known: bool,
    level: Option<i32>,
    gold: Option<i64>,
    xp: Option<i64>,
}

/// Remembers the causes, journals what is new, moves members on and pays for levels.
async fn write(
    conn: &mut PgConnection,
    columns: &Columns<'_>,
    settings: &RewardSettings,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"WITH input AS MATERIALIZED (
               SELECT i.*
                 FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[],
                             $8::int[], $9::jsonb[]) WITH ORDINALITY
                      AS i (guild_id, user_id, event_type, source_system, source_event_id, xp, gold, stars, metadata, n)
           ), keys AS (
               INSERT INTO progress.activity_keys (guild_id, source_system, source_event_id, "timestamp")
               SELECT DISTINCT guild_id, source_system, source_event_id, now() FROM input ORDER BY 1, 2, 3
               ON CONFLICT DO NOTHING
               RETURNING guild_id, source_system, source_event_id
           ), fresh AS (
               SELECT DISTINCT ON (guild_id, source_system, source_event_id) i.*
                 FROM input i JOIN keys k USING (guild_id, source_system, source_event_id)
                ORDER BY guild_id, source_system, source_event_id, i.n
           ), sums AS (
               SELECT guild_id, user_id, sum(xp)::bigint AS xp, sum(gold)::bigint AS gold, sum(stars)::bigint AS stars,
                      coalesce(sum(xp) FILTER (WHERE event_type <> 'IMPORT'), 0)::bigint AS season_xp
                 FROM fresh GROUP BY guild_id, user_id
           ), locked AS (
               SELECT m.guild_id, m.user_id, 1 + width_bucket(m.xp, $10::bigint[]) AS old_level, m.xp + s.xp AS xp, s.season_xp, s.gold, s.stars,
                      m.stars + s.stars AS lifetime_stars
                 FROM people.members m JOIN sums s ON s.guild_id = m.guild_id AND s.user_id = m.user_id
                ORDER BY m.guild_id, m.user_id
                  FOR UPDATE OF m
           ), moved AS (
               SELECT l.*, 1 + width_bucket(l.xp, $10::bigint[]) AS level FROM locked l
           ), level_keys AS (
               INSERT INTO progress.activity_keys (guild_id, source_system, source_event_id, "timestamp")
               SELECT m.guild_id, 'community', 'level_up:' || m.user_id || ':' || r.level, now()
                 FROM moved m CROSS JOIN LATERAL generate_series(m.old_level + 1, m.level) AS r (level)
                ORDER BY 1, 2, 3
               ON CONFLICT DO NOTHING
               RETURNING guild_id, source_event_id
           ), reached AS (
               SELECT guild_id, split_part(source_event_id, ':', 2)::bigint AS user_id,
                      split_part(source_event_id, ':', 3)::int AS level, source_event_id
                 FROM level_keys
           ), paid AS (
               SELECT guild_id, user_id, count(*) * $11::bigint AS gold, max(level) AS level FROM reached
                GROUP BY guild_id, user_id
           ), season AS (
               SELECT s.guild_id, s.id FROM progress.seasons s
                WHERE s.starts_at <= now() AND now() < s.ends_at AND s.guild_id IN (SELECT guild_id FROM sums)
           ), journal AS (
               INSERT INTO progress.activity_log (guild_id, user_id, event_type, season_id, source_system,
                                                   source_event_id, xp_delta, star_delta, gold_delta, metadata)
               SELECT e.guild_id, e.user_id, e.event_type, CASE WHEN e.event_type <> 'IMPORT' THEN season.id END, e.source_system, e.source_event_id, e.xp, e.stars,
                      e.gold, e.metadata
                 FROM (SELECT guild_id, user_id, event_type, source_system, source_event_id, xp, stars, gold, metadata,
                              n::numeric AS n
                         FROM fresh
                       UNION ALL
                       SELECT guild_id, user_id, 'LEVEL_UP', 'community', source_event_id, 0, 0, $11::bigint::int,
                              jsonb_build_object('level', level), 'infinity'
                         FROM reached) e
                 LEFT JOIN season ON season.guild_id = e.guild_id
                ORDER BY e.n, e.guild_id, e.user_id, length(e.source_event_id), e.source_event_id
           ), stats AS (
               INSERT INTO progress.user_stats AS u (guild_id, user_id, season_id, season_xp, season_stars, lifetime_stars)
               SELECT v.guild_id, v.user_id, season.id, v.season_xp, v.stars, v.lifetime_stars
                 FROM moved v JOIN season ON season.guild_id = v.guild_id
                WHERE v.season_xp <> 0 OR v.stars <> 0
                ORDER BY v.guild_id, v.user_id
               ON CONFLICT ON CONSTRAINT pk_user_stats DO UPDATE
                  SET season_xp = u.season_xp + excluded.season_xp, season_stars = u.season_stars + excluded.season_stars,
                      lifetime_stars = excluded.lifetime_stars, updated_at = now()
           ), members AS (
               UPDATE people.members m
                  SET xp = v.xp, level = v.level, stars = m.stars + v.stars,
                      gold = m.gold + v.gold + coalesce(p.gold, 0), updated_at = now()
                 FROM moved v LEFT JOIN paid p ON p.guild_id = v.guild_id AND p.user_id = v.user_id
                WHERE m.guild_id = v.guild_id AND m.user_id = v.user_id
               RETURNING m.guild_id, m.user_id
           )
           SELECT f.n, f.guild_id AS "guild_id!: GuildId", f.user_id AS "user_id!: UserId", NULL::int AS level,
                  NULL::bigint AS gold, NULL::bigint AS xp, ((f.guild_id, f.user_id) IN (SELECT guild_id, user_id FROM locked)) AS "known!"
             FROM fresh f
           UNION ALL
           SELECT NULL, p.guild_id, p.user_id, p.level, p.gold, v.xp, true
             FROM paid p JOIN moved v ON v.guild_id = p.guild_id AND v.user_id = p.user_id"#,
        &columns.guilds,
        &columns.users,
        &columns.events as &[&str],
        &columns.systems as &[&str],
        &columns.causes as &[&str],
        &columns.xp,
        &columns.gold,
        &columns.stars,
        &columns.metadata,
        &settings.curve().thresholds(),
        i64::from(settings.level_up_gold),
    )
    .fetch_all(conn)
    .await
}

/// Whether this is what members had elsewhere: no news, and none of the season's.
pub(crate) fn is_import(grants: &[Grant]) -> bool {
    grants.iter().all(|grant| grant.event_type == Event::Import)
}

/// A level-up, for everybody in the guild to hear.
fn announcement(up: &LevelUp, retroactive: bool) -> outbox::Event {
    let mut payload = json!({ "user_id": up.user_id, "level": up.level, "xp": up.xp, "gold": up.gold });
    if retroactive {
        payload["retroactive"] = true.into();
    }
    outbox::Event {
        guild_id: up.guild_id,
        event_type: "member.levelled_up",
        subject: format!("members/{}", up.user_id),
        correlation_id: None,
        user_id: None,
        payload,
    }
}

/// The batch turned on its side, for `unnest`.
#[derive(Default)]
struct Columns<'a> {
    guilds: Vec<i64>,
    users: Vec<i64>,
    events: Vec<&'static str>,
    systems: Vec<&'a str>,
    causes: Vec<&'a str>,
    xp: Vec<i32>,
    gold: Vec<i32>,
    stars: Vec<i32>,
    metadata: Vec<serde_json::Value>,
}

impl<'a> Columns<'a> {
    fn of(grants: impl Iterator<Item = &'a Grant>) -> Result<Self, Error> {
        let fit = |amount: i64, what| i32::try_from(amount).map_err(|_| Error::OutOfRange(what));
        let mut columns = Self::default();
        for grant in grants {
            columns.guilds.push(grant.guild_id.get());
            columns.users.push(grant.user_id.get());
            columns.events.push(grant.event_type.as_str());
            columns.systems.push(&grant.source_system);
            columns.causes.push(&grant.source_event_id);
            columns.xp.push(fit(grant.xp.get(), "XP")?);
            columns.gold.push(fit(grant.gold.get(), "gold")?);
            columns.stars.push(fit(grant.stars, "stars")?);
            columns.metadata.push(grant.metadata.clone());
        }
        Ok(columns)
    }
}
