//! SQL over raids and the cases of their time.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{
    Action, CaseId, EffectState, Joined, Moderator, NewRaid, Raid, RaidAction, RaidId, RuleId,
};

/// Raids, the latest first, at most so many; or the one that is running, or one by its row.
pub(crate) async fn find(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<RaidId>,
    running: bool,
    before: Option<RaidId>,
    limit: i64,
) -> Result<Vec<Raid>, sqlx::Error> {
    sqlx::query_as!(
        Raid,
        r#"SELECT id AS "id: RaidId", reason, action AS "action: RaidAction", started_by AS "started_by: UserId", started_by_tag,
                  rule_id AS "rule_id: RuleId", started_at, ends_at, ended_at, released_at,
                  (SELECT count(*) FROM moderation.moderation_cases c WHERE c.guild_id = r.guild_id AND c.raid_id = r.id
                      AND c.source <> 'raid') AS "cases!"
             FROM moderation.raids r
            WHERE guild_id = $1 AND ($2::uuid IS NULL OR id = $2) AND (NOT $3 OR ended_at IS NULL)
              AND ($4::uuid IS NULL OR id < $4)
            ORDER BY id DESC LIMIT $5"#,
        guild.get(),
        only.map(RaidId::get),
        running,
        before.map(RaidId::get),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A page of raids, one more than it holds.
pub(crate) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    before: Option<RaidId>,
    limit: Limit,
) -> Result<Vec<Raid>, sqlx::Error> {
    find(conn, guild, None, false, before, limit.plus_one()).await
}

/// A raid by its row.
pub(crate) async fn get(conn: &mut PgConnection, guild: GuildId, id: RaidId) -> Result<Raid, Error> {
    find(conn, guild, Some(id), false, None, 1).await?.pop().ok_or(Error::UnknownRaid)
}

/// The raid that is running.
pub(crate) async fn running(conn: &mut PgConnection, guild: GuildId) -> Result<Option<Raid>, sqlx::Error> {
    Ok(find(conn, guild, None, true, None, 1).await?.pop())
}

/// Begins a raid.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewRaid,
    minutes: i32,
    by: &Moderator,
    rule: Option<RuleId>,
) -> Result<RaidId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO moderation.raids (guild_id, reason, action, started_by, started_by_tag, rule_id, ends_at)
           VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(mins => $7)) RETURNING id AS "id: RaidId""#,
        guild.get(),
        new.reason,
        new.action.as_str(),
        by.id.get(),
        by.tag,
        rule.map(RuleId::get),
        minutes,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Ends a raid; false where it ended before.
