//! Events folded into runs, first tries and completions; and which figures that opens.

use kernel::GuildId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::rules::elo::FirstTry;

/// Guilds with anything to fold, or with figures to make.
pub(crate) async fn guilds_waiting(conn: &mut PgConnection) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id!: GuildId" FROM (
               SELECT guild_id FROM insight.pending
               UNION SELECT guild_id FROM insight.open_days UNION SELECT guild_id FROM insight.open_quests
               UNION SELECT guild_id FROM insight.open_subjects
               UNION SELECT g.guild_id FROM insight.guilds g
                      WHERE EXISTS (SELECT FROM insight.runs r WHERE r.guild_id = g.guild_id AND r.outcome = 'open'
                                       AND r.last_event_at <= now() - interval '14 days')) waiting
            ORDER BY guild_id"#
    )
    .fetch_all(conn)
    .await
}

/// Locks a guild whose learning is counted, and tells the place that the next first try takes.
pub(crate) async fn guild_lock(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<i64> {
    sqlx::query!("INSERT INTO insight.guilds (guild_id) VALUES ($1) ON CONFLICT DO NOTHING", guild.get())
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!("SELECT next_place FROM insight.guilds WHERE guild_id = $1 FOR UPDATE", guild.get())
        .fetch_one(conn)
        .await
}

/// Writes that a guild was folded, and where its journal of first tries goes on.
pub(crate) async fn guild_folded(
    conn: &mut PgConnection,
    guild: GuildId,
    next_place: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE insight.guilds SET folded_at = now(), next_place = $2 WHERE guild_id = $1",
        guild.get(),
        next_place
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes pending events, at most so many, and tells whose attempts they are and how many were taken.
pub(crate) async fn pending_take(
    conn: &mut PgConnection,
    guild: GuildId,
    most: i64,
) -> sqlx::Result<(Vec<Uuid>, i64)> {
    let row = sqlx::query!(
        r#"WITH taken AS (
               DELETE FROM insight.pending p
                WHERE p.guild_id = $1
                  AND p.event_id IN (SELECT n.event_id FROM insight.pending n WHERE n.guild_id = $1 ORDER BY n.event_id LIMIT $2)
               RETURNING p.attempt_id)
           SELECT coalesce(array_agg(DISTINCT attempt_id), '{}') AS "attempts!", count(*) AS "events!" FROM taken"#,
        guild.get(),
        most,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.attempts, row.events))
}

/// Attempts that have become idle, at most so many.
pub(crate) async fn idle_find(conn: &mut PgConnection, guild: GuildId, most: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT attempt_id FROM insight.runs
          WHERE guild_id = $1 AND outcome = 'open' AND last_event_at <= now() - interval '14 days'
          ORDER BY last_event_at LIMIT $2",
        guild.get(),
        most,
    )
    .fetch_all(conn)
    .await
}

