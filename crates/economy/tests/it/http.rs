//! The economy over HTTP.

use access::testing::House;
use kernel::GuildId;
use serde_json::{Value, json};

/// The slice's routes on a database of their own, with a key for guild 1.
async fn house_for(scopes: &[&str]) -> House {
    House::new(GuildId::new(1), scopes, |app| {
        let writer = economy::TransferWriter::start(app.pool(), app.wake(), 1);
        economy::router().split_for_parts().0.layer(axum::Extension(writer))
    })
    .await
}

async fn house() -> House {
    let house = house_for(&["economy:read", "economy:play", "economy:write"]).await;
    let names: Vec<_> = (7..=9).map(|id| (kernel::UserId::new(id), None)).collect();
    people::members_ensure(&mut house.database.pool().acquire().await.unwrap(), GuildId::new(1), &names)
        .await
        .unwrap();
    house
}

#[tokio::test]
async fn members_pay_each_other() {
    let house = house().await;
    let payment = json!({ "receiver_id": "8", "amount": 30, "reason": "for the map" });
    let (status, receipt) =
        house.send("POST", "/guilds/1/economy/transfers", Some(7), Some(payment.clone())).await;
    assert_eq!((status, &receipt["balance"]), (201, &json!(70)));
    let (status, problem) = house.send("POST", "/guilds/1/economy/transfers", Some(7), Some(payment)).await;
    assert_eq!((status, &problem["type"]), (429, &json!("/problems/transfer-cooldown")));
    assert!((86_000..=86_400).contains(&problem["retry_after"].as_i64().unwrap()), "{problem}");

    let (_, balance) = house.send("GET", "/guilds/1/economy/balances/8", None, None).await;
    assert_eq!((&balance["balance"], &balance["total_received"]), (&json!(130), &json!(130)));
    let (_, page) =
        house.send("GET", "/guilds/1/economy/transactions?user_id=7&kind=transfer", None, None).await;
    assert_eq!(page["items"][0]["reason"], json!("for the map"));
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let (_, page) = house.send("GET", "/guilds/1/economy/leaderboard", None, None).await;
    assert_eq!((&page["items"][0]["user_id"], &page["items"][0]["rank"]), (&json!("8"), &json!(1)));
}

#[tokio::test]
async fn the_daily_bytes_are_claimed_once_a_day() {
    let house = house().await;
    let (status, receipt) = house.send("POST", "/guilds/1/economy/daily", Some(7), None).await;
    assert_eq!((status, &receipt["amount"], &receipt["balance"]), (201, &json!(10), &json!(110)));
    assert_eq!((&receipt["streak"], &receipt["transaction"]["kind"]), (&json!(1), &json!("daily")));
    let (status, problem) = house.send("POST", "/guilds/1/economy/daily", Some(7), None).await;
    // A midnight between the two is the one honest way to a second claim.
    if status != 201 {
        assert_eq!((status, &problem["type"]), (409, &json!("/problems/daily-already-claimed")));
        assert!((0..=86_400).contains(&problem["retry_after"].as_i64().unwrap()), "{problem}");
    }
    assert_eq!(house.send("POST", "/guilds/1/economy/daily", Some(99), None).await.0, 404);
}

