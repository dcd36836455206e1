//! SQL over hits of automod.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Limit, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::automod::{Act, RuleType};
use crate::model::{CaseId, HitRow, HitStatistics, RuleId};

/// A hit to be written down.
#[derive(Debug)]
pub(crate) struct Insert<'a> {
    pub(crate) rule: RuleId,
    pub(crate) user: UserId,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) source_id: &'a str,
    pub(crate) act: Act,
    pub(crate) dry_run: bool,
    pub(crate) details: Value,
}

/// Writes a hit down; `None` where it was before, where its rule is gone, or where it is a join that Discord told twice.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    hit: &Insert<'_>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"INSERT INTO moderation.automod_hits (guild_id, rule_id, user_id, channel_id, source_id, action, dry_run, details)
           SELECT $1, r.id, $3, $4, $5, $6, $7, $8 FROM moderation.automod_rules r
            WHERE r.guild_id = $1 AND r.id = $2
              AND NOT ($5 LIKE 'join:%' AND EXISTS (
                      SELECT FROM moderation.automod_hits h
                       WHERE h.guild_id = $1 AND h.rule_id = $2 AND h.user_id = $3 AND h.dry_run = $7
                         AND h.source_id LIKE 'join:%'
                         AND abs(split_part(h.source_id, ':', 3)::bigint - split_part($5, ':', 3)::bigint) < 5000))
           ON CONFLICT (guild_id, rule_id, source_id, dry_run) DO NOTHING
           RETURNING id"#,
        guild.get(),
        hit.rule.get(),
        hit.user.get(),
        hit.channel.map(ChannelId::get),
        hit.source_id,
        hit.act.as_str(),
        hit.dry_run,
        hit.details,
    )
    .fetch_optional(conn)
    .await
}

/// Says which case came of a hit.
pub(crate) async fn case_of(
    conn: &mut PgConnection,
    guild: GuildId,
    hit: Uuid,
    case: CaseId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE moderation.automod_hits SET case_id = $3 WHERE guild_id = $1 AND id = $2 AND created_at > now() - interval '1 day'",
        guild.get(),
        hit,
        case.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hits, the latest first, one more than a page holds.
pub(crate) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    rule: Option<RuleId>,
    user: Option<UserId>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: Limit,
) -> Result<Vec<HitRow>, sqlx::Error> {
    sqlx::query_as!(
        HitRow,
        r#"SELECT h.id, h.rule_id AS "rule_id: RuleId", r.name AS rule, r.rule_type AS "rule_type: RuleType",
                  h.user_id AS "user_id: UserId", h.channel_id AS "channel_id: ChannelId", h.source_id,
                  h.action AS "action: Act", h.dry_run, c.case_number AS "case_number?", h.details, h.created_at
             FROM moderation.automod_hits h
             JOIN moderation.automod_rules r ON r.guild_id = h.guild_id AND r.id = h.rule_id
             LEFT JOIN moderation.moderation_cases c ON c.guild_id = h.guild_id AND c.id = h.case_id
            WHERE h.guild_id = $1 AND ($2::uuid IS NULL OR h.rule_id = $2) AND ($3::bigint IS NULL OR h.user_id = $3)
              AND ($4::timestamptz IS NULL OR (h.created_at, h.id) < ($4, $5::uuid))
            ORDER BY h.created_at DESC, h.id DESC LIMIT $6"#,
        guild.get(),
        rule.map(RuleId::get),
        user.map(UserId::get),
        before.map(|(at, _)| at),
        before.map(|(_, id)| id),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

/// How often each rule matched in a time.
pub(crate) async fn statistics(
    conn: &mut PgConnection,
    guild: GuildId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<HitStatistics>, sqlx::Error> {
    sqlx::query_as!(
        HitStatistics,
        r#"SELECT r.id AS "rule_id: RuleId", r.name AS rule, h.dry_run, count(*) AS "hits!",
                  count(DISTINCT h.user_id) AS "members!", count(h.case_id) AS "cases!",
                  count(*) FILTER (WHERE c.voided_at IS NOT NULL OR c.resolution = 'appealed') AS "overturned!"
             FROM moderation.automod_hits h
             JOIN moderation.automod_rules r ON r.guild_id = h.guild_id AND r.id = h.rule_id
             LEFT JOIN moderation.moderation_cases c ON c.guild_id = h.guild_id AND c.id = h.case_id
            WHERE h.guild_id = $1 AND h.created_at >= $2 AND h.created_at < $3
            GROUP BY r.id, r.name, h.dry_run ORDER BY count(*) DESC, r.id LIMIT 1000"#,
        guild.get(),
        since,
        until,
    )
    .fetch_all(conn)
    .await
}

/// Removes hits that are older than so many days, at most so many; tells how many went.
pub(crate) async fn clean(
    conn: &mut PgConnection,
    guild: GuildId,
    days: i32,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM moderation.automod_hits WHERE (guild_id, created_at, id) IN (
             SELECT guild_id, created_at, id FROM moderation.automod_hits
              WHERE guild_id = $1 AND created_at < now() - make_interval(days => $2)
              ORDER BY created_at, id LIMIT $3)",
        guild.get(),
        days,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Guilds that may have any: with rules, or with cases and what was done for them.
pub(crate) async fn guilds(conn: &mut PgConnection) -> Result<Vec<GuildId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id!: GuildId" FROM moderation.case_counters
           UNION SELECT guild_id FROM moderation.automod_rules
           ORDER BY 1"#
    )
    .fetch_all(conn)
    .await
}
