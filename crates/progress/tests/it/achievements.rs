//! Achievements: earned once, paid once, by whatever path they are reached.

use futures::future::join_all;
use kernel::UserId;
use progress::EventType;
use progress::achievements::{evaluate_batch, ops};
use progress::changes::{Changes, MemberChange, Moved, SeasonChange};
use progress::ids::AchievementId;
use serde_json::{Value, json};

use crate::house::{ADA, BOB, GUILD, House, assert_sound, give, house, operator};

async fn template(house: &House, body: Value) -> i64 {
    house.ok("POST", "/achievements", Some(body)).await["id"].as_i64().unwrap()
}

fn moved(user: UserId) -> MemberChange {
    let still = Moved::default();
    MemberChange { user_id: user, xp: still, stars: still, level: still, counters: vec![], seasons: vec![] }
}

fn batch(members: Vec<MemberChange>) -> Changes {
    Changes { guild_id: GUILD, season_id: None, members }
}

async fn evaluate(house: &House, changes: &Changes) -> usize {
    let mut tx = house.pool().begin().await.unwrap();
    let granted = evaluate_batch(&mut tx, changes, false).await.unwrap();
    tx.commit().await.unwrap();
    granted
}

#[tokio::test]
async fn a_batch_grants_what_it_crossed_once_and_pays() {
    let house = house().await;
    let ten = json!({
        "name": "Ten words", "requirement_type": "counter_threshold", "requirement_field": "messages_sent",
        "requirement_value": 10, "xp_reward": 100, "gold_reward": 5, "rarity": "rare",
    });
    let ten = template(&house, ten).await;
    template(&house, json!({ "name": "Hundred XP", "requirement_type": "xp_milestone", "requirement_value": 100, "gold_reward": 7 })).await;
    let sent = |before, after| {
        batch(vec![MemberChange {
            counters: vec![(EventType::MessageCreate, Moved { before, after })],
            ..moved(ADA)
        }])
    };
    assert_eq!(evaluate(&house, &sent(0, 9)).await, 0);
    // Its XP cross the next threshold at once.
    assert_eq!(evaluate(&house, &sent(9, 12)).await, 2);
    assert_eq!(house.figures(ADA).await, (100, 12, 0));
    // Again, and by others at once.
    let racing = sent(9, 12);
    let again = join_all((0..6).map(|_| evaluate(&house, &racing))).await;
    assert_eq!(again.iter().sum::<usize>(), 0);
    assert_eq!(house.figures(ADA).await, (100, 12, 0));
    let told = house.events("achievement.earned").await;
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0]["name"], &told[0]["xp"], &told[0]["retroactive"]),
        (&json!("Ten words"), &json!(100), &json!(false))
    );
    let progress = house.ok("GET", "/members/7/achievements", None).await;
    assert!(progress["items"][0]["earned_at"].is_string());
    let earners = house.ok("GET", &format!("/achievements/{ten}/earners"), None).await;
    assert_eq!(
        (&earners["items"][0]["name"], earners["items"].as_array().unwrap().len()),
        (&json!("Ada"), 1)
    );
    assert_sound(&house).await;
}

#[tokio::test]
async fn seasons_and_sums_over_them_count_too() {
    let house = house().await;
    let season = json!({ "name": "S", "ends_at": house.now().await + chrono::TimeDelta::days(1) });
    let season =
        i32::try_from(house.ok("POST", "/seasons", Some(season)).await["id"].as_i64().unwrap()).unwrap();
    for (name, scope, field) in [("Loud", "season", "voice_minutes"), ("Louder", "lifetime", "voice_minutes")]
    {
        let body = json!({
            "name": name, "requirement_type": "counter_threshold", "requirement_scope": scope,
            "requirement_field": field, "requirement_value": 60,
        });
        template(&house, body).await;
    }
    house.run("INSERT INTO progress.user_stats (guild_id, user_id, season_id, voice_minutes) SELECT 1, 7, id, 65 FROM progress.seasons").await;
    let still = Moved::default();
    let change = SeasonChange {
        season_id: season,
        xp: still,
        stars: still,
        messages_sent: still,
        reactions_given: still,
        reactions_received: still,
        threads_created: still,
        voice_minutes: Moved { before: 50, after: 65 },
    };
    let changes = Changes {
        season_id: Some(season),
        ..batch(vec![MemberChange { seasons: vec![change], ..moved(ADA) }])
    };
    assert_eq!(evaluate(&house, &changes).await, 2);
    let told = house.events("achievement.earned").await;
    assert_eq!((&told[0]["season_id"], &told[1]["season_id"]), (&json!(season), &json!(season)));
}

#[tokio::test]
async fn xp_from_elsewhere_and_thresholds_made_later_grant_as_well() {
    let house = house().await;
    template(&house, json!({ "name": "First", "requirement_type": "xp_milestone", "requirement_value": 50 }))
        .await;
    give(&house, ADA, "a", 60, 0).await;
    assert_eq!(house.events("achievement.earned").await.len(), 1);

    let later = json!({ "name": "Later", "requirement_type": "xp_milestone", "requirement_value": 70, "gold_reward": 3 });
    let later = template(&house, later).await;
    house.run("UPDATE people.members SET is_bot = true WHERE user_id = 8").await;
    give(&house, BOB, "b", 500, 0).await;
    run_timers(&house).await;
    assert_eq!(house.events("achievement.earned").await.len(), 1, "60 are not 70, and bots earn nothing");
    let progress = house.ok("GET", "/members/7/achievements?limit=1", None).await;
    let rest = format!("/members/7/achievements?cursor={}", progress["next"].as_str().unwrap());
    let rest = house.ok("GET", &rest, None).await;
    assert_eq!((&rest["items"][0]["value"], &rest["items"][0]["threshold"]), (&json!(60), &json!(70)));

    house.ok("PATCH", &format!("/achievements/{later}"), Some(json!({ "requirement_value": 60 }))).await;
    run_timers(&house).await;
    let told = house.events("achievement.earned").await;
    assert_eq!((told.len(), &told[1]["retroactive"]), (2, &json!(true)));
    assert_eq!(house.figures(ADA).await, (60, 3, 0));
    assert_sound(&house).await;
}

