//! SQL over rules of automod.

use kernel::{ChannelId, GuildId, RoleId, UserId};
use sqlx::PgConnection;

use crate::automod::{Act, NewRule, Rule, RuleType};
use crate::error::Error;
use crate::model::RuleId;

/// The guild's rules that were not deleted, in their order; or one of them.
pub(crate) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    only: Option<RuleId>,
) -> Result<Vec<Rule>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: RuleId", name, rule_type AS "rule_type: RuleType", config, action AS "action: Act",
                  duration_seconds, delete_message, reason, alert_channel_id AS "alert_channel_id: ChannelId",
                  exempt_role_ids AS "exempt_role_ids: Vec<RoleId>", exempt_channel_ids AS "exempt_channel_ids: Vec<ChannelId>",
                  continue_matching, dry_run, is_active, priority, created_by AS "created_by: UserId", created_at, updated_at
             FROM moderation.automod_rules
            WHERE guild_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id = $2)
            ORDER BY priority, id LIMIT 500"#,
        guild.get(),
        only.map(RuleId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Rule {
            id: row.id,
            rule: NewRule {
                name: row.name,
                rule_type: row.rule_type,
                config: row.config,
                action: row.action,
                duration_seconds: row.duration_seconds,
                delete_message: row.delete_message,
                reason: row.reason,
                alert_channel_id: row.alert_channel_id,
                exempt_role_ids: row.exempt_role_ids,
                exempt_channel_ids: row.exempt_channel_ids,
                continue_matching: row.continue_matching,
                dry_run: row.dry_run,
                is_active: row.is_active,
                priority: row.priority,
            },
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
        .collect())
}

/// A rule that was not deleted.
pub(crate) async fn get(conn: &mut PgConnection, guild: GuildId, id: RuleId) -> Result<Rule, Error> {
    list(conn, guild, Some(id)).await?.pop().ok_or(Error::UnknownRule)
}

/// Makes a rule, or writes one anew that was not deleted; `None` where there is no such one.
pub(crate) async fn write(
    conn: &mut PgConnection,
    guild: GuildId,
    id: Option<RuleId>,
    rule: &NewRule,
    by: Option<UserId>,
) -> Result<Option<RuleId>, Error> {
    let roles: Vec<i64> = rule.exempt_role_ids.iter().map(|role| role.get()).collect();
    let channels: Vec<i64> = rule.exempt_channel_ids.iter().map(|channel| channel.get()).collect();
    let Some(id) = id else {
        let made = sqlx::query_scalar!(
            r#"INSERT INTO moderation.automod_rules
                   (guild_id, name, rule_type, config, action, duration_seconds, delete_message, reason, alert_channel_id,
                    exempt_role_ids, exempt_channel_ids, continue_matching, dry_run, is_active, priority, created_by, updated_by)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
             RETURNING id AS "id: RuleId""#,
            guild.get(),
            rule.name,
            rule.rule_type.as_str(),
            rule.config,
            rule.action.as_str(),
            rule.duration_seconds,
            rule.delete_message,
            rule.reason,
            rule.alert_channel_id.map(ChannelId::get),
            &roles,
            &channels,
            rule.continue_matching,
            rule.dry_run,
            rule.is_active,
            rule.priority,
            by.map(UserId::get),
        )
        .fetch_one(conn)
        .await?;
        return Ok(Some(made));
    };
    let done = sqlx::query!(
        "UPDATE moderation.automod_rules
            SET name = $3, rule_type = $4, config = $5, action = $6, duration_seconds = $7, delete_message = $8, reason = $9,
                alert_channel_id = $10, exempt_role_ids = $11, exempt_channel_ids = $12, continue_matching = $13,
                dry_run = $14, is_active = $15, priority = $16, updated_by = $17
          WHERE guild_id = $1 AND id = $2 AND deleted_at IS NULL",
        guild.get(),
        id.get(),
        rule.name,
        rule.rule_type.as_str(),
        rule.config,
        rule.action.as_str(),
        rule.duration_seconds,
        rule.delete_message,
        rule.reason,
        rule.alert_channel_id.map(ChannelId::get),
        &roles,
        &channels,
        rule.continue_matching,
        rule.dry_run,
        rule.is_active,
        rule.priority,
        by.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

/// Deletes a rule; its row stays for the hits and cases that name it.
pub(crate) async fn delete(
    conn: &mut PgConnection,
    guild: GuildId,
    id: RuleId,
    by: Option<UserId>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.automod_rules SET deleted_at = now(), is_active = false, updated_by = $3
          WHERE guild_id = $1 AND id = $2 AND deleted_at IS NULL",
        guild.get(),
        id.get(),
        by.map(UserId::get),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A number for the rules of each of these guilds, another after each change of one; of guilds that never had any none. It is made of all rows and not
/// of the latest: a change that began earlier may be committed later.
pub(crate) async fn versions(
    conn: &mut PgConnection,
    guilds: &[i64],
) -> Result<Vec<(GuildId, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT guild_id AS "guild_id: GuildId", bit_xor(hashtextextended(id::text || ' ' || updated_at::text, 0)) AS "version!"
             FROM moderation.automod_rules WHERE guild_id = ANY ($1) GROUP BY guild_id"#,
        guilds,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.guild_id, row.version)).collect())
}

/// Locks the guild's rules, so that what is compiled together is what is stored.
pub(crate) async fn lock(conn: &mut PgConnection, guild: GuildId) -> Result<(), sqlx::Error> {
    super::cases::guild_lock(conn, guild).await
}
