//! Registration, its fee, and who may act for whom.

use campaigns::Error;
use campaigns::ops::{self, Asker};
use kernel::UserId;
use serde_json::json;

use crate::stage::{GUILD, Stage};

#[tokio::test]
async fn registering_takes_the_fee_once_and_withdrawing_returns_it() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "entry_fee": 30 })).await;
    let user = UserId::new(5);
    let register = || ops::register(stage.pool(), &stage.wake, GUILD, campaign.id, user);
    let (first, new) = register().await.unwrap();
    assert!(new);
    assert_eq!((first.fee_paid, stage.balance(5).await), (30, 70));
    let (_, again) = register().await.unwrap();
    assert!(!again);
    assert_eq!(stage.balance(5).await, 70);
    ops::withdraw(stage.pool(), &stage.wake, GUILD, campaign.id, user).await.unwrap();
    assert_eq!(stage.balance(5).await, 100);
    register().await.unwrap();
    assert_eq!(stage.balance(5).await, 70);
    stage.audit_clean().await;
}

#[tokio::test]
async fn racing_registrations_pay_once() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "entry_fee": 30 })).await;
    let register = || ops::register(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(5));
    let (a, b, c, d) = tokio::join!(register(), register(), register(), register());
    let new = [a, b, c, d].into_iter().map(|r| usize::from(r.unwrap().1)).sum::<usize>();
    assert_eq!((new, stage.balance(5).await), (1, 70));
    stage.audit_clean().await;
}

#[tokio::test]
async fn who_cannot_pay_is_not_registered() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "entry_fee": 101 })).await;
    let refused =
        ops::register(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(5)).await.unwrap_err();
    let problem = kernel::Problem::from(refused);
    assert_eq!((problem.status(), problem.slug()), (409, "insufficient-funds"));
    let registered = "SELECT count(*) FROM campaigns.campaign_participants WHERE campaign_id = $1";
    assert_eq!(stage.count(registered, campaign.id).await, 0);
}

#[tokio::test]
async fn fees_go_back_when_it_is_cancelled_before_it_starts_and_only_then() {
    let stage = Stage::new().await;
    let early = stage.published(1, json!({ "entry_fee": 30 })).await;
    let late = stage.running(1, json!({ "entry_fee": 20 })).await;
    for user in 1..=5 {
        stage.register(early.id, user).await;
        stage.register(late.id, user).await;
    }
    assert_eq!(stage.balance(3).await, 50);
    ops::campaign_cancel(stage.pool(), &stage.wake, GUILD, Asker::CLI, early.id).await.unwrap();
    ops::campaign_cancel(stage.pool(), &stage.wake, GUILD, Asker::CLI, late.id).await.unwrap();
    assert_eq!(stage.balance(3).await, 80);
    stage.audit_clean().await;
}

#[tokio::test]
async fn drafts_and_what_is_over_take_no_registrations() {
    let stage = Stage::new().await;
    let draft = stage.draft(1, json!({})).await;
    let over = stage.running(1, json!({})).await;
    ops::campaign_close(stage.pool(), &stage.wake, GUILD, Asker::CLI, over.id).await.unwrap();
    let register = |id| ops::register(stage.pool(), &stage.wake, GUILD, id, UserId::new(5));
    assert!(matches!(register(draft.id).await, Err(Error::NotFound(_))));
    assert!(matches!(register(over.id).await, Err(Error::Registration(_))));
}

#[tokio::test]
async fn a_squad_campaign_registers_the_squad_and_fixes_its_roster_at_the_start() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "campaign_type": "squad" })).await;
    let alone = ops::register(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(9)).await;
    assert!(matches!(alone, Err(Error::Registration(why)) if why.contains("join one first")));
    let squad: uuid::Uuid =
        sqlx::query_scalar("INSERT INTO squads.squads (guild_id, name) VALUES ($1, 'Red') RETURNING id")
            .bind(GUILD.get())
            .fetch_one(stage.pool())
            .await
            .unwrap();
    stage.join(squad, &[1, 2]).await;
    stage.register(campaign.id, 1).await;
    let (second, new) =
        ops::register(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(2)).await.unwrap();
    assert!(!new);
    assert_eq!((second.participant_id, second.display_name), (squad.to_string(), "Red".to_owned()));
    stage.pass(campaign.id, std::time::Duration::from_hours(1)).await;
    stage.run_due().await;
    let roster = "SELECT count(*) FROM campaigns.campaign_squad_rosters WHERE campaign_id = $1";
    assert_eq!(stage.count(roster, campaign.id).await, 2);
    let own = ops::registration_get(stage.pool(), GUILD, campaign.id, UserId::new(2)).await.unwrap();
    assert_eq!(own.participant_id, squad.to_string());
}

