//! Claiming rewards: once, in bytes, XP and gold.

use challenges::CampaignKey;
use economy::{Kind, Posting, ledger};
use jobs::{Wake, outbox};
use kernel::{Bytes, CampaignId, Gold, GuildId, Page, PageQuery, Problem, UserId, Xp};
use progress::{Event, Grant};
use serde_json::json;
use sqlx::PgPool;

use super::{committed, event, known};
use crate::error::Error;
use crate::fees::reference;
use crate::model::{RewardClaim, Status};
use crate::store::claims as store;

/// Pays a member's reward, once. The claim, the payment and the XP are one commit.
#[kernel::boxed]
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
    let key = CampaignKey { guild_id, id };
    let mut tx = db::begin(pool).await?;
    let campaign = store::campaign_share(&mut tx, guild_id, id).await?.ok_or(Error::NotFound("campaign"))?;
    let claim = store::claim_lock(&mut tx, key, user_id).await?;
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
    claim.claimed_at = Some(store::claim_stamp(&mut tx, key, user_id).await?);
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
    let mut conn = db::acquire(pool).await?;
    let rows =
        store::claim_list(&mut conn, CampaignKey { guild_id, id }, user_id, after, limit.plus_one()).await?;
    if rows.is_empty() {
        // Of none, or of a campaign that there is not.
        known(&mut conn, guild_id, id, user_id.is_none()).await?;
    }
    Ok(Page::new(rows, limit, |c| c.user_id.get()))
}

/// The campaigns of a guild of which a reward waits for a member to claim it.
pub async fn claims_waiting(
    pool: &PgPool,
    guild_id: GuildId,
    user_id: UserId,
) -> Result<Vec<CampaignId>, Error> {
    Ok(store::claims_waiting(&mut *db::acquire(pool).await?, guild_id, user_id).await?)
}
