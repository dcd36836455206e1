//! What is kept of a member here: balance and ledger. Whoever is forgotten stays in the ledger as a bare number.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &["economy.bytes_balances", "economy.bytes_transactions", "economy.role_reward_grants"],
    copy,
    forget,
};

/// Balance, ledger and role rewards.
fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
        r#"SELECT jsonb_build_object(
               'balances', coalesce((SELECT jsonb_agg(to_jsonb(b) - 'guild_id' - 'user_id')
                   FROM economy.bytes_balances b WHERE b.guild_id = $1 AND b.user_id = $2), '[]'),
               'transactions', coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'giver_id', t.giver_id::text,
                            'receiver_id', t.receiver_id::text, 'amount', t.amount, 'kind', t.kind, 'reason', t.reason,
                            'created_at', t.created_at) ORDER BY t.created_at DESC, t.id DESC)
                   FROM (SELECT * FROM economy.bytes_transactions
                          WHERE guild_id = $1 AND (giver_id = $2 OR receiver_id = $2)
                          ORDER BY created_at DESC, id DESC LIMIT $3) t), '[]'),
               'role_rewards', coalesce((SELECT jsonb_agg(jsonb_build_object('role_id', g.role_id::text, 'granted_at', g.granted_at)
                            ORDER BY g.granted_at)
                   FROM economy.role_reward_grants g WHERE g.guild_id = $1 AND g.user_id = $2), '[]'))
               AS "copy!""#,
        guild.get(),
        user.get(),
        MOST,
    )
    .fetch_one(conn)
    .await
    })
}

/// Names go; what others' figures rest upon stays.
fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, u64> {
    Box::pin(async move {
        sqlx::query!(
        "UPDATE economy.bytes_transactions
            SET giver_username = $3, reason = CASE WHEN kind = 'transfer' THEN NULL ELSE reason END, updated_at = now()
          WHERE guild_id = $1 AND giver_id = $2 AND (giver_username <> $3 OR kind = 'transfer' AND reason IS NOT NULL)",
        guild.get(),
        user.get(),
        NOBODY,
    )
    .execute(&mut *conn)
    .await?;
        sqlx::query!(
            "UPDATE economy.bytes_transactions SET receiver_username = $3, updated_at = now()
          WHERE guild_id = $1 AND receiver_id = $2 AND receiver_username <> $3",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "UPDATE economy.bytes_transactions
                SET reason = left(regexp_replace(reason, current_setting('questhall.forgotten'), $2, 'gi'), 1000), updated_at = now()
              WHERE guild_id = $1 AND reason ~* current_setting('questhall.forgotten')",
            guild.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        // Nothing went but names and words.
        Ok(0)
    })
}
