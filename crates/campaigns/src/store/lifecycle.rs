//! SQL of the transitions, each for a set of campaigns that the caller has locked. The journal is written by the table's trigger.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Why campaigns move, for the journal.
#[derive(Debug, Clone)]
pub struct Cause {
    /// The timer type or admin action, such as `START_CAMPAIGN` or `ADMIN_CLOSE`.
    pub event: &'static str,
    /// Who: `system`, `key:<id>` or `user:<id>`.
    pub by: String,
}

impl Cause {
    /// A timer did it.
    pub fn timer(event: &'static str) -> Self {
        Self { event, by: "system".to_owned() }
    }
}

/// A campaign that moved.
pub(crate) struct Moved {
    pub(crate) id: Uuid,
    pub(crate) guild_id: i64,
    pub(crate) name: String,
    pub(crate) channel: Option<i64>,
}

/// A challenge that was released.
pub(crate) struct Released {
    pub(crate) id: Uuid,
    pub(crate) campaign_id: Uuid,
    pub(crate) guild_id: i64,
    pub(crate) order_position: i32,
    pub(crate) title: String,
    pub(crate) name: String,
    pub(crate) announcement_channel_id: Option<i64>,
}

/// Somebody who has not claimed.
pub(crate) struct Reminded {
    pub(crate) campaign_id: Uuid,
    pub(crate) user_id: i64,
    pub(crate) guild_id: i64,
    pub(crate) bytes: i64,
    pub(crate) xp: i64,
    pub(crate) gold: i64,
    pub(crate) name: String,
    pub(crate) reward_claim_at: Option<DateTime<Utc>>,
    pub(crate) claim_days: i32,
}

/// A fee that was paid.
pub(crate) struct Paid {
    pub(crate) campaign_id: Uuid,
    pub(crate) guild_id: i64,
    pub(crate) participant_id: String,
    pub(crate) registered_by: i64,
    pub(crate) fee_paid: i64,
    pub(crate) name: String,
}

/// CREATED → RUNNING.
pub(crate) async fn campaigns_start(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
    cause: &Cause,
) -> sqlx::Result<Vec<Moved>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'RUNNING', started_at = now(), updated_at = clock_timestamp(),
                trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'CREATED'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by,
    )
    .fetch_all(conn)
    .await
}

/// Writes down who is in which registered squad.
pub(crate) async fn rosters_insert(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "INSERT INTO campaigns.campaign_squad_rosters (campaign_id, user_id, squad_id, guild_id)
         SELECT p.campaign_id, m.user_id, m.squad_id, p.guild_id
         FROM campaigns.campaign_participants p
         JOIN squads.squad_memberships m ON m.guild_id = p.guild_id AND m.squad_id::text = p.participant_id
         WHERE (p.guild_id, p.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND p.participant_type = 'squad'
         ORDER BY p.guild_id, p.campaign_id, m.user_id
         ON CONFLICT ON CONSTRAINT pk_campaign_squad_rosters DO NOTHING",
        &guilds,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Releases the next challenge of each running campaign whose time has come.
pub(crate) async fn challenges_release(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
) -> sqlx::Result<Vec<Released>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Released,
        "WITH next AS (
             SELECT DISTINCT ON (ch.guild_id, ch.campaign_id) ch.guild_id, ch.id, ch.campaign_id
             FROM challenges.challenges ch
             JOIN campaigns.campaigns c ON c.guild_id = ch.guild_id AND c.id = ch.campaign_id AND c.status = 'RUNNING'
             WHERE (ch.guild_id, ch.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND ch.released_at IS NULL
               AND c.start_time + (ch.order_position - 1) * c.release_delay_minutes * interval '1 minute' <= now()
             ORDER BY ch.guild_id, ch.campaign_id, ch.order_position
         )
         UPDATE challenges.challenges ch
         SET released_at = now(), closes_at = now() + ch.closes_after_minutes * interval '1 minute'
         FROM next n JOIN campaigns.campaigns c ON c.guild_id = n.guild_id AND c.id = n.campaign_id
         WHERE ch.guild_id = n.guild_id AND ch.id = n.id
         RETURNING ch.id, ch.campaign_id, ch.guild_id, ch.order_position, ch.title, c.name, c.announcement_channel_id",
        &guilds,
        &ids,
    )
    .fetch_all(conn)
    .await
}

/// Stamps the instant from which the stored scoreboard is shown.
pub(crate) async fn campaigns_freeze(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
) -> sqlx::Result<Vec<Moved>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET frozen_at = now(), updated_at = clock_timestamp()
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
    )
    .fetch_all(conn)
    .await
}

/// RUNNING → CLOSED.
pub(crate) async fn campaigns_close(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
    cause: &Cause,
) -> sqlx::Result<Vec<Moved>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'CLOSED', closed_at = now(), updated_at = clock_timestamp(),
                trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'RUNNING'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by,
    )
    .fetch_all(conn)
    .await
}

