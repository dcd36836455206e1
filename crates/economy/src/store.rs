//! SQL over balances, transactions and rules, but for posting, which is [`crate::ledger`]'s. Callers own the connection
//! and the transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Bytes, GuildId, Limit, RoleId, UserId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{Balance, Config, Kind, Transaction};

/// What a member has, or `None` where they have no account yet.
#[kernel::boxed]
pub async fn balance_get(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> sqlx::Result<Option<Balance>> {
    sqlx::query_as!(
        Balance,
        r#"SELECT guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId", balance AS "balance: _",
                  total_received AS "total_received: _", total_sent AS "total_sent: _"
             FROM economy.bytes_balances WHERE guild_id = $1 AND user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await
}

/// A row of the ledger.
pub async fn transaction_get(conn: &mut PgConnection, guild: GuildId, id: Uuid) -> sqlx::Result<Transaction> {
    sqlx::query_as!(
        Transaction,
        r#"SELECT id, giver_id AS "giver_id: UserId", giver_username AS giver_name,
                  receiver_id AS "receiver_id: UserId", receiver_username AS receiver_name, amount AS "amount: Bytes",
                  kind AS "kind: Kind", reason, reference_type, reference_id, created_at
             FROM economy.bytes_transactions WHERE guild_id = $1 AND id = $2"#,
        guild.get(),
        id,
    )
    .fetch_one(conn)
    .await
}

/// The position of a row in the history, newest first.
pub type Position = (DateTime<Utc>, Uuid);

/// Where the history begins: later than any row.
const BEGINNING: Position = (DateTime::<Utc>::MAX_UTC, Uuid::max());

/// The guild's transactions, newest first, one more than the page holds.
pub async fn history_of_guild(
    conn: &mut PgConnection,
    guild: GuildId,
    kind: Option<Kind>,
    after: Option<Position>,
    limit: Limit,
) -> sqlx::Result<Vec<Transaction>> {
    let (at, id) = after.unwrap_or(BEGINNING);
    sqlx::query_as!(
        Transaction,
        r#"SELECT id, giver_id AS "giver_id: UserId", giver_username AS giver_name,
                  receiver_id AS "receiver_id: UserId", receiver_username AS receiver_name, amount AS "amount: Bytes",
                  kind AS "kind: Kind", reason, reference_type, reference_id, created_at
             FROM economy.bytes_transactions
            WHERE guild_id = $1 AND (created_at, id) < ($2, $3) AND ($4::text IS NULL OR kind = $4)
            ORDER BY created_at DESC, id DESC LIMIT $5"#,
        guild.get(),
        at,
        id,
        kind.map(Kind::as_str),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

/// A member's transactions, given and received, newest first, one more than the page holds.
pub async fn history_of_member(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    kind: Option<Kind>,
    after: Option<Position>,
    limit: Limit,
) -> sqlx::Result<Vec<Transaction>> {
    let (at, id) = after.unwrap_or(BEGINNING);
    // Two walks, each down its own index; nobody pays themselves, so that no row is found twice.
    sqlx::query_as!(
        Transaction,
        r#"WITH given AS (
               SELECT * FROM economy.bytes_transactions
                WHERE guild_id = $1 AND giver_id = $2 AND (created_at, id) < ($3, $4) AND ($5::text IS NULL OR kind = $5)
                ORDER BY created_at DESC, id DESC LIMIT $6
           ), received AS (
               SELECT * FROM economy.bytes_transactions
                WHERE guild_id = $1 AND receiver_id = $2 AND (created_at, id) < ($3, $4)
                  AND ($5::text IS NULL OR kind = $5)
                ORDER BY created_at DESC, id DESC LIMIT $6
           )
           SELECT id AS "id!", giver_id AS "giver_id!: UserId", giver_username AS "giver_name!",
                  receiver_id AS "receiver_id!: UserId", receiver_username AS "receiver_name!",
                  amount AS "amount!: Bytes", kind AS "kind!: Kind", reason, reference_type, reference_id,
                  created_at AS "created_at!"
             FROM (SELECT * FROM given UNION ALL SELECT * FROM received) t
            ORDER BY created_at DESC, id DESC LIMIT $6"#,
        guild.get(),
        user.get(),
        at,
        id,
        kind.map(Kind::as_str),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

/// Somebody on the leaderboard, not yet ranked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The member.
    pub user_id: UserId,
    /// The name shown in the guild.
    pub name: String,
    /// Bytes held.
    pub balance: i64,
}

/// Members by balance, the richest first, from after this balance and member on; bots and those who left are not shown.
pub async fn holders(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<(i64, UserId)>,
    limit: Limit,
) -> sqlx::Result<Vec<Holder>> {
    let (balance, user) = after.map_or((i64::MAX, 0), |(balance, user)| (balance, user.get()));
    sqlx::query_as!(
        Holder,
        r#"SELECT b.user_id AS "user_id: UserId", coalesce(k.name, b.user_id::text) AS "name!",
                  b.balance
             FROM economy.bytes_balances b
             LEFT JOIN people.members m ON m.guild_id = b.guild_id AND m.user_id = b.user_id
             LEFT JOIN people.known_as k ON k.guild_id = b.guild_id AND k.user_id = b.user_id
            WHERE b.guild_id = $1 AND b.user_id <> 0 AND b.balance <= $2 AND (b.balance < $2 OR b.user_id > $3)
              AND m.left_at IS NULL AND m.is_bot IS NOT TRUE
            ORDER BY b.balance DESC, b.user_id LIMIT $4"#,
        guild.get(),
        balance,
        user,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await
}

type RoleRewards = Json<BTreeMap<RoleId, i64>>;
type StreakBonuses = Json<BTreeMap<i32, i32>>;

/// The guild's rules: its row, or the defaults.
#[kernel::boxed]
pub async fn config_get(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<Config> {
    let row = sqlx::query!(
        r#"SELECT starting_balance, daily_amount, max_transfer, cooldown_hours,
                  role_rewards AS "role_rewards: RoleRewards",
                  streak_bonuses AS "streak_bonuses: StreakBonuses", daily_by_message, is_enabled
             FROM economy.bytes_configs WHERE guild_id = $1"#,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or_else(Config::default, |row| Config {
        starting_balance: row.starting_balance,
        daily_amount: row.daily_amount,
        max_transfer: row.max_transfer,
        cooldown_hours: row.cooldown_hours,
        role_rewards: row.role_rewards.0,
        streak_bonuses: row.streak_bonuses.0,
        daily_by_message: row.daily_by_message,
        is_enabled: row.is_enabled,
    }))
}

/// Makes sure that the guild has a row of rules, and locks it, so that two edits come one after the other.
pub async fn config_lock(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    let done = sqlx::query!(
        "INSERT INTO economy.bytes_configs (guild_id) VALUES ($1)
         ON CONFLICT ON CONSTRAINT pk_bytes_configs DO UPDATE SET guild_id = excluded.guild_id",
        guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(db::ensure_affected(&done, 1)?)
}

/// Writes the guild's rules.
pub async fn config_put(conn: &mut PgConnection, guild: GuildId, config: &Config) -> sqlx::Result<()> {
    let done = sqlx::query!(
        r#"UPDATE economy.bytes_configs
              SET starting_balance = $2, daily_amount = $3, max_transfer = $4, cooldown_hours = $5, role_rewards = $6,
                  streak_bonuses = $7, daily_by_message = $8, is_enabled = $9
            WHERE guild_id = $1"#,
        guild.get(),
        config.starting_balance,
        config.daily_amount,
        config.max_transfer,
        config.cooldown_hours,
        serde_json::json!(config.role_rewards),
        serde_json::json!(config.streak_bonuses),
        config.daily_by_message,
        config.is_enabled,
    )
    .execute(conn)
    .await?;
    Ok(db::ensure_affected(&done, 1)?)
}

/// The UTC date each of these last claimed on, and the streak then; who has no account is not in it.
#[kernel::boxed]
pub async fn streaks_get(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
) -> sqlx::Result<BTreeMap<UserId, (Option<NaiveDate>, i32)>> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user_id: UserId", last_daily, streak_count FROM economy.bytes_balances
            WHERE guild_id = $1 AND user_id = ANY($2::bigint[])"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, (row.last_daily, row.streak_count))).collect())
}

/// Writes down claims of this date, which must be later than the members' last ones.
pub async fn streaks_put(
    conn: &mut PgConnection,
    guild: GuildId,
    streaks: &[(UserId, i32)],
    day: NaiveDate,
) -> sqlx::Result<()> {
    if streaks.is_empty() {
        return Ok(());
    }
    let (users, counts): (Vec<i64>, Vec<i32>) =
        streaks.iter().map(|(user, streak)| (user.get(), *streak)).unzip();
    let done = sqlx::query!(
        "UPDATE economy.bytes_balances b SET last_daily = $4, streak_count = s.streak
           FROM unnest($2::bigint[], $3::integer[]) AS s (user_id, streak)
          WHERE b.guild_id = $1 AND b.user_id = s.user_id AND (b.last_daily IS NULL OR b.last_daily < $4)",
        guild.get(),
        &users,
        &counts,
        day,
    )
    .execute(conn)
    .await?;
    Ok(db::ensure_affected(&done, streaks.len() as u64)?)
}

/// Who of these may claim this date by a message: members of the guild, no bots, who have not claimed it or a later one, in
/// a guild that pays daily bytes by message.
pub async fn daily_due(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &[UserId],
    day: NaiveDate,
) -> sqlx::Result<Vec<UserId>> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    sqlx::query_scalar!(
        r#"SELECT m.user_id AS "user_id: UserId"
             FROM people.members m
             LEFT JOIN economy.bytes_configs c ON c.guild_id = m.guild_id
             LEFT JOIN economy.bytes_balances b ON b.guild_id = m.guild_id AND b.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = ANY($2::bigint[]) AND m.user_id <> 0 AND m.left_at IS NULL
              AND NOT m.is_bot AND coalesce(c.is_enabled AND c.daily_by_message AND c.daily_amount > 0, true)
              AND (b.last_daily IS NULL OR b.last_daily < $3)
            ORDER BY m.user_id"#,
        guild.get(),
        &ids,
        day,
    )
    .fetch_all(conn)
    .await
}