/// Runs what is due, as a node does, until nothing more is.
async fn run_timers(house: &House) {
    let wake = jobs::Wake::new();
    let node = jobs::Node::start(house.pool().clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    let settings = jobs::EngineSettings::default();
    jobs::timers::spawn(house.pool(), progress::jobs::handlers(), settings, &node.handle(), &wake);
    let open =
        "SELECT count(*) FROM jobs.timers WHERE status = 'PENDING' AND kind LIKE 'progress.achievements%'";
    while house.count(open).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(std::time::Duration::from_mins(2)).await.unwrap());
}

#[tokio::test]
async fn what_is_granted_by_hand_can_be_revoked_and_given_back() {
    let house = house().await;
    let hero = json!({ "name": "Hero", "requirement_type": "custom", "xp_reward": 40, "gold_reward": 9 });
    let hero = template(&house, hero).await;
    let grants = format!("/achievements/{hero}/grants");
    let revocations = format!("/achievements/{hero}/revocations");
    let ada = json!({ "user_id": "7", "reason": "saved the day" });
    assert_eq!(house.send("POST", &grants, Some(json!({ "user_id": "99" }))).await.0, 404);
    house.ok("POST", &grants, Some(ada.clone())).await;
    assert_eq!(house.send("POST", &grants, Some(ada.clone())).await.0, 409);
    assert_eq!(house.figures(ADA).await, (40, 9, 0));

    let back = json!({ "user_id": "7", "reason": "it was Bob", "take_back": true });
    house.ok("POST", &revocations, Some(back.clone())).await;
    assert_eq!(house.send("POST", &revocations, Some(back.clone())).await.0, 409);
    assert_eq!(house.figures(ADA).await, (0, 0, 0));
    assert_eq!(house.ok("GET", &format!("/achievements/{hero}"), None).await["earned_by"], 0);
    house.ok("POST", &grants, Some(ada.clone())).await;
    assert_eq!(house.figures(ADA).await, (40, 9, 0));

    // Kept, it is not paid a second time; spent, it cannot be taken back.
    house.ok("POST", &revocations, Some(json!({ "user_id": "7", "reason": "again" }))).await;
    house.ok("POST", &grants, Some(ada)).await;
    assert_eq!(house.figures(ADA).await, (40, 9, 0));
    give(&house, ADA, "spent", 0, -5).await;
    assert_eq!(house.send("POST", &revocations, Some(back)).await.0, 409);
    let audited = house.audited("progress.user_achievements").await;
    assert_eq!(audited, ["CREATE", "MANUAL_REVOKE", "CREATE", "MANUAL_REVOKE", "CREATE"]);
    assert_sound(&house).await;
}

#[tokio::test]
async fn one_revoked_is_not_earned_again_by_itself() {
    let house = house().await;
    let id = template(
        &house,
        json!({ "name": "XP", "requirement_type": "xp_milestone", "requirement_value": 10 }),
    )
    .await;
    give(&house, ADA, "a", 10, 0).await;
    let revoke = json!({ "user_id": "7", "reason": "spam" });
    house.ok("POST", &format!("/achievements/{id}/revocations"), Some(revoke)).await;
    give(&house, ADA, "b", 10, 0).await;
    assert_eq!(house.events("achievement.earned").await.len(), 1);
    let progress = house.ok("GET", "/members/7/achievements", None).await;
    assert_eq!(progress["items"][0]["earned_at"], Value::Null);
    let id = AchievementId::new(i32::try_from(id).unwrap());
    let retired = ops::achievement_retire(house.pool(), GUILD, id, operator()).await.unwrap();
    assert!(!retired.active);
}

#[tokio::test]
async fn what_cannot_be_required_is_refused_in_words() {
    let house = house().await;
    for (field, body) in [
        ("requirement_value", json!({ "name": "x", "requirement_type": "xp_milestone" })),
        (
            "requirement_value",
            json!({ "name": "x", "requirement_type": "star_threshold", "requirement_value": 0 }),
        ),
        ("requirement_value", json!({ "name": "x", "requirement_type": "custom", "requirement_value": 1 })),
        (
            "requirement_field",
            json!({ "name": "x", "requirement_type": "counter_threshold", "requirement_value": 1 }),
        ),
        (
            "requirement_field",
            json!({ "name": "x", "requirement_type": "counter_threshold", "requirement_value": 1,
                    "requirement_scope": "season", "requirement_field": "voice_join" }),
        ),
        (
            "badge_image_url",
            json!({ "name": "x", "requirement_type": "custom", "badge_image_url": "javascript:x" }),
        ),
        ("xp_reward", json!({ "name": "x", "requirement_type": "custom", "xp_reward": -1 })),
    ] {
        let (status, problem) = house.send("POST", "/achievements", Some(body)).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
}
