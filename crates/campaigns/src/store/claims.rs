//! Claims of rewards.

use challenges::CampaignKey;
use chrono::{DateTime, Utc};
use kernel::{CampaignId, GuildId, UserId};
use sqlx::PgConnection;

use crate::model::{RewardClaim, Status};

/// What decides whether a claim is paid.
pub(crate) struct Claimed {
    pub(crate) status: Status,
    pub(crate) name: String,
}

/// A published campaign, shared with other claims, but not with the expiry that lets claims lapse.
pub(crate) async fn campaign_share(
    conn: &mut PgConnection,
    guild_id: GuildId,
    id: CampaignId,
) -> Result<Option<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"SELECT status AS "status: Status", name FROM campaigns.campaigns
           WHERE guild_id = $1 AND id = $2 AND published_at IS NOT NULL FOR SHARE"#,
        guild_id.get(),
        id.get()
    )
    .fetch_optional(conn)
    .await
}

/// A member's claim, locked.
pub(crate) async fn claim_lock(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    user_id: UserId,
) -> Result<Option<RewardClaim>, sqlx::Error> {
    sqlx::query_as!(
        RewardClaim,
        r#"SELECT campaign_id AS "campaign_id: CampaignId", user_id AS "user_id: UserId", participant_id, rank, bytes, xp, gold,
                  claimed_at, lapsed_at
           FROM campaigns.reward_claims WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2 FOR NO KEY UPDATE"#,
        campaign.id.get(),
        user_id.get(),
        campaign.guild_id.get()
    )
    .fetch_optional(conn)
    .await
}

/// Writes down that a locked claim is paid; answers when.
pub(crate) async fn claim_stamp(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    user_id: UserId,
) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"UPDATE campaigns.reward_claims SET claimed_at = now()
           WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2 AND claimed_at IS NULL AND lapsed_at IS NULL RETURNING claimed_at AS "at!""#,
        campaign.id.get(),
        user_id.get(),
        campaign.guild_id.get()
    )
    .fetch_one(conn)
    .await
}

/// Claims of a campaign by member, all or one member's.
pub(crate) async fn claim_list(
    conn: &mut PgConnection,
    campaign: CampaignKey,
    user_id: Option<UserId>,
    after: Option<i64>,
    count: i64,
) -> Result<Vec<RewardClaim>, sqlx::Error> {
    sqlx::query_as!(
        RewardClaim,
        r#"SELECT campaign_id AS "campaign_id: CampaignId", user_id AS "user_id: UserId", participant_id, rank, bytes, xp, gold,
                  claimed_at, lapsed_at
           FROM campaigns.reward_claims
           WHERE guild_id = $5 AND campaign_id = $1 AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR user_id > $3)
           ORDER BY user_id LIMIT $4"#,
        campaign.id.get(),
        user_id.map(UserId::get),
        after,
        count,
        campaign.guild_id.get()
    )
    .fetch_all(conn)
    .await
}

/// The campaigns of which a member's reward is neither claimed nor lapsed.
pub(crate) async fn claims_waiting(
    conn: &mut PgConnection,
    guild_id: GuildId,
    user_id: UserId,
) -> Result<Vec<CampaignId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT campaign_id AS "campaign_id: CampaignId" FROM campaigns.reward_claims
           WHERE guild_id = $1 AND user_id = $2 AND claimed_at IS NULL AND lapsed_at IS NULL"#,
        guild_id.get(),
        user_id.get()
    )
    .fetch_all(conn)
    .await
}