pub(crate) async fn end(
    conn: &mut PgConnection,
    guild: GuildId,
    id: RaidId,
    by: Option<UserId>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.raids SET ended_at = now(), ended_by = $3 WHERE guild_id = $1 AND id = $2 AND ended_at IS NULL",
        guild.get(),
        id.get(),
        by.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down that everybody was let go.
pub(crate) async fn released(
    conn: &mut PgConnection,
    guild: GuildId,
    id: RaidId,
    by: UserId,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.raids SET released_at = now(), released_by = $3
          WHERE guild_id = $1 AND id = $2 AND released_at IS NULL",
        guild.get(),
        id.get(),
        by.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A case made for many at once.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: CaseId,
    pub(crate) case_number: i32,
    pub(crate) user_id: UserId,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// Makes a case for everybody who joined and has none of the kind in force, once a join; answers them.
pub(crate) async fn cases_insert(
    conn: &mut PgConnection,
    guild: GuildId,
    raid: &Raid,
    action: Action,
    joined: &[Joined],
) -> Result<Vec<Made>, sqlx::Error> {
    let users: Vec<i64> = joined.iter().map(|one| one.user_id.get()).collect();
    let tags: Vec<String> = joined.iter().map(|one| one.tag.chars().take(100).collect()).collect();
    let house = Moderator::house();
    sqlx::query_as!(
        Made,
        r#"INSERT INTO moderation.moderation_cases
               (guild_id, user_id, user_tag, moderator_id, moderator_tag, action, reason, expires_at, resolved, resolved_at,
                resolution, source, source_key, automod_rule_id, raid_id, effect_state)
           SELECT $1, user_id, tag, 0, $2, $3, $4, CASE WHEN $3 = 'timeout' THEN $5::timestamptz END, $3 = 'kick',
                  CASE WHEN $3 = 'kick' THEN now() END, CASE WHEN $3 = 'kick' THEN 'instant' END, 'automod',
                  'raid:' || $6::uuid || ':' || user_id, $7, $6, $8
             FROM (SELECT DISTINCT ON (user_id) user_id, tag FROM unnest($9::bigint[], $10::text[]) AS t (user_id, tag)) j
            WHERE NOT EXISTS (SELECT FROM moderation.moderation_cases c
                               WHERE c.guild_id = $1 AND c.user_id = j.user_id AND c.action = $3 AND NOT c.resolved)
              AND NOT EXISTS (SELECT FROM moderation.moderation_cases c
                               WHERE c.guild_id = $1 AND c.source = 'automod' AND c.source_key = 'raid:' || $6::uuid || ':' || j.user_id)
            ORDER BY user_id
        RETURNING id AS "id: CaseId", case_number, user_id AS "user_id: UserId", expires_at"#,
        guild.get(),
        house.tag,
        action.as_str(),
        raid.reason,
        raid.ends_at,
        raid.id.get(),
        raid.rule_id.map(RuleId::get),
        EffectState::Pending.as_str(),
        &users,
        &tags,
    )
    .fetch_all(conn)
    .await
}

/// Lets everybody go whom a raid hit and who is still banned or timed out: a case of its own for each, numbered on; answers them with whether
/// it is an unban.
pub(crate) async fn release(
    conn: &mut PgConnection,
    guild: GuildId,
    raid: RaidId,
    reason: &str,
    by: &Moderator,
) -> Result<Vec<(Made, bool)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH held AS (
               SELECT id, user_id, user_tag, action, row_number() OVER (ORDER BY case_number) AS n
                 FROM moderation.moderation_cases
                WHERE guild_id = $1 AND raid_id = $2 AND NOT resolved AND action IN ('ban', 'timeout')
           ), numbered AS (
               UPDATE moderation.case_counters
                  SET last_case_number = last_case_number + (SELECT count(*)::int FROM held)
                WHERE guild_id = $1 RETURNING last_case_number
           )
           INSERT INTO moderation.moderation_cases
               (guild_id, case_number, user_id, user_tag, moderator_id, moderator_tag, action, reason, resolved, resolved_at,
                resolution, source, parent_case_id, raid_id, effect_state)
           SELECT $1, last_case_number - (SELECT count(*)::int FROM held) + n::int, user_id, user_tag, $3, $4,
                  CASE action WHEN 'ban' THEN 'unban' ELSE 'untimeout' END, $5, true, now(), 'instant', 'raid', held.id, $2,
                  'pending'
             FROM held, numbered
        RETURNING id AS "id: CaseId", case_number, user_id AS "user_id: UserId", action = 'unban' AS "unban!""#,
        guild.get(),
        raid.get(),
        by.id.get(),
        by.tag,
        reason,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE moderation.moderation_cases c
            SET resolved = true, resolved_at = now(), resolution = 'released', resolved_by_case_id = f.id,
                updated_by = nullif($3::bigint, 0), updated_by_tag = $4
           FROM moderation.moderation_cases f
          WHERE c.guild_id = $1 AND c.raid_id = $2 AND NOT c.resolved AND c.action IN ('ban', 'timeout')
            AND f.guild_id = c.guild_id AND f.parent_case_id = c.id AND f.source = 'raid'",
        guild.get(),
        raid.get(),
        by.id.get(),
        by.tag,
    )
    .execute(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let made =
                Made { id: row.id, case_number: row.case_number, user_id: row.user_id, expires_at: None };
            (made, row.unban)
        })
        .collect())
}
