//! Rewards: who gets what, once.

use std::time::Duration;

use campaigns::Error;
use campaigns::model::RewardClaim;
use campaigns::ops;
use kernel::{CampaignId, PageQuery, UserId};
use serde_json::json;

use crate::stage::{GUILD, Stage};

async fn claims(stage: &Stage, id: CampaignId) -> Vec<RewardClaim> {
    ops::claim_list(stage.pool(), GUILD, id, None, &PageQuery::default()).await.unwrap().items
}

/// Closes a running ten-hour campaign and opens its claims.
async fn finish(stage: &Stage, id: CampaignId) {
    stage.pass(id, Duration::from_hours(10)).await;
    stage.run_due().await;
    stage.pass(id, Duration::from_mins(5)).await;
    stage.run_due().await;
}

#[tokio::test]
async fn ranks_and_taking_part_are_rewarded_once() {
    let stage = Stage::new().await;
    let rewards = json!([{ "from": 1, "to": 1, "bytes": 500, "xp": 400, "gold": 50 },
                         { "from": 2, "to": 3, "bytes": 200 },
                         { "participation": true, "bytes": 25, "xp": 10 }]);
    let campaign = stage.running(2, json!({ "rewards": rewards })).await;
    for user in 1..=4 {
        stage.register(campaign.id, user).await;
    }
    stage.solve(campaign.id, 1, 2, "2").await;
    stage.solve(campaign.id, 1, 1, "1").await;
    stage.solve(campaign.id, 1, 3, "3").await;
    let early = ops::reward_claim(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(2)).await;
    assert!(matches!(early, Err(Error::Claim(why)) if why.contains("not over")));
    finish(&stage, campaign.id).await;

    let due: Vec<_> = claims(&stage, campaign.id)
        .await
        .iter()
        .map(|c| (c.user_id.get(), c.rank, c.bytes, c.xp, c.gold))
        .collect();
    assert_eq!(due, [(1, 2, 225, 10, 0), (2, 1, 525, 410, 50), (3, 3, 225, 10, 0)]);

    let claim = || ops::reward_claim(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(2));
    let (a, b, c) = tokio::join!(claim(), claim(), claim());
    assert_eq!([a, b, c].iter().filter(|r| r.is_ok()).count(), 1);
    assert!(matches!(claim().await, Err(Error::Claim(why)) if why.contains("already")));
    assert_eq!(stage.balance(2).await, 100 + 525);
    let xp: i64 = sqlx::query_scalar("SELECT xp FROM people.members WHERE user_id = 2")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    assert_eq!(xp, 410);
    let nobody = ops::reward_claim(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(4)).await;
    assert!(matches!(nobody, Err(Error::Claim(why)) if why.contains("no reward")));
    stage.audit_clean().await;
}

#[tokio::test]
async fn unclaimed_rewards_are_reminded_of_and_then_lapse() {
    let stage = Stage::new().await;
    let campaign = stage.running(1, json!({ "rewards": [{ "participation": true, "bytes": 10 }] })).await;
    for user in [1, 2] {
        stage.register(campaign.id, user).await;
        stage.solve(campaign.id, 1, user, &user.to_string()).await;
    }
    finish(&stage, campaign.id).await;
    ops::reward_claim(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(1)).await.unwrap();
    stage.pass(campaign.id, Duration::from_hours(24 * 6)).await;
    stage.run_due().await;
    let reminded: Vec<i64> =
        sqlx::query_scalar("SELECT user_id FROM jobs.outbox WHERE event_type = 'reward.reminder'")
            .fetch_all(stage.pool())
            .await
            .unwrap();
    assert_eq!(reminded, [2]);
    stage.pass(campaign.id, Duration::from_hours(24)).await;
    stage.run_due().await;
    let lapsed: Vec<_> =
        claims(&stage, campaign.id).await.iter().map(|c| (c.user_id.get(), c.lapsed_at.is_some())).collect();
    assert_eq!(lapsed, [(1, false), (2, true)]);
    let late = ops::reward_claim(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(2)).await;
    assert!(matches!(late, Err(Error::Claim(why)) if why.contains("lapsed")));
    stage.audit_clean().await;
}

#[tokio::test]
async fn a_squads_reward_is_split_among_its_members_without_loss() {
    let stage = Stage::new().await;
    let squad: uuid::Uuid =
        sqlx::query_scalar("INSERT INTO squads.squads (guild_id, name) VALUES ($1, 'Red') RETURNING id")
            .bind(GUILD.get())
            .fetch_one(stage.pool())
            .await
            .unwrap();
    stage.join(squad, &[1, 2, 3]).await;
    let rewards = json!([{ "from": 1, "to": 1, "bytes": 100, "xp": 2 }]);
    let campaign = stage.published(1, json!({ "campaign_type": "squad", "rewards": rewards })).await;
    stage.register(campaign.id, 1).await;
    stage.pass(campaign.id, Duration::from_hours(1)).await;
    stage.run_due().await;
    stage.solve(campaign.id, 1, 2, &squad.to_string()).await;
    finish(&stage, campaign.id).await;
    let due: Vec<_> =
        claims(&stage, campaign.id).await.iter().map(|c| (c.user_id.get(), c.bytes, c.xp)).collect();
    assert_eq!(due, [(1, 34, 1), (2, 33, 1), (3, 33, 0)]);
    stage.audit_clean().await;
}

#[tokio::test]
async fn nobody_who_solved_nothing_wins() {
    let stage = Stage::new().await;
    let rewards = json!([{ "from": 1, "to": 10, "bytes": 100 }, { "participation": true, "bytes": 5 }]);
    let campaign = stage.running(1, json!({ "rewards": rewards })).await;
    stage.register(campaign.id, 1).await;
    finish(&stage, campaign.id).await;
    assert_eq!(claims(&stage, campaign.id).await, []);
    // A campaign without challenges is only about taking part.
    let plain = stage.running(0, json!({ "rewards": [{ "participation": true, "bytes": 5 }] })).await;
    stage.register(plain.id, 1).await;
    finish(&stage, plain.id).await;
    let due: Vec<_> = claims(&stage, plain.id).await.iter().map(|c| c.bytes).collect();
    assert_eq!(due, [5]);
}