#[tokio::test]
async fn administrators_award_fine_and_set_the_rules() {
    let house = house().await;
    let award = json!({ "user_id": "7", "amount": 5 });
    let (status, receipt) = house.send("POST", "/guilds/1/economy/awards", None, Some(award)).await;
    assert_eq!(
        (status, &receipt["balance"], &receipt["transaction"]["giver_id"]),
        (201, &json!(105), &json!("0"))
    );
    let fine = json!({ "user_id": "7", "amount": 106, "kind": "fine" });
    let (status, problem) = house.send("POST", "/guilds/1/economy/awards", None, Some(fine)).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/insufficient-funds")));
    assert_eq!(problem["detail"], json!("This takes 106 bytes, and member 7 has 105."));

    let edit = json!({ "cooldown_hours": 0, "role_rewards": { "77": 500 } });
    let (status, config) = house.send("PUT", "/guilds/1/economy/config", None, Some(edit)).await;
    assert_eq!(
        (status, &config["cooldown_hours"], &config["role_rewards"]["77"]),
        (200, &json!(0), &json!(500))
    );
    let (_, read) = house.send("GET", "/guilds/1/economy/config", None, None).await;
    assert_eq!(read, config);
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let house = house().await;
    for (method, path, body, field) in [
        ("POST", "transfers", json!({ "receiver_id": "8", "amount": 0 }), "amount"),
        ("POST", "transfers", json!({ "receiver_id": "8", "amount": 1.5 }), "amount"),
        ("POST", "transfers", json!({ "receiver_id": "8", "amount": 1001 }), "amount"),
        ("POST", "transfers", json!({ "receiver_id": "7", "amount": 1 }), "receiver_id"),
        ("POST", "transfers", json!({ "receiver_id": "0", "amount": 1 }), "receiver_id"),
        ("POST", "awards", json!({ "user_id": "7", "amount": -1 }), "amount"),
        ("POST", "awards", json!({ "user_id": "7", "amount": 1, "kind": "gift" }), "kind"),
        ("PUT", "config", json!({ "max_transfer": 0 }), "max_transfer"),
        ("PUT", "config", json!({ "role_rewards": { "7": 0 } }), "role_rewards"),
        ("PUT", "config", json!({ "daily": 3 }), "daily"),
        ("GET", "transactions?kind=gift", Value::Null, "kind"),
        ("GET", "transactions?user_id=0", Value::Null, "user_id"),
        ("GET", "leaderboard?cursor=eA", Value::Null, "cursor"),
    ] {
        let body = (!body.is_null()).then_some(body);
        let (status, problem) = house.send(method, &format!("/guilds/1/economy/{path}"), Some(7), body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{path}: {problem}");
    }
    assert_eq!(house.send("GET", "/guilds/1/economy/balances/99", None, None).await.0, 404);
    assert_eq!(house.send("GET", "/guilds/2/economy/balances/7", None, None).await.0, 404);
    let (status, problem) = house
        .send("POST", "/guilds/1/economy/transfers", None, Some(json!({ "receiver_id": "8", "amount": 1 })))
        .await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("Questhall-User")));
}

#[tokio::test]
async fn administrators_see_reports_and_export_the_ledger() {
    let house = house().await;
    let payment = json!({ "receiver_id": "8", "amount": 30, "reason": "=1+1" });
    assert_eq!(house.send("POST", "/guilds/1/economy/transfers", Some(7), Some(payment)).await.0, 201);
    let today: chrono::NaiveDate = sqlx::query_scalar("SELECT (now() AT TIME ZONE 'UTC')::date")
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    let path = format!("/guilds/1/economy/reports/{today}");
    assert_eq!(house.send("GET", &path, None, None).await.0, 404, "not made yet");
    let (status, report) = house.send("PUT", &path, None, None).await;
    assert_eq!((status, &report["transferred"], &report["issued"]), (200, &json!(30), &json!(200)));
    assert_eq!(house.send("GET", "/guilds/1/economy/reports", None, None).await.1["items"][0], report);
    assert_eq!(house.send("PUT", "/guilds/1/economy/reports/tomorrow", None, None).await.0, 400);
    assert_eq!(house.send("PUT", "/guilds/1/economy/reports/9999-01-01", None, None).await.0, 400);

    let csv = "/guilds/1/economy/transactions.csv?kind=transfer";
    let (parts, text) = house.send_text("GET", csv, None, String::new()).await;
    assert_eq!(parts.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains(",transfer,30,7,7,8,8,\"'=1+1\",,"), "{text}");
}

#[tokio::test]
async fn amounts_that_are_none_are_refused_by_name() {
    let house = house().await;
    for amount in
        ["-1", "0", "1.5", "1e3", "1e400", "\"NaN\"", "NaN", "9223372036854775808", "null", "\"5\"", "true"]
    {
        let body = format!("{{\"receiver_id\": \"8\", \"amount\": {amount}}}");
        let (parts, _) = house.send_text("POST", "/guilds/1/economy/transfers", Some(7), body).await;
        assert!(parts.status.is_client_error(), "{amount}: {}", parts.status);
    }
    let (_, balance) = house.send("GET", "/guilds/1/economy/balances/7", None, None).await;
    assert_eq!((&balance["balance"], &balance["total_sent"]), (&json!(100), &json!(0)));
}
