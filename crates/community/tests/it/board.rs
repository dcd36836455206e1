//! The quest board and the shop: many ask at once, one gets it.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::house::{ADA, BOB, House, assert_sound, give, house};

async fn post(house: &House, body: Value) -> String {
    format!("/board/{}", house.ok("POST", "/board", Some(body)).await["id"])
}

#[tokio::test]
async fn a_quest_is_claimed_by_one_and_paid_once() {
    let house = house().await;
    let quest = json!({
        "title": "Fix the login page", "gold_reward": 12, "claim_hours": 24,
        "github_issue_url": "https://github.com/acme/site/issues/7",
    });
    let quest = post(&house, quest).await;
    let claim = format!("{quest}/claim");
    let claims = join_all((0..8).map(|n| {
        let user = if n % 2 == 0 { ADA } else { BOB };
        house.send_as(user, "POST", &claim, None)
    }))
    .await;
    let won: Vec<_> = claims.iter().filter(|(status, _)| *status == 200).collect();
    assert_eq!((won.len(), claims.iter().filter(|(status, _)| *status == 409).count()), (1, 7));
    let (winner, loser) = if won[0].1["claimed_by"] == "7" { (ADA, BOB) } else { (BOB, ADA) };
    assert_eq!(house.send_as(loser, "POST", &format!("{quest}/unclaim"), None).await.0, 409);
    assert_eq!(house.send("DELETE", &quest, None).await.0, 409, "somebody works on it");

    let done = join_all((0..5).map(|_| house.send("POST", "/board/1/complete", None))).await;
    assert_eq!(done.iter().filter(|(status, _)| *status == 200).count(), 1);
    // The guild's XP and stars for a quest, and the gold of this one.
    assert_eq!(house.figures(winner).await, (50, 12, 5));
    assert_eq!(house.figures(loser).await, (0, 0, 0));
    let told = house.events("board.quest_completed").await;
    assert_eq!((told.len(), &told[0]["stars"]), (1, &json!(5)));
    assert_eq!(house.send("PATCH", &quest, Some(json!({ "title": "x" }))).await.0, 409);
    let complete = house.ok("GET", "/board?status=complete", None).await;
    assert_eq!(complete["items"].as_array().unwrap().len(), 1);
    assert_eq!(house.audited("community.quests").await, ["CREATE", "UPDATE"]);
    assert_sound(&house).await;
}

#[tokio::test]
async fn claims_lapse_and_quests_leave_the_board() {
    let house = house().await;
    let one = post(&house, json!({ "title": "One", "claim_hours": 1, "xp_reward": 5 })).await;
    let two = post(
        &house,
        json!({ "title": "Two", "expires_at": house.now().await + chrono::TimeDelta::hours(1) }),
    )
    .await;
    let gone = json!({ "title": "Gone", "expires_at": house.now().await - chrono::TimeDelta::hours(1) });
    assert_eq!(house.send("POST", "/board", Some(gone)).await.0, 400);
    for bad in ["javascript:alert(1)", "https://example.com/a/b/issues/7", "https://github.com/a/b/issues/x"]
    {
        let body = json!({ "title": "Bad", "github_issue_url": bad });
        assert_eq!(house.send("POST", "/board", Some(body)).await.0, 400, "{bad}");
    }
    house.ok("POST", &format!("{one}/claim"), None).await;
    house.run(
        "UPDATE community.quests SET claim_expires_at = claim_expires_at - interval '2 hours' WHERE claim_expires_at IS NOT NULL;
         UPDATE community.quests SET expires_at = expires_at - interval '2 hours' WHERE expires_at IS NOT NULL",
    )
    .await;
    // Over, though nothing has cleared it away yet.
    assert_eq!(house.send("POST", &format!("{two}/claim"), None).await.0, 409);
    let lapse =
        community::jobs::schedules().into_iter().find(|job| job.name == "community.board_lapse").unwrap();
    let wake = jobs::Wake::new();
    let node = jobs::Node::start(house.pool().clone(), "t", "0", &["scheduler"], wake.clone()).await.unwrap();
    jobs::schedule::spawn(house.pool().clone(), vec![lapse], &node.handle(), &wake).unwrap();
    while house.events("board.quest_released").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(std::time::Duration::from_mins(2)).await.unwrap());
    assert_eq!(house.events("board.quest_released").await[0]["lapsed"], true);
    let seen = house.ok("GET", "/board", None).await;
    assert_eq!((seen["items"].as_array().unwrap().len(), &seen["items"][0]["status"]), (1, &json!("open")));
    // Given up, it is open for the next.
    house.ok("POST", &format!("{one}/claim"), None).await;
    house.ok("POST", &format!("{one}/unclaim"), None).await;
    house.ok("POST", &format!("{one}/claim"), None).await;
    house.ok("POST", &format!("{one}/release"), None).await;
    house.ok("DELETE", &one, None).await;
    assert_eq!(house.send("POST", &format!("{one}/claim"), None).await.0, 409);
}

