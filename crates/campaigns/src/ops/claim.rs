//! Claiming rewards: once, in bytes, XP and gold.

use economy::{Kind, Posting, ledger};
use jobs::{Wake, outbox};
use kernel::{Bytes, CampaignId, Gold, GuildId, Page, PageQuery, Problem, UserId, Xp};
use progress::{Event, Grant};
use serde_json::json;
use sqlx::PgPool;

use super::registration::reference;
use super::{committed, event};
use crate::error::Error;
use crate::model::{RewardClaim, Status};

/// Pays a member's reward, once. The claim, the payment and the XP are one commit.
pub async fn reward_claim(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<RewardClaim, Error> {
    db::retry(|| reward_claim_once(pool, wake, guild_id, id, user_id)).await
}

async fn reward_claim_once(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    id: CampaignId,
    user_id: UserId,
) -> Result<RewardClaim, Error> {
    let mut tx = pool.begin().await?;
    // Shared with other claims, but not with the expiry that lets claims lapse.
    let campaign = sqlx::query!(
        r#"SELECT status AS "status: Status", name FROM campaigns.campaigns
           WHERE guild_id = $1 AND id = $2 AND published_at IS NOT NULL FOR SHARE"#,
        guild_id.get(),
        id.get()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::NotFound("campaign"))?;
    let claim = sqlx::query_as!(
        RewardClaim,
        r#"SELECT campaign_id AS "campaign_id: CampaignId", user_id AS "user_id: UserId", participant_id, rank, bytes, xp, gold,
                  claimed_at, lapsed_at
           FROM campaigns.reward_claims WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2 FOR NO KEY UPDATE"#,
        id.get(),
        user_id.get(),
        guild_id.get(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let refused = match (campaign.status, &claim) {
        (Status::Created | Status::Running, _) => {
            Some("The campaign is not over; rewards can be claimed after its close.")
        }
        (_, None) => Some("There is no reward for you in this campaign."),
        (_, Some(c)) if c.claimed_at.is_some() => Some("You have claimed this reward already."),
        (Status::Closed, _) => Some("Claims have not opened yet; they do a few minutes after the close."),
        (_, Some(c)) if c.lapsed_at.is_some() => {
            Some("The time for claiming is over; the reward has lapsed.")
        }
        (Status::Expired, _) => Some("The time for claiming is over."),
        (Status::RewardClaim, Some(_)) => None,
    };
    if let Some(why) = refused {
        return Err(Error::Claim(why));
    }
    let Some(mut claim) = claim else {
        return Err(Error::Claim("There is no reward for you in this campaign."));
    };
    claim.claimed_at = Some(
        sqlx::query_scalar!(
            r#"UPDATE campaigns.reward_claims SET claimed_at = now()
               WHERE guild_id = $3 AND campaign_id = $1 AND user_id = $2 AND claimed_at IS NULL AND lapsed_at IS NULL RETURNING claimed_at AS "at!""#,
            id.get(),
            user_id.get(),
        guild_id.get(),
    )
        .fetch_one(&mut *tx)
        .await?,
    );
    let payload = json!({
        "campaign_id": id, "name": campaign.name, "user_id": user_id, "rank": claim.rank,
        "bytes": claim.bytes, "xp": claim.xp, "gold": claim.gold,
    });
    people::member_ensure(&mut tx, guild_id, user_id, None).await?;
    if claim.xp > 0 || claim.gold > 0 {
        let grant = Grant {
            guild_id,
            user_id,
            xp: Xp::new(claim.xp),
            gold: Gold::new(claim.gold),
            stars: 0,
            event_type: Event::CampaignReward,
            source_system: "campaigns".to_owned(),
            source_event_id: format!("reward:{id}:{user_id}"),
            metadata: json!({ "campaign_id": id, "rank": claim.rank }),
        };
        progress::grant(&mut tx, &[grant]).await?;
    }
    outbox::emit(&mut tx, &[event(guild_id, "reward.claimed", id, Some(user_id), payload)]).await?;
    // The house's balance is locked by whoever is paid: last, so that it is held shortest.
    if claim.bytes > 0 {
        let reward = Posting {
            guild_id,
            giver: UserId::HOUSE,
            receiver: user_id,
            amount: Bytes::new(claim.bytes),
            kind: Kind::Reward,
            reason: Some(format!("Rank {} in “{}”", claim.rank, campaign.name)),
            reference: Some(reference(id)),
            dedupe_key: Some(format!("reward:{id}:{user_id}")),
        };
        ledger::post(&mut tx, &[reward]).await?;
    }
    tx.commit().await?;
    committed(wake);
    Ok(claim)
}

/// Claims of a campaign, by member: all of them for admins, else the member's own.
pub async fn claim_list(
    pool: &PgPool,
    guild_id: GuildId,
    id: CampaignId,
    user_id: Option<UserId>,
    page: &PageQuery,
) -> Result<Page<RewardClaim>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<i64>()?);
    super::campaign_get(pool, guild_id, id, user_id.is_none()).await?;
    let rows = sqlx::query_as!(
        RewardClaim,
        r#"SELECT campaign_id AS "campaign_id: CampaignId", user_id AS "user_id: UserId", participant_id, rank, bytes, xp, gold,
                  claimed_at, lapsed_at
           FROM campaigns.reward_claims
           WHERE guild_id = $5 AND campaign_id = $1 AND ($2::bigint IS NULL OR user_id = $2) AND ($3::bigint IS NULL OR user_id > $3)
           ORDER BY user_id LIMIT $4"#,
        id.get(),
        user_id.map(UserId::get),
        after,
        limit.plus_one(),
        guild_id.get(),
    )
    .fetch_all(pool)
    .await?;
    Ok(Page::new(rows, limit, |c| c.user_id.get()))
}