/// Makes the claims from the final standings. Ranked prizes are for who solved something; a squad's prize is split among its
/// members of this moment so that nothing is lost to rounding (`kernel::amount::split_evenly`, in SQL).
pub(crate) async fn claims_insert(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "WITH prize AS (
             SELECT s.campaign_id, s.guild_id, s.participant_id, s.participant_type, s.rank,
                    sum(r.bytes)::bigint AS bytes, sum(r.xp)::bigint AS xp, sum(r.gold)::bigint AS gold
             FROM campaigns.campaign_standings s
             JOIN campaigns.campaigns c ON c.guild_id = s.guild_id AND c.id = s.campaign_id AND c.rewards_enabled
             JOIN campaigns.campaign_rewards r ON r.guild_id = s.guild_id AND r.campaign_id = s.campaign_id
             WHERE (s.guild_id, s.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND s.snapshot = 'final'
               AND CASE WHEN r.rank_from IS NULL
                   THEN s.parts_solved > 0
                        OR NOT EXISTS (SELECT 1 FROM challenges.challenges ch
                                       WHERE ch.guild_id = s.guild_id AND ch.campaign_id = s.campaign_id)
                   ELSE s.parts_solved > 0 AND s.rank BETWEEN r.rank_from AND r.rank_to END
             GROUP BY s.campaign_id, s.guild_id, s.participant_id, s.participant_type, s.rank
         ), payee AS (
             SELECT p.*, p.participant_id AS user_text, 1::bigint AS shares, 1::bigint AS share
             FROM prize p WHERE p.participant_type = 'player'
             UNION ALL
             SELECT p.*, m.user_id::text,
                    count(*) OVER (PARTITION BY p.guild_id, p.campaign_id, p.participant_id),
                    row_number() OVER (PARTITION BY p.guild_id, p.campaign_id, p.participant_id ORDER BY m.joined_at, m.user_id)
             FROM prize p
             JOIN squads.squad_memberships m ON m.guild_id = p.guild_id AND m.squad_id::text = p.participant_id
             WHERE p.participant_type = 'squad'
         ), due AS (
             SELECT campaign_id, user_text::bigint AS user_id, guild_id, participant_id, rank,
                    bytes / shares + (share <= bytes % shares)::int AS bytes,
                    xp / shares + (share <= xp % shares)::int AS xp,
                    gold / shares + (share <= gold % shares)::int AS gold
             FROM payee
         )
         INSERT INTO campaigns.reward_claims (campaign_id, user_id, guild_id, participant_id, rank, bytes, xp, gold)
         SELECT campaign_id, user_id, guild_id, participant_id, rank, bytes, xp, gold
         FROM due WHERE bytes + xp + gold > 0
         ON CONFLICT ON CONSTRAINT pk_reward_claims DO NOTHING",
        &guilds,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// CLOSED → `REWARD_CLAIM`.
pub(crate) async fn rewards_open(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
    cause: &Cause,
) -> sqlx::Result<Vec<Moved>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'REWARD_CLAIM', reward_claim_at = now(), updated_at = clock_timestamp(),
                trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'CLOSED'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by,
    )
    .fetch_all(conn)
    .await
}

/// Stamps the claims that are open and were not reminded of.
pub(crate) async fn claims_remind(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
) -> sqlx::Result<Vec<Reminded>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Reminded,
        "UPDATE campaigns.reward_claims r SET reminded_at = now()
         FROM campaigns.campaigns c
         WHERE (r.guild_id, r.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           AND c.guild_id = r.guild_id AND c.id = r.campaign_id
           AND r.claimed_at IS NULL AND r.lapsed_at IS NULL AND r.reminded_at IS NULL
         RETURNING r.campaign_id, r.user_id, r.guild_id, r.bytes, r.xp, r.gold, c.name, c.reward_claim_at, c.claim_days",
        &guilds,
        &ids,
    )
    .fetch_all(conn)
    .await
}

/// Anything → EXPIRED.
pub(crate) async fn campaigns_expire(
    conn: &mut PgConnection,
    keys: &[CampaignKey],
    cause: &Cause,
    cancelled: bool,
) -> sqlx::Result<Vec<Moved>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Moved,
        "UPDATE campaigns.campaigns SET status = 'EXPIRED', expired_at = now(), updated_at = clock_timestamp(),
                cancelled_at = CASE WHEN $5 THEN now() END, trigger_event = $3, changed_by = $4
         WHERE (guild_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status <> 'EXPIRED'
         RETURNING id, guild_id, name, announcement_channel_id AS channel",
        &guilds,
        &ids,
        cause.event,
        cause.by,
        cancelled,
    )
    .fetch_all(conn)
    .await
}

/// Cancels pending timers and lets open claims lapse.
pub(crate) async fn pending_stop(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<()> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query!(
        "WITH stopped AS (
             UPDATE campaigns.campaign_timers SET status = 'CANCELLED', executed_at = now()
             WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND status = 'PENDING'
         )
         UPDATE campaigns.reward_claims SET lapsed_at = now()
         WHERE (guild_id, campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
           AND claimed_at IS NULL AND lapsed_at IS NULL",
        &guilds,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Fees that participants paid.
pub(crate) async fn fees_paid(conn: &mut PgConnection, keys: &[CampaignKey]) -> sqlx::Result<Vec<Paid>> {
    let (guilds, ids) = CampaignKey::columns(keys);
    sqlx::query_as!(
        Paid,
        "SELECT p.campaign_id, p.guild_id, p.participant_id, p.registered_by, p.fee_paid, c.name
         FROM campaigns.campaign_participants p
         JOIN campaigns.campaigns c ON c.guild_id = p.guild_id AND c.id = p.campaign_id
         WHERE (p.guild_id, p.campaign_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AND p.fee_paid > 0",
        &guilds,
        &ids,
    )
    .fetch_all(conn)
    .await
}
