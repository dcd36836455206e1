//! Re-derives what the lifecycle keeps beside its journals, and tells what does not agree. Finding nothing is the promise.

use access::weekly::{Audit, Figure};
use kernel::GuildId;
use serde::Serialize;
use sqlx::PgConnection;

/// Something that does not agree with its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The guild.
    pub guild_id: GuildId,
    /// What was compared.
    pub check: String,
    /// Which row.
    pub subject: String,
    /// What the journals say.
    pub expected: String,
    /// What is stored.
    pub found: String,
}

/// The slice's audit. What the lifecycle has done is done; what differs is for people to look at.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            let told = |drift: Drift| Figure {
                guild_id: drift.guild_id,
                what: format!("{}: {}", drift.subject, drift.check),
                stored: drift.found,
                derived: drift.expected,
            };
            Ok(drift(conn, guild).await?.into_iter().map(told).collect())
        })
    },
    weekly: None,
};

/// Compares, over one guild or all: a campaign's status with its journal's last entry; that what is to come is scheduled;
/// claims with the ledgers they were paid from; fees with the ledger; final standings with the claims made of them.
pub async fn drift(conn: &mut PgConnection, guild_id: Option<GuildId>) -> Result<Vec<Drift>, sqlx::Error> {
    sqlx::query_as!(
        Drift,
        r#"
        WITH c AS (SELECT * FROM campaigns.campaigns WHERE $1::bigint IS NULL OR guild_id = $1),
        journal AS (
            SELECT c.guild_id, 'status agrees with the journal' AS "check", 'campaigns/' || c.id AS subject,
                   coalesce(l.to_state, '(no entry)') AS expected, c.status AS found
            FROM c LEFT JOIN LATERAL (
                SELECT to_state FROM (
                    SELECT to_state, id FROM campaigns.campaign_state_log
                       WHERE guild_id = c.guild_id AND campaign_id = c.id
                    UNION ALL
                    SELECT to_state, id FROM campaigns.campaign_state_log_archive
                       WHERE guild_id = c.guild_id AND campaign_id = c.id) AS both_tables
                -- Made under the campaign's lock; created_at is when the transaction began, which may have waited for it.
                ORDER BY id DESC LIMIT 1) l ON true
            WHERE l.to_state IS DISTINCT FROM c.status
        ), wanted AS (
            SELECT id, guild_id, w.timer_type FROM c
            CROSS JOIN LATERAL (VALUES
                ('START_CAMPAIGN', c.status = 'CREATED' AND c.published_at IS NOT NULL),
                ('CLOSE_CAMPAIGN', c.status = 'RUNNING' AND c.auto_close),
                ('OPEN_REWARD_CLAIM', c.status = 'CLOSED' AND c.rewards_enabled),
                ('EXPIRE_CAMPAIGN', c.status <> 'EXPIRED' AND c.published_at IS NOT NULL),
                ('RELEASE_CHALLENGE', c.status = 'RUNNING' AND EXISTS (
                    SELECT 1 FROM challenges.challenges ch
                        WHERE ch.guild_id = c.guild_id AND ch.campaign_id = c.id AND ch.released_at IS NULL))
            ) AS w (timer_type, needed)
            WHERE w.needed
        ), timers AS (
            SELECT w.guild_id, 'what is to come is scheduled', 'campaigns/' || w.id, w.timer_type, 'no such timer'
            FROM wanted w
            WHERE NOT EXISTS (SELECT 1 FROM campaigns.campaign_timers t
                              WHERE t.guild_id = w.guild_id AND t.campaign_id = w.id AND t.timer_type = w.timer_type AND t.status IN ('PENDING', 'FAILED'))
        ), stray AS (
            SELECT t.guild_id, 'nothing is scheduled for what is over', 'campaigns/' || t.campaign_id, 'no pending timer', t.timer_type
            FROM campaigns.campaign_timers t JOIN c ON c.guild_id = t.guild_id AND c.id = t.campaign_id
            WHERE c.status = 'EXPIRED' AND t.status = 'PENDING'
        ), executions AS (
            SELECT t.guild_id, 'a completed timer ran once', 'timers/' || t.id, '1', count(e.id)::text
            FROM campaigns.campaign_timers t JOIN c ON c.guild_id = t.guild_id AND c.id = t.campaign_id
            LEFT JOIN campaigns.timer_executions e ON e.guild_id = t.guild_id AND e.timer_id = t.id AND e.status = 'COMPLETED'
            WHERE t.status = 'COMPLETED' AND t.executed_at > now() - interval '5 months'
            GROUP BY t.guild_id, t.id HAVING count(e.id) <> 1
        ), paid AS (
            SELECT r.guild_id, 'a claim is paid once', 'campaigns/' || r.campaign_id || '/claims/' || r.user_id,
                   (CASE WHEN r.claimed_at IS NULL THEN 0 ELSE r.bytes END)::text, coalesce(sum(t.amount), 0)::text
            FROM campaigns.reward_claims r JOIN c ON c.guild_id = r.guild_id AND c.id = r.campaign_id
            LEFT JOIN economy.bytes_transactions t
                ON t.guild_id = r.guild_id AND t.dedupe_key = 'reward:' || r.campaign_id || ':' || r.user_id
            GROUP BY r.guild_id, r.campaign_id, r.user_id, r.claimed_at, r.bytes
            HAVING coalesce(sum(t.amount), 0) <> CASE WHEN r.claimed_at IS NULL THEN 0 ELSE r.bytes END
        ), granted AS (
            SELECT r.guild_id, 'a claim grants its XP once', 'campaigns/' || r.campaign_id || '/claims/' || r.user_id,
                   (CASE WHEN r.claimed_at IS NULL THEN 0 ELSE r.xp END)::text, coalesce(sum(a.xp_delta), 0)::text
            FROM campaigns.reward_claims r JOIN c ON c.guild_id = r.guild_id AND c.id = r.campaign_id
            LEFT JOIN progress.activity_log a
                ON a.guild_id = r.guild_id AND a.user_id = r.user_id AND a.source_system = 'campaigns'
               AND a.source_event_id = 'reward:' || r.campaign_id || ':' || r.user_id
            GROUP BY r.guild_id, r.campaign_id, r.user_id, r.claimed_at, r.xp
            HAVING coalesce(sum(a.xp_delta), 0) <> CASE WHEN r.claimed_at IS NULL THEN 0 ELSE r.xp END
        ), fees AS (
            SELECT c.guild_id, 'fees are paid, and paid back, once', 'campaigns/' || c.id,
                   (CASE WHEN c.status = 'EXPIRED' AND c.started_at IS NULL THEN 0 ELSE coalesce(p.paid, 0) END)::text,
                   coalesce(l.net, 0)::text
            FROM c
            LEFT JOIN LATERAL (SELECT sum(fee_paid) AS paid FROM campaigns.campaign_participants
                            WHERE guild_id = c.guild_id AND campaign_id = c.id) p ON true
            LEFT JOIN LATERAL (
                SELECT sum(CASE kind WHEN 'fee' THEN amount ELSE -amount END) AS net FROM economy.bytes_transactions
                WHERE guild_id = c.guild_id AND reference_type = 'campaign' AND reference_id = c.id::text
                  AND kind IN ('fee', 'refund')) l ON true
            WHERE coalesce(l.net, 0) <> CASE WHEN c.status = 'EXPIRED' AND c.started_at IS NULL THEN 0 ELSE coalesce(p.paid, 0) END
        )
        SELECT guild_id AS "guild_id!: GuildId", "check" AS "check!", subject AS "subject!", expected AS "expected!", found AS "found!"
        FROM (SELECT * FROM journal UNION ALL SELECT * FROM timers UNION ALL SELECT * FROM stray UNION ALL
              SELECT * FROM executions UNION ALL SELECT * FROM paid UNION ALL SELECT * FROM granted UNION ALL SELECT * FROM fees) d
        ORDER BY 1, 2, 3"#,
        guild_id.map(GuildId::get)
    )
    .fetch_all(conn)
    .await
}