/// Reads the steps of versions that these attempts' events name and that are not known yet.
pub(crate) async fn versions_put(
    conn: &mut PgConnection,
    guild: GuildId,
    attempts: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO insight.version_steps (guild_id, quest_id, version, place, step_id, is_optional)
           SELECT v.guild_id, v.quest_id, v.version, s.place::integer, (v.snapshot->'steps'->>(s.step->>'slug'))::uuid,
                  coalesce((s.step->>'optional')::boolean, false)
             FROM (SELECT DISTINCT e.quest_id, e.version FROM learning.attempt_events e
                    WHERE e.guild_id = $1 AND e.attempt_id = ANY ($2)) t
             JOIN learning.quest_versions v ON v.guild_id = $1 AND v.quest_id = t.quest_id AND v.version = t.version
            CROSS JOIN LATERAL jsonb_array_elements(v.snapshot->'quest'->'steps') WITH ORDINALITY AS s (step, place)
            WHERE NOT EXISTS (SELECT FROM insight.version_steps k
                               WHERE k.guild_id = $1 AND k.quest_id = t.quest_id AND k.version = t.version)"#,
        guild.get(),
        attempts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts the runs of these attempts in place as their events tell, and opens what that changes: days and quests.
pub(crate) async fn runs_put(conn: &mut PgConnection, guild: GuildId, attempts: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH old AS MATERIALIZED (
               SELECT attempt_id, run, begun_at, ended_at, outcome, active_seconds, worked_days
                 FROM insight.runs WHERE guild_id = $1 AND attempt_id = ANY ($2)
           ), new AS MATERIALIZED (
               SELECT * FROM insight.runs_of($1, $2, now())
           ), put AS (
               INSERT INTO insight.runs SELECT * FROM new
               ON CONFLICT ON CONSTRAINT pk_runs DO UPDATE
                  SET version = excluded.version, begun_at = excluded.begun_at, last_event_at = excluded.last_event_at,
                      ended_at = excluded.ended_at, outcome = excluded.outcome, active_seconds = excluded.active_seconds,
                      place = excluded.place, worked_days = excluded.worked_days, touched = excluded.touched, done = excluded.done,
                      skipped = excluded.skipped, events = excluded.events
           ), changed AS (
               SELECT n.quest_id, n.begun_at, n.ended_at, n.worked_days, o.begun_at AS old_begun, o.ended_at AS old_ended,
                      coalesce(o.worked_days, '{}') AS old_worked, o.begun_at IS DISTINCT FROM n.begun_at AS began_elsewhere,
                      (o.ended_at, o.outcome, o.active_seconds) IS DISTINCT FROM (n.ended_at, n.outcome, n.active_seconds) AS ended_elsewhere
                 FROM new n LEFT JOIN old o ON o.attempt_id = n.attempt_id AND o.run = n.run
           ), instants AS (
               SELECT begun_at AS at FROM changed WHERE began_elsewhere
               UNION ALL SELECT old_begun FROM changed WHERE began_elsewhere
               UNION ALL SELECT ended_at FROM changed WHERE ended_elsewhere
               UNION ALL SELECT old_ended FROM changed WHERE ended_elsewhere
           ), ranges AS (
               -- While it is open it counts in every day's figures of its quest: those that were made change with its ends.
               SELECT quest_id, least(begun_at, old_begun) AS low,
                      CASE WHEN old_begun IS NULL THEN least(ended_at, now()) ELSE greatest(begun_at, old_begun) END AS high
                 FROM changed WHERE began_elsewhere
               UNION ALL
               SELECT quest_id, least(ended_at, old_ended), least(greatest(ended_at, old_ended), now())
                 FROM changed WHERE old_ended <> ended_at
           ), days AS (
               SELECT (at AT TIME ZONE 'UTC')::date AS day FROM instants WHERE at < 'infinity'
               UNION SELECT d.day FROM changed c CROSS JOIN LATERAL unnest(c.worked_days) AS d (day) WHERE d.day <> ALL (c.old_worked)
               UNION SELECT d.day FROM changed c CROSS JOIN LATERAL unnest(c.old_worked) AS d (day) WHERE d.day <> ALL (c.worked_days)
               UNION SELECT a.date_recorded FROM ranges r
                       JOIN insight.quest_analytics a ON a.guild_id = $1 AND a.quest_id = r.quest_id
                        AND a.date_recorded BETWEEN (r.low AT TIME ZONE 'UTC')::date AND (r.high AT TIME ZONE 'UTC')::date
           ), opened AS (
               INSERT INTO insight.open_days (guild_id, day) SELECT $1, day FROM days WHERE day IS NOT NULL ORDER BY day
               ON CONFLICT (guild_id, day) DO UPDATE SET noted_at = excluded.noted_at
           )
           INSERT INTO insight.open_quests (guild_id, quest_id) SELECT DISTINCT $1::bigint, quest_id FROM changed ORDER BY quest_id
           ON CONFLICT (guild_id, quest_id) DO UPDATE SET noted_at = excluded.noted_at"#,
        guild.get(),
        attempts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the first graded tries of these attempts' learners that are not in the journal yet, from this place on, and opens what they
/// were tries at. Tells them in their order: as they were graded, and where that is one instant, by their ids.
pub(crate) async fn first_tries_put(
    conn: &mut PgConnection,
    guild: GuildId,
    attempts: &[Uuid],
    place: i64,
) -> sqlx::Result<Vec<FirstTry>> {
    let mut tries = sqlx::query_as!(
        FirstTry,
        r#"WITH firsts AS (
               SELECT DISTINCT ON (t.auth_user_id, coalesce(t.step_id, t.assessment_id)) t.id, t.auth_user_id,
                      coalesce(t.step_id, t.assessment_id) AS subject_id, (t.score / t.max_score)::float8 AS share, t.finished_at
                 FROM learning.item_tries t
                WHERE t.guild_id = $1 AND t.attempt_id = ANY ($2) AND t.status = 'graded' AND t.max_score > 0
                ORDER BY t.auth_user_id, coalesce(t.step_id, t.assessment_id), t.run, t.try_number, t.id
           ), put AS (
               INSERT INTO insight.first_tries (guild_id, place, auth_user_id, subject_id, share, tried_at)
               SELECT $1, $3 + row_number() OVER (ORDER BY f.finished_at, f.id) - 1, f.auth_user_id, f.subject_id, f.share, f.finished_at
                 FROM firsts f
                WHERE NOT EXISTS (SELECT FROM insight.first_tries k
                                   WHERE k.guild_id = $1 AND k.auth_user_id = f.auth_user_id AND k.subject_id = f.subject_id)
               RETURNING place, auth_user_id, subject_id, share
           ), opened AS (
               INSERT INTO insight.open_subjects (guild_id, subject_id) SELECT DISTINCT $1::bigint, subject_id FROM put
               ON CONFLICT (guild_id, subject_id) DO UPDATE SET noted_at = excluded.noted_at
           )
           SELECT place AS "place!", auth_user_id AS "learner!", subject_id AS "subject!", share AS "share!" FROM put"#,
        guild.get(),
        attempts,
        place,
    )
    .fetch_all(conn)
    .await?;
    tries.sort_unstable_by_key(|one| one.place);
    Ok(tries)
}

/// Opens all that is there to be counted: every day with runs, every quest, everything that was tried.
pub(crate) async fn reopen_all(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH noted AS (
               INSERT INTO insight.pending (guild_id, event_id, attempt_id)
               SELECT e.guild_id, e.id, e.attempt_id FROM learning.attempt_events e WHERE e.guild_id = $1
               ON CONFLICT DO NOTHING
           ), days AS (
               INSERT INTO insight.open_days (guild_id, day)
               SELECT DISTINCT $1::bigint, d.day FROM (
                      SELECT (r.begun_at AT TIME ZONE 'UTC')::date AS day FROM insight.runs r WHERE r.guild_id = $1
                      UNION SELECT (r.ended_at AT TIME ZONE 'UTC')::date FROM insight.runs r
                             WHERE r.guild_id = $1 AND r.ended_at < 'infinity'
                      UNION SELECT unnest(r.worked_days) FROM insight.runs r WHERE r.guild_id = $1
                      UNION SELECT a.date_recorded FROM insight.quest_analytics a WHERE a.guild_id = $1) d
               ON CONFLICT (guild_id, day) DO UPDATE SET noted_at = excluded.noted_at
           ), quests AS (
               INSERT INTO insight.open_quests (guild_id, quest_id)
               SELECT DISTINCT r.guild_id, r.quest_id FROM insight.runs r WHERE r.guild_id = $1
               ON CONFLICT (guild_id, quest_id) DO UPDATE SET noted_at = excluded.noted_at
           )
           INSERT INTO insight.open_subjects (guild_id, subject_id)
           SELECT DISTINCT t.guild_id, t.subject_id FROM insight.first_tries t WHERE t.guild_id = $1
           ON CONFLICT (guild_id, subject_id) DO UPDATE SET noted_at = excluded.noted_at"#,
        guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
