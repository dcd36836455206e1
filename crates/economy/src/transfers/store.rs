//! SQL of a batch of transfers.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use crate::model::Config;
use crate::rules::Account;

/// What the rules ask about a batch.
#[derive(Debug)]
pub(super) struct Facts {
    /// Rules by guild.
    pub(super) configs: BTreeMap<GuildId, Config>,
    /// Members who are there, and whether each is a bot.
    pub(super) members: BTreeMap<Account, bool>,
}

/// Reads them.
pub(super) async fn facts(conn: &mut PgConnection, parties: &BTreeSet<Account>) -> sqlx::Result<Facts> {
    let (guilds, users): (Vec<i64>, Vec<i64>) = parties.iter().map(|(g, u)| (g.get(), u.get())).unzip();
    let rows = sqlx::query!(
        r#"SELECT p.guild_id AS "guild_id!: GuildId", p.user_id AS "user_id!: UserId", u.is_bot AS "is_bot?",
                  c.is_enabled AS "is_enabled?", c.max_transfer AS "max_transfer?", c.cooldown_hours AS "cooldown_hours?"
             FROM unnest($1::bigint[], $2::bigint[]) AS p (guild_id, user_id)
             LEFT JOIN economy.bytes_configs c ON c.guild_id = p.guild_id
             LEFT JOIN community.members m ON m.guild_id = p.guild_id AND m.user_id = p.user_id AND m.left_at IS NULL
             LEFT JOIN community.users u ON u.id = m.user_id"#,
        &guilds,
        &users,
    )
    .fetch_all(conn)
    .await?;
    let mut facts = Facts { configs: BTreeMap::new(), members: BTreeMap::new() };
    for row in rows {
        facts.configs.entry(row.guild_id).or_insert_with(|| {
            let default = Config::default();
            Config {
                is_enabled: row.is_enabled.unwrap_or(default.is_enabled),
                max_transfer: row.max_transfer.unwrap_or(default.max_transfer),
                cooldown_hours: row.cooldown_hours.unwrap_or(default.cooldown_hours),
                ..default
            }
        });
        if let Some(is_bot) = row.is_bot {
            facts.members.insert((row.guild_id, row.user_id), is_bot);
        }
    }
    Ok(facts)
}

/// Seconds that these givers, each with their guild's hours, still have to wait; who has not is not in it. Ask with their
/// accounts locked, so that no other transfer of theirs is under way.
pub(super) async fn cooldowns(
    conn: &mut PgConnection,
    givers: &BTreeMap<Account, i32>,
) -> sqlx::Result<BTreeMap<Account, f64>> {
    if givers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let guilds: Vec<i64> = givers.keys().map(|(guild, _)| guild.get()).collect();
    let users: Vec<i64> = givers.keys().map(|(_, user)| user.get()).collect();
    let hours: Vec<i32> = givers.values().copied().collect();
    let rows = sqlx::query!(
        r#"WITH clock AS MATERIALIZED (
               SELECT clock_timestamp() AS at
           ), giver AS MATERIALIZED (
               SELECT g.guild_id, g.user_id, clock.at - make_interval(hours => g.hours) AS since
                 FROM unnest($1::bigint[], $2::bigint[], $3::integer[]) AS g (guild_id, user_id, hours) CROSS JOIN clock
           )
           -- Down the giver's index and no other, whatever the statistics say of kinds and of the guild's latest transactions:
           -- hence a subquery of its own for each giver, and expressions that no other index or estimate answers.
           SELECT g.guild_id AS "guild_id!: GuildId", g.user_id AS "user_id!: UserId",
                  extract(epoch FROM t.last - g.since)::float8 AS "left!"
             FROM giver g
            CROSS JOIN LATERAL (
                  SELECT max(t.created_at + interval '0') AS last FROM economy.bytes_transactions t
                   WHERE t.guild_id = g.guild_id AND t.giver_id = g.user_id AND t.created_at > g.since
                     AND t.kind || '' = 'transfer') t
            WHERE t.last IS NOT NULL"#,
        &guilds,
        &users,
        &hours,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.left > 0.0)
        .map(|row| ((row.guild_id, row.user_id), row.left))
        .collect())
}
