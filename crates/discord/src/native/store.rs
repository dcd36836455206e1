//! SQL over what Discord's own `AutoMod` was told.

use std::collections::BTreeMap;

use kernel::GuildId;
use moderation::model::RuleId;
use sqlx::{PgConnection, PgPool};

/// How long a guild is somebody's without a word, in seconds.
const HELD: f64 = 180.0;
/// When Discord is asked again where nothing changed here, and where it failed.
const EVERY: f64 = 6.0 * 3_600.0;
const AGAIN: f64 = 300.0;

/// Notes what the guild wishes; whether that is another wish than before. Who never wished for it does not give it up.
pub(super) async fn wish(conn: &mut PgConnection, guild: GuildId, wanted: bool) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO discord.native_automod AS n (guild_id, wanted)
         SELECT $1, $2::boolean WHERE $2 OR EXISTS (SELECT FROM discord.native_automod WHERE guild_id = $1)
         ON CONFLICT (guild_id) DO UPDATE SET wanted = excluded.wanted, next_at = now()
          WHERE n.wanted <> excluded.wanted",
        guild.get(),
        wanted,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Guilds that wish it.
pub(super) async fn wishing(pool: &PgPool) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(r#"SELECT guild_id AS "guild_id: GuildId" FROM discord.native_automod WHERE wanted"#)
        .fetch_all(pool)
        .await
}

/// Makes those due whose rules are others than when Discord was told last.
pub(super) async fn changed(pool: &PgPool, versions: &[(GuildId, i64)]) -> sqlx::Result<()> {
    let guilds: Vec<i64> = versions.iter().map(|(guild, _)| guild.get()).collect();
    let versions: Vec<i64> = versions.iter().map(|(_, version)| *version).collect();
    sqlx::query!(
        "UPDATE discord.native_automod n SET next_at = now()
           FROM unnest($1::bigint[], $2::bigint[]) AS v (guild_id, version)
          WHERE n.guild_id = v.guild_id AND n.wanted AND n.version IS DISTINCT FROM v.version AND n.next_at > now()",
        &guilds,
        &versions,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Something changed there: the guild is looked at soon.
pub(crate) async fn stale(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.native_automod SET next_at = now() + interval '1 second'
          WHERE guild_id = $1 AND (next_at > now() + interval '1 second' OR held_until > now())",
        guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes one guild, and tells whether it wishes it; `None` while somebody else has it, or where it is taken only if it is due and is not.
pub(super) async fn hold(pool: &PgPool, guild: GuildId, only_due: bool) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        "UPDATE discord.native_automod SET held_until = now() + make_interval(secs => $2), next_at = now()
          WHERE guild_id = $1 AND held_until <= now() AND (NOT $3 OR next_at <= now()) RETURNING wanted",
        guild.get(),
        HELD,
        only_due,
    )
    .fetch_optional(pool)
    .await
}

/// Guilds that are due. Each is taken by its own row ([`hold`]): nothing locks several guilds at once.
pub(super) async fn due(pool: &PgPool, most: i64) -> sqlx::Result<Vec<GuildId>> {
    sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM discord.native_automod WHERE next_at <= now() AND held_until <= now()
            ORDER BY next_at LIMIT $1"#,
        most,
    )
    .fetch_all(pool)
    .await
}

/// Somebody is done with a guild, whose rules were of this version. What changed meanwhile lies ahead, and stays so.
pub(super) async fn let_go(
    pool: &PgPool,
    guild: GuildId,
    version: Option<i64>,
    done: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE discord.native_automod
            SET held_until = now(), version = $3,
                next_at = CASE WHEN next_at <= held_until - make_interval(secs => $4)
                               THEN now() + make_interval(secs => $2) ELSE next_at END
          WHERE guild_id = $1",
        guild.get(),
        if done { EVERY } else { AGAIN },
        version,
        HELD,
    )
    .execute(pool)
    .await?;
    Ok(())
}

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
