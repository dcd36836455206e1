//! Role rewards: whoever has received so many bytes in all is granted a Discord role, for good.
//!
//! A grant is a row of `economy.role_reward_grants`, written in the transaction that crosses the threshold, with an event
//! `role_reward.granted` and the wish for the role in [`people::roles`], which is announced until Discord has it. A
//! threshold raised later, or a reward taken away, takes nothing from who was granted it. A threshold lowered, or a reward
//! added, is made up for by [`reconcile`].

use std::collections::{BTreeMap, BTreeSet};

use jobs::outbox;
use kernel::{GuildId, RoleId, UserId};
use people::roles::{RoleWish, Span, roles_set};
use serde_json::json;
use sqlx::PgConnection;

use crate::rules::Account;

/// The cause under which the roles are wanted.
const CAUSE: &str = "economy";
/// Grants made up for, and wishes renewed, in one transaction.
const AT_ONCE: i64 = 2_000;

/// A reward granted just now.
struct Grant {
    guild_id: GuildId,
    user_id: UserId,
    role_id: RoleId,
    threshold: i64,
}

/// Grants these accounts what they have received enough for and were not granted yet, bots excepted. Their balances must be
/// locked.
pub(crate) async fn grant(conn: &mut PgConnection, accounts: &BTreeSet<Account>) -> sqlx::Result<()> {
    let (guilds, users): (Vec<i64>, Vec<i64>) = accounts.iter().map(|(g, u)| (g.get(), u.get())).unzip();
    let granted = sqlx::query_as!(
        Grant,
        r#"INSERT INTO economy.role_reward_grants (guild_id, user_id, role_id, threshold)
           SELECT b.guild_id, b.user_id, r.role_id::bigint, r.threshold::bigint
             FROM unnest($1::bigint[], $2::bigint[]) AS a (guild_id, user_id)
             JOIN economy.bytes_balances b USING (guild_id, user_id)
             JOIN economy.bytes_configs c USING (guild_id)
            CROSS JOIN LATERAL jsonb_each_text(c.role_rewards) AS r (role_id, threshold)
             LEFT JOIN people.members m ON m.guild_id = b.guild_id AND m.user_id = b.user_id
            WHERE b.user_id <> 0 AND b.total_received >= r.threshold::bigint AND m.is_bot IS NOT TRUE
            ORDER BY 1, 2, 3
           ON CONFLICT ON CONSTRAINT pk_role_reward_grants DO NOTHING
           RETURNING guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId", role_id AS "role_id: RoleId", threshold"#,
        &guilds,
        &users,
    )
    .fetch_all(&mut *conn)
    .await?;
    told(conn, granted).await
}

/// Makes up, for these members, for what posting does not see: grants that a change of the rules has made due, and wishes for roles that have
/// gone missing beside their grants. A part of it at a time; tells how many grants and wishes it mended, so that it is to be
/// called again while that is much. The span is said of every table: else all of each is read.
#[kernel::boxed]
pub async fn reconcile(conn: &mut PgConnection, span: &Span) -> sqlx::Result<(u64, u64)> {
    let granted = sqlx::query_as!(
        Grant,
        r#"INSERT INTO economy.role_reward_grants (guild_id, user_id, role_id, threshold)
           SELECT b.guild_id, b.user_id, r.role_id::bigint, r.threshold::bigint
             FROM economy.bytes_configs c
            CROSS JOIN LATERAL jsonb_each_text(c.role_rewards) AS r (role_id, threshold)
             JOIN economy.bytes_balances b ON b.guild_id = c.guild_id AND b.total_received >= r.threshold::bigint
             LEFT JOIN people.members m ON m.guild_id = b.guild_id AND m.user_id = b.user_id
                  AND (m.guild_id, m.user_id) > ($1, $2) AND (m.guild_id, m.user_id) <= ($3, $4)
            WHERE (b.guild_id, b.user_id) > ($1, $2) AND (b.guild_id, b.user_id) <= ($3, $4)
              AND b.user_id <> 0 AND m.is_bot IS NOT TRUE
              AND NOT EXISTS (SELECT FROM economy.role_reward_grants g
                               WHERE g.guild_id = b.guild_id AND g.user_id = b.user_id AND g.role_id = r.role_id::bigint
                                 AND (g.guild_id, g.user_id) > ($1, $2) AND (g.guild_id, g.user_id) <= ($3, $4))
            ORDER BY 1, 2, 3 LIMIT $5
           ON CONFLICT ON CONSTRAINT pk_role_reward_grants DO NOTHING
           RETURNING guild_id AS "guild_id: GuildId", user_id AS "user_id: UserId", role_id AS "role_id: RoleId", threshold"#,
        span.after.0,
        span.after.1,
        span.until.0,
        span.until.1,
        AT_ONCE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let grants = granted.len() as u64;
    told(conn, granted).await?;

    let missing = sqlx::query!(
        r#"SELECT g.guild_id AS "guild_id: GuildId", g.user_id AS "user_id: UserId", g.role_id AS "role_id: RoleId"
             FROM economy.role_reward_grants g
             LEFT JOIN people.member_roles r ON r.guild_id = g.guild_id AND r.user_id = g.user_id AND r.role_id = g.role_id
                  AND (r.guild_id, r.user_id) > ($1, $2) AND (r.guild_id, r.user_id) <= ($3, $4)
            WHERE (g.guild_id, g.user_id) > ($1, $2) AND (g.guild_id, g.user_id) <= ($3, $4)
              AND (r.causes IS NULL OR NOT $5 = ANY (r.causes))
            ORDER BY 1, 2, 3 LIMIT $6"#,
        span.after.0,
        span.after.1,
        span.until.0,
        span.until.1,
        CAUSE,
        AT_ONCE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let wishes = missing.len() as u64;
    wish(conn, missing.into_iter().map(|row| (row.guild_id, row.user_id, row.role_id))).await?;
    Ok((grants, wishes))
}

/// Wishes for the roles, and tells the members.
async fn told(conn: &mut PgConnection, granted: Vec<Grant>) -> sqlx::Result<()> {
    wish(conn, granted.iter().map(|grant| (grant.guild_id, grant.user_id, grant.role_id))).await?;
    let events: Vec<outbox::Event> = granted
        .into_iter()
        .map(|grant| outbox::Event {
            guild_id: grant.guild_id,
            event_type: "role_reward.granted",
            subject: format!("members/{}", grant.user_id),
            correlation_id: None,
            user_id: Some(grant.user_id),
            payload: json!({
                "user_id": grant.user_id, "role_id": grant.role_id, "threshold": grant.threshold,
            }),
        })
        .collect();
    outbox::emit(conn, &events).await
}

async fn wish(
    conn: &mut PgConnection,
    roles: impl Iterator<Item = (GuildId, UserId, RoleId)>,
) -> sqlx::Result<()> {
    let mut guilds: BTreeMap<GuildId, Vec<RoleWish>> = BTreeMap::new();
    for (guild, user_id, role_id) in roles {
        guilds.entry(guild).or_default().push(RoleWish { user_id, role_id, wanted: true });
    }
    for (guild, wishes) in guilds {
        roles_set(conn, guild, CAUSE, &wishes).await?;
    }
    Ok(())
}
