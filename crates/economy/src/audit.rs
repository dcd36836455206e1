//! Balances re-derived from the ledger.

use kernel::{GuildId, UserId};
use serde::Serialize;
use sqlx::PgConnection;

use crate::error::LedgerError;

/// A figure that is not what the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// The member; 0 for the house.
    pub user_id: UserId,
    /// Which figure: `balance`, `total_received`, `total_sent`, `streak_count`, or `last_daily`, a date as the number
    /// YYYYMMDD, 0 for never.
    pub what: String,
    /// What `economy.bytes_balances` holds; 0 where there is no row.
    pub stored: i64,
    /// What `economy.bytes_transactions` adds up to.
    pub derived: i64,
}

/// All balances, totals and streaks that differ from what the ledger adds up to, the house's included; of one guild, or
/// of all. Reads the whole ledger; empty when all is well, and then every guild's balances add up to zero, as every
/// transaction does. One statement, hence one snapshot: it may run while others write.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Drift>, LedgerError> {
    let rows = sqlx::query_as!(
        Drift,
        r#"WITH ledger AS (
               SELECT guild_id, user_id, sum(change)::bigint AS balance, sum(received)::bigint AS received,
                      sum(sent)::bigint AS sent
                 FROM (SELECT guild_id, giver_id AS user_id, -amount AS change, 0 AS received, amount AS sent
                         FROM economy.bytes_transactions WHERE $1::bigint IS NULL OR guild_id = $1
                       UNION ALL
                       SELECT guild_id, receiver_id, amount, CASE kind WHEN 'refund' THEN 0 ELSE amount END, 0
                         FROM economy.bytes_transactions WHERE $1::bigint IS NULL OR guild_id = $1) sides
                GROUP BY guild_id, user_id
           ), claims AS (
               SELECT guild_id, receiver_id AS user_id, split_part(dedupe_key, ':', 3)::date AS day
                 FROM economy.bytes_transactions
                WHERE kind = 'daily' AND ($1::bigint IS NULL OR guild_id = $1)
                  AND dedupe_key ~ '^daily:[0-9]+:[0-9]{4}-[0-9]{2}-[0-9]{2}$'
           ), runs AS (
               -- Consecutive dates share the date that lies their number before them.
               SELECT guild_id, user_id, day,
                      day - row_number() OVER (PARTITION BY guild_id, user_id ORDER BY day)::integer AS run
                 FROM claims
           ), streaks AS (
               SELECT DISTINCT ON (guild_id, user_id) guild_id, user_id, max(day) AS last_day, count(*) AS days
                 FROM runs GROUP BY guild_id, user_id, run
                ORDER BY guild_id, user_id, max(day) DESC
           )
           SELECT guild_id AS "guild_id!: GuildId", user_id AS "user_id!: UserId", f.what AS "what!",
                  f.stored AS "stored!", f.derived AS "derived!"
             FROM (SELECT * FROM economy.bytes_balances WHERE $1::bigint IS NULL OR guild_id = $1) b
             FULL JOIN ledger l USING (guild_id, user_id)
             LEFT JOIN streaks s USING (guild_id, user_id)
            CROSS JOIN LATERAL (VALUES
                  ('balance', coalesce(b.balance, 0), coalesce(l.balance, 0)),
                  ('total_received', coalesce(b.total_received, 0), coalesce(l.received, 0)),
                  ('total_sent', coalesce(b.total_sent, 0), coalesce(l.sent, 0)),
                  ('streak_count', coalesce(b.streak_count, 0)::bigint, coalesce(s.days, 0)),
                  ('last_daily', coalesce(to_char(b.last_daily, 'YYYYMMDD')::bigint, 0),
                   coalesce(to_char(s.last_day, 'YYYYMMDD')::bigint, 0))) AS f (what, stored, derived)
            WHERE f.stored <> f.derived
            ORDER BY guild_id, user_id, f.what"#,
        guild.map(GuildId::get),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