#[tokio::test]
async fn coffee_is_on_the_shelf_and_costs_gold() {
    let house = house().await;
    let shelf = house.ok("GET", "/shop/items", None).await;
    let coffee = &shelf["items"][0];
    assert_eq!((&coffee["slug"], &coffee["price_gold"]), (&json!("coffee"), &json!(100)));
    let buy = format!("/shop/items/{}/purchases", coffee["id"]);
    let (status, problem) = house.send("POST", &buy, Some(json!({}))).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/not-enough-gold")));
    give(&house, ADA, "a", 0, 250).await;
    assert_eq!(house.send("POST", &buy, Some(json!({ "at_most_gold": 99 }))).await.0, 409);
    let bought = house.ok("POST", &buy, Some(json!({ "quantity": 2 }))).await;
    assert_eq!((&bought["price_gold"], house.figures(ADA).await.1), (&json!(200), 50));

    let purchase = format!("/shop/purchases/{}", bought["id"].as_str().unwrap());
    house.ok("POST", &format!("{purchase}/fulfil"), None).await;
    assert_eq!(house.send("POST", &format!("{purchase}/fulfil"), None).await.0, 409);
    let refund = format!("{purchase}/refund");
    let refunds = join_all((0..5).map(|_| house.send("POST", &refund, None))).await;
    assert_eq!(refunds.iter().filter(|(status, _)| *status == 200).count(), 1);
    assert_eq!(house.figures(ADA).await.1, 250);
    assert_eq!(house.ok("GET", "/shop/purchases/mine", None).await["items"][0]["status"], "refunded");
    assert_eq!(house.ok("GET", "/shop/purchases?buyer_id=8", None).await["items"], json!([]));
    assert_eq!(house.audited("community.shop_purchases").await, ["UPDATE", "UPDATE"]);
    assert_sound(&house).await;
}

#[tokio::test]
async fn gold_and_stock_never_go_below_zero_however_many_buy_at_once() {
    let house = house().await;
    let badge = json!({ "slug": "badge", "name": "Badge", "price_gold": 10, "kind": "badge", "stock": 5 });
    let badge = house.ok("POST", "/shop/items", Some(badge)).await;
    give(&house, ADA, "a", 0, 35).await;
    give(&house, BOB, "b", 0, 1_000).await;
    let buy = format!("/shop/items/{}/purchases", badge["id"]);
    let bought = join_all((0..16).map(|n| {
        let user = if n % 2 == 0 { ADA } else { BOB };
        house.send_as(user, "POST", &buy, Some(json!({})))
    }))
    .await;
    let count = |wanted: u16| bought.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(201), count(409)), (5, 11));
    let sold = i64::try_from(count(201)).unwrap();
    assert_eq!(house.figures(ADA).await.1 + house.figures(BOB).await.1, 1_035 - 10 * sold);
    assert!(house.figures(ADA).await.1 >= 0);
    assert_eq!(house.ok("GET", &format!("/shop/items/{}", badge["id"]), None).await["stock"], 0);

    let rare = json!({ "slug": "rare", "name": "Rare", "price_gold": 0, "per_user_limit": 2 });
    let rare = house.ok("POST", "/shop/items", Some(rare)).await;
    let buy = format!("/shop/items/{}/purchases", rare["id"]);
    let bought = join_all((0..6).map(|_| house.send("POST", &buy, Some(json!({}))))).await;
    assert_eq!(bought.iter().filter(|(status, _)| *status == 201).count(), 2);
    house.ok("DELETE", &format!("/shop/items/{}", rare["id"]), None).await;
    assert_eq!(house.send_as(BOB, "POST", &buy, Some(json!({}))).await.0, 409);
    for bad in [
        json!({ "slug": "-x", "name": "X", "price_gold": 1 }),
        json!({ "slug": "x", "name": "X", "price_gold": -1 }),
        json!({ "slug": "x", "name": "X", "price_gold": 1, "kind": "role" }),
        json!({ "slug": "x", "name": "X", "price_gold": 1, "stock": -1 }),
    ] {
        assert_eq!(house.send("POST", "/shop/items", Some(bad.clone())).await.0, 400, "{bad}");
    }
    assert_sound(&house).await;
}
