//! SQL over what Discord's own `AutoMod` was told.

use std::collections::BTreeMap;

use kernel::GuildId;
use moderation::model::RuleId;
use sqlx::PgConnection;

/// Which of Discord's rules are made of which of ours, and of what each was made.
pub(super) async fn rules(
    conn: &mut PgConnection,
    guild: GuildId,
) -> sqlx::Result<BTreeMap<RuleId, (i64, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"SELECT rule_id AS "rule_id: RuleId", discord_id, hash FROM discord.native_rules WHERE guild_id = $1"#,
        guild.get()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.rule_id, (row.discord_id, row.hash))).collect())
}

/// Of which rule of ours this one of Discord's is made.
pub(super) async fn of(
    conn: &mut PgConnection,
    guild: GuildId,
    discord: i64,
) -> sqlx::Result<Option<RuleId>> {
    sqlx::query_scalar!(
        r#"SELECT rule_id AS "rule_id: RuleId" FROM discord.native_rules WHERE guild_id = $1 AND discord_id = $2"#,
        guild.get(),
        discord,
    )
    .fetch_optional(conn)
    .await
}

/// Notes of what one of Discord's rules is made.
pub(super) async fn note(
    conn: &mut PgConnection,
    guild: GuildId,
    rule: RuleId,
    discord: i64,
    hash: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO discord.native_rules (guild_id, rule_id, discord_id, hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT (guild_id, rule_id) DO UPDATE SET discord_id = excluded.discord_id, hash = excluded.hash",
        guild.get(),
        rule.get(),
        discord,
        hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Discord has no rule of this one any more.
pub(super) async fn forget(conn: &mut PgConnection, guild: GuildId, rule: RuleId) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM discord.native_rules WHERE guild_id = $1 AND rule_id = $2",
        guild.get(),
        rule.get()
    )
    .execute(conn)
    .await?;
    Ok(())
}