#[tokio::test]
async fn testers_do_not_compete_and_competitors_do_not_test() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    ops::tester_add(stage.pool(), GUILD, Asker::CLI, campaign.id, UserId::new(1)).await.unwrap();
    let tester = ops::register(stage.pool(), &stage.wake, GUILD, campaign.id, UserId::new(1)).await;
    assert!(matches!(tester, Err(Error::Registration(why)) if why.contains("early")));
    stage.register(campaign.id, 2).await;
    let competitor = ops::tester_add(stage.pool(), GUILD, Asker::CLI, campaign.id, UserId::new(2)).await;
    assert!(matches!(competitor, Err(Error::Registration(_))));
}

#[tokio::test]
async fn whoever_is_forgotten_keeps_the_place_and_not_the_name() {
    let stage = Stage::new().await;
    let campaign = stage.running(1, json!({})).await;
    let mut conn = stage.pool().acquire().await.unwrap();
    people::members_ensure(&mut conn, GUILD, &[(UserId::new(5), Some("Zaphod"))]).await.unwrap();
    drop(conn);
    stage.register(campaign.id, 5).await;
    stage.register(campaign.id, 6).await;
    stage.solve(campaign.id, 1, 5, "5").await;
    ops::campaign_close(stage.pool(), &stage.wake, GUILD, Asker::CLI, campaign.id).await.unwrap();
    let (user, here) = (UserId::new(5), access::Origin::default());
    let keepers = access::personal::Keepers::of(&[&people::SLICE, &campaigns::SLICE]);
    let (pool, by) = (stage.pool(), access::By::Cli);
    let copy = people::privacy::member_export(pool, &keepers, GUILD, user, by, &here).await.unwrap();
    let told = &copy.slices["campaigns"];
    assert_eq!(told["registrations"][0]["display_name"], "Zaphod", "{told}");
    assert_eq!(told["standings"][0]["rank"], 1, "{told}");
    people::privacy::member_erase(pool, &keepers, GUILD, user, "asked", by, &here).await.unwrap();
    for named in [
        "SELECT count(*) FROM campaigns.campaign_participants p WHERE campaign_id = $1 AND p::text LIKE '%Zaphod%'",
        "SELECT count(*) FROM campaigns.campaign_standings s WHERE campaign_id = $1 AND s::text LIKE '%Zaphod%'",
    ] {
        assert_eq!(stage.count(named, campaign.id).await, 0);
    }
    let placed =
        "SELECT count(*) FROM campaigns.campaign_standings WHERE campaign_id = $1 AND participant_id = '5'";
    assert_eq!(stage.count(placed, campaign.id).await, 1);
    stage.audit_clean().await;
}

#[tokio::test]
async fn registrations_show_todays_names() {
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({ "campaign_type": "squad" })).await;
    let squad: uuid::Uuid =
        sqlx::query_scalar("INSERT INTO squads.squads (guild_id, name) VALUES ($1, 'Red') RETURNING id")
            .bind(GUILD.get())
            .fetch_one(stage.pool())
            .await
            .unwrap();
    stage.join(squad, &[1]).await;
    stage.register(campaign.id, 1).await;
    let players = stage.published(1, json!({})).await;
    stage.register(players.id, 1).await;
    for sql in [
        "UPDATE squads.squads SET name = 'Crimson'",
        "UPDATE people.members SET display_name = 'Trillian' WHERE user_id = 1",
    ] {
        sqlx::query(sql).execute(stage.pool()).await.unwrap();
    }
    let own = ops::registration_get(stage.pool(), GUILD, campaign.id, UserId::new(1)).await.unwrap();
    assert_eq!(own.display_name, "Crimson");
    let page = kernel::PageQuery::default();
    let all = ops::participant_list(stage.pool(), GUILD, players.id, false, &page).await.unwrap().items;
    assert_eq!(all[0].display_name, "Trillian");
}
