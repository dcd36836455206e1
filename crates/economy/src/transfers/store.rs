//! SQL of a batch of transfers.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use crate::model::Config;
use crate::rules::Account;

/// What the rules ask about a batch.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Rules by guild.
    pub(super) configs: BTreeMap<GuildId, Config>,
    /// Members who are there, and whether each is a bot.
    pub(super) members: BTreeMap<Account, bool>,
}

impl Facts {
    fn rules(
        &mut self,
        guild: GuildId,
        is_enabled: Option<bool>,
        max_transfer: Option<i32>,
        hours: Option<i32>,
    ) {
        self.configs.entry(guild).or_insert_with(|| {
            let default = Config::default();
            Config {
                is_enabled: is_enabled.unwrap_or(default.is_enabled),
                max_transfer: max_transfer.unwrap_or(default.max_transfer),
                cooldown_hours: hours.unwrap_or(default.cooldown_hours),
                ..default
            }
        });
    }
}

/// Accounts that are locked until the transaction ends.
#[derive(Debug, Default)]
pub(super) struct Purses {
    /// What each holds.
    pub(super) balances: BTreeMap<Account, i64>,
    /// Seconds that a giver still has to wait; who has not is not in it.
    pub(super) waits: BTreeMap<Account, f64>,
    /// Everybody's name.
    pub(super) names: BTreeMap<Account, String>,
}

/// Locks these accounts in the order of their keys, and reads all that the rules ask, in one statement; `None`, and nothing
/// is locked, where one of them does not exist.
pub(super) async fn lock(
    conn: &mut PgConnection,
    parties: &BTreeSet<Account>,
) -> sqlx::Result<Option<(Facts, Purses)>> {
    let (guilds, users) = columns(parties);
    let rows = sqlx::query!(
        r#"WITH wanted AS MATERIALIZED (
               SELECT w.guild_id, w.user_id FROM unnest($1::bigint[], $2::bigint[]) AS w (guild_id, user_id)
           )
           SELECT b.guild_id AS "guild_id: GuildId", b.user_id AS "user_id: UserId", b.balance,
                  -- A clock read too early, before the lock was had, makes somebody wait too long at most.
                  extract(epoch FROM b.last_transfer_at - clock_timestamp())::float8 AS "since?",
                  coalesce(k.name, b.user_id::text) AS "name!",
                  CASE WHEN m.left_at IS NULL THEN m.is_bot END AS "is_bot?",
                  c.is_enabled AS "is_enabled?", c.max_transfer AS "max_transfer?", c.cooldown_hours AS "cooldown_hours?"
             FROM wanted w
             JOIN economy.bytes_balances b ON b.guild_id = w.guild_id AND b.user_id = w.user_id
             LEFT JOIN economy.bytes_configs c ON c.guild_id = w.guild_id
             LEFT JOIN people.members m ON m.guild_id = w.guild_id AND m.user_id = w.user_id
             LEFT JOIN people.known_as k ON k.guild_id = w.guild_id AND k.user_id = w.user_id
            WHERE (SELECT count(*) FROM economy.bytes_balances e JOIN wanted o USING (guild_id, user_id))
                  = (SELECT count(*) FROM wanted)
            ORDER BY b.guild_id, b.user_id
              FOR UPDATE OF b"#,
        &guilds,
        &users,
    )
    .fetch_all(conn)
    .await?;
    if rows.len() < parties.len() {
        return Ok(None);
    }
    let (mut facts, mut purses) = (Facts::default(), Purses::default());
    for row in rows {
        let account = (row.guild_id, row.user_id);
        facts.rules(row.guild_id, row.is_enabled, row.max_transfer, row.cooldown_hours);
        if let Some(is_bot) = row.is_bot {
            facts.members.insert(account, is_bot);
        }
        purses.balances.insert(account, row.balance);
        purses.names.insert(account, row.name);
        let hours = facts.configs.get(&row.guild_id).map_or(0, |config| config.cooldown_hours);
        if let Some(since) = row.since {
            let left = since + f64::from(hours) * 3600.0;
            if hours > 0 && left > 0.0 {
                purses.waits.insert(account, left);
            }
        }
    }
    Ok(Some((facts, purses)))
}

/// What the rules ask, of accounts that need not exist; locks nothing.
pub(super) async fn facts(conn: &mut PgConnection, parties: &BTreeSet<Account>) -> sqlx::Result<Facts> {
    let (guilds, users) = columns(parties);
    let rows = sqlx::query!(
        r#"SELECT p.guild_id AS "guild_id!: GuildId", p.user_id AS "user_id!: UserId", m.is_bot AS "is_bot?",
                  c.is_enabled AS "is_enabled?", c.max_transfer AS "max_transfer?", c.cooldown_hours AS "cooldown_hours?"
             FROM unnest($1::bigint[], $2::bigint[]) AS p (guild_id, user_id)
             LEFT JOIN economy.bytes_configs c ON c.guild_id = p.guild_id
             LEFT JOIN people.members m ON m.guild_id = p.guild_id AND m.user_id = p.user_id AND m.left_at IS NULL"#,
        &guilds,
        &users,
    )
    .fetch_all(conn)
    .await?;
    let mut facts = Facts::default();
    for row in rows {
        facts.rules(row.guild_id, row.is_enabled, row.max_transfer, row.cooldown_hours);
        if let Some(is_bot) = row.is_bot {
            facts.members.insert((row.guild_id, row.user_id), is_bot);
        }
    }
    Ok(facts)
}

fn columns(parties: &BTreeSet<Account>) -> (Vec<i64>, Vec<i64>) {
    parties.iter().map(|(guild, user)| (guild.get(), user.get())).unzip()
}
