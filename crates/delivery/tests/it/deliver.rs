//! Events arrive: signed, in order, and only where they may.

use std::io::Write as _;
use std::process::{Command, Stdio};

use access::{By, Origin};
use base64::Engine as _;
use chrono::TimeDelta;
use delivery::model::{NewWebhook, Replay};
use delivery::ops;
use jobs::outbox::Event;
use kernel::GuildId;
use serde_json::json;

use crate::endpoint::{Answer, Endpoint, Received};
use crate::house::{GUILD, House, about, event, path};

/// The specification's check in another language, by its own words: <https://www.standardwebhooks.com>.
const CHECK: &str = "
import base64, hashlib, hmac, json, sys
for case in json.load(sys.stdin):
    key = base64.b64decode(case['secret'].removeprefix('whsec_'))
    content = f\"{case['id']}.{case['timestamp']}.{case['body']}\".encode()
    wanted = 'v1,' + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    good = any(hmac.compare_digest(wanted, given) for given in case['signature'].split(' '))
    print('good' if good else 'bad')
";

/// What an independent reader of the specification thinks of these requests.
fn check(secret: &str, requests: &[Received]) -> Vec<String> {
    let cases: Vec<_> = requests
        .iter()
        .map(|request| {
            json!({
                "secret": secret, "body": request.body, "id": request.header("webhook-id"),
                "timestamp": request.header("webhook-timestamp"), "signature": request.header("webhook-signature"),
            })
        })
        .collect();
    let mut python = Command::new("python3")
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(json!(cases).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn events_arrive_signed_and_in_order() {
    let house = House::new().await;
    let mut endpoint = Endpoint::ok().await;
    let made = house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..200).await;
    let mut requests = Vec::new();
    for _ in 0..200 {
        requests.push(endpoint.next().await);
    }
    assert_eq!(requests.iter().map(Received::n).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
    assert_eq!(check(&made.secret, &requests), vec!["good"; 200]);
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_eq!(check(other, &requests[..1]), ["bad"]);
    let first = &requests[0];
    assert_eq!(first.head, "POST /hook?a=b HTTP/1.1");
    assert_eq!(first.header("host"), endpoint.address.to_string());
    assert_eq!(first.header("content-type"), "application/json");
    let body = first.json();
    assert_eq!(body["id"], first.header("webhook-id"));
    assert_eq!((&body["specversion"], &body["type"]), (&json!("1.0"), &json!("campaign.test_tick")));
    house.settled().await;
    let (status, page) =
        house.send(&house.key, "GET", &path(made.webhook.id, "/deliveries?limit=1"), json!(null)).await;
    assert_eq!((status, &page["items"][0]["status"]), (200, &json!("DELIVERED")));
    assert_eq!(page["items"][0]["response_status"], 204);
}

#[tokio::test]
async fn an_event_that_fails_is_tried_again_and_those_behind_it_wait() {
    let house = House::new().await;
    let refusals = [Answer::Status(204), Answer::Status(500), Answer::Whole(400, "", "not\tso")];
    let mut endpoint = Endpoint::script(refusals).await;
    let made = house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..5).await;
    let mut requests = vec![endpoint.next().await, endpoint.next().await];
    house.again().await;
    requests.push(endpoint.next().await);
    house.until("SELECT failures = 2 FROM delivery.webhook_queues").await;
    let error = house.text("SELECT error FROM delivery.webhook_deliveries WHERE attempts = 2").await;
    assert_eq!(error, "the endpoint answered 400: not so");
    house.again().await;
    for _ in 0..4 {
        requests.push(endpoint.next().await);
    }
    assert_eq!(requests.iter().map(Received::n).collect::<Vec<_>>(), [0, 1, 1, 1, 2, 3, 4]);
    let id = |n: usize| requests[n].header("webhook-id");
    assert_eq!((id(1), id(2)), (id(2), id(3)));
    assert_eq!(check(&made.secret, &requests), vec!["good"; 7]);
    house.settled().await;
    assert_eq!(house.count("SELECT failures::bigint FROM delivery.webhook_queues").await, 0);
}

#[tokio::test]
async fn a_webhook_gets_what_it_wants_and_what_its_maker_may_see() {
    let house = House::new().await;
    let (mut all, mut some, mut narrow) = (Endpoint::ok().await, Endpoint::ok().await, Endpoint::ok().await);
    house.webhook(&all.url()).await;
    let reader = house.key_of(1, &["webhooks:write", "campaigns:read"]).await;
    for (url, types) in [(some.url(), json!(["*"])), (narrow.url(), json!(["timer.failed", "webhook.*"]))] {
        let body = json!({ "name": "x", "url": url, "event_types": types });
        assert_eq!(house.send(&reader, "POST", "/guilds/1/webhooks", body).await.0, 201);
    }
    let named =
        |event_type, n| Event { event_type, payload: json!({ "n": n, "campaign_id": GUILD }), ..event(n) };
    house
        .emit(&[
            named("campaign.test_a", 0),
            about(7, named("challenge.test_secret", 1)),
            named("bytes.test_paid", 2),
            Event { guild_id: GuildId::new(2), ..event(3) },
            event(4),
        ])
        .await;
    assert_eq!(all.numbers(4).await, [0, 1, 2, 4]);
    assert_eq!(some.numbers(2).await, [0, 4]);
    house.settled().await;
    assert!(all.is_quiet() && some.is_quiet() && narrow.is_quiet());
}

#[tokio::test]
async fn what_is_not_taken_for_a_day_is_given_up_and_can_be_replayed() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script(vec![Answer::Status(503); 2]).await;
    let made = house.webhook(&endpoint.url()).await;
    let id = made.webhook.id;
    house.emit_numbers(0..4).await;
    endpoint.next().await;
    house.until("SELECT failures = 1 FROM delivery.webhook_queues").await;
    house.run("UPDATE delivery.webhook_deliveries SET queued_at = now() - interval '25 hours'").await;
    house.again().await;
    endpoint.next().await;
    house.until("SELECT count(*) = 4 FROM delivery.webhook_deliveries WHERE status = 'DEAD'").await;
    house.settled().await;
    let (_, page) = house.send(&house.key, "GET", &path(id, "/deliveries?status=DEAD"), json!(null)).await;
    let dead: Vec<i64> =
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect();
    assert_eq!(dead.len(), 4);
    // The third alone; then by time; then the rest.
    let replay = path(id, "/replay");
    let (status, answer) =
        house.send(&house.key, "POST", &replay, json!({ "delivery_ids": [dead[1]] })).await;
    assert_eq!((status, &answer["replayed"]), (200, &json!(1)));
    assert_eq!(endpoint.numbers(1).await, [2]);
    house.settled().await;
    house.run("UPDATE delivery.webhook_deliveries SET finished_at = '2020-01-02T12:00Z' WHERE id = (SELECT max(id) FROM delivery.webhook_deliveries)").await;
    let range = json!({ "from": "2020-01-02T00:00:00Z", "until": "2020-01-03T00:00:00Z" });
    assert_eq!(house.send(&house.key, "POST", &replay, range).await.1["replayed"], 1);
    assert_eq!(endpoint.numbers(1).await, [3]);
    assert_eq!(house.send(&house.key, "POST", &replay, json!({ "all": true })).await.1["replayed"], 2);
    assert_eq!(endpoint.numbers(2).await, [0, 1]);
    for wrong in [json!({}), json!({ "all": true, "delivery_ids": [1] }), json!({ "all": false })] {
        assert_eq!(house.send(&house.key, "POST", &replay, wrong).await.0, 400);
    }
    house.settled().await;
    assert_eq!(
        house.count("SELECT count(*) FROM delivery.webhook_deliveries WHERE status = 'DELIVERED'").await,
        4
    );
}

#[tokio::test]
async fn secrets_are_sealed_in_the_database_and_those_from_before_are_sealed_later() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script([Answer::Status(200)]).await;
    let made = house.webhook(&endpoint.url()).await;
    let bare =
        base64::engine::general_purpose::STANDARD.decode(made.secret.trim_start_matches("whsec_")).unwrap();
    let stored = async || -> Vec<u8> {
        sqlx::query_scalar("SELECT secret FROM delivery.webhooks").fetch_one(house.pool()).await.unwrap()
    };
    let sealed = stored().await;
    assert!(!sealed.windows(bare.len()).any(|bytes| bytes == bare), "it can be read in the database");
    house.emit_numbers(0..1).await;
    assert_eq!(check(&made.secret, &[endpoint.next().await]), ["good"]);
    house.settled().await;

    // As it was stored once: it signs all the same, and is sealed by the periodic job, which then has nothing to do.
    sqlx::query("UPDATE delivery.webhooks SET secret = $1").bind(&bare).execute(house.pool()).await.unwrap();
    house.emit_numbers(1..2).await;
    assert_eq!(check(&made.secret, &[endpoint.next().await]), ["good"]);
    house.settled().await;
    let mut conn = house.pool().acquire().await.unwrap();
    let ours = access::Vault::ephemeral();
    assert_eq!(delivery::secrets_reseal(&mut conn, &ours).await.unwrap(), (1, 0));
    assert_eq!(delivery::secrets_reseal(&mut conn, &ours).await.unwrap(), (0, 0));
    assert_ne!(stored().await, bare);
    house.emit_numbers(2..3).await;
    assert_eq!(check(&made.secret, &[endpoint.next().await]), ["good"]);
    // A node with another key touches nothing, and says that it cannot.
    let before = stored().await;
    let stranger = access::Vault::parse("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=").unwrap();
    assert_eq!(delivery::secrets_reseal(&mut conn, &stranger).await.unwrap(), (0, 1));
    assert_eq!(stored().await, before);
    // Nor does a secret open in another webhook's row.
    let other = house.webhook(&endpoint.url()).await;
    sqlx::query("UPDATE delivery.webhooks SET secret = $1 WHERE id = $2")
        .bind(&before)
        .bind(other.webhook.id.get())
        .execute(house.pool())
        .await
        .unwrap();
    assert!(ops::ping(house.pool(), &house.webhooks, GUILD, other.webhook.id).await.is_err());
}

#[tokio::test]
async fn a_secret_rotated_between_attempts_signs_beside_the_old_one() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script([Answer::Status(500)]).await;
    let made = house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..1).await;
    let first = endpoint.next().await;
    house.until("SELECT failures = 1 FROM delivery.webhook_queues").await;
    let rotate = async |overlap| {
        let (webhooks, id) = (&house.webhooks, made.webhook.id);
        ops::secret_rotate(house.pool(), webhooks, GUILD, id, overlap, By::Cli, &Origin::default())
            .await
            .unwrap()
    };
    let rotated = rotate(TimeDelta::hours(1)).await;
    assert_ne!(rotated.secret, made.secret);
    house.again().await;
    let second = endpoint.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(second.header("webhook-signature").split(' ').count(), 2);
    let requests = [first, second];
    assert_eq!(check(&made.secret, &requests), ["good", "good"]);
    assert_eq!(check(&rotated.secret, &requests), ["bad", "good"]);
    house.settled().await;
    // Without overlap the old one is refused at once, as after a leak.
    let last = rotate(TimeDelta::zero()).await;
    house.emit_numbers(1..2).await;
    let third = [endpoint.next().await];
    assert_eq!(
        (check(&rotated.secret, &third), check(&last.secret, &third)),
        (vec!["bad".into()], vec!["good".into()])
    );
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_fails_for_days_is_disabled_and_its_admins_told() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script([Answer::Status(410), Answer::Status(500)]).await;
    let made = house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..3).await;
    endpoint.next().await;
    house.until("SELECT NOT enabled FROM delivery.webhooks").await;
    let told = || async {
        house.text("SELECT string_agg(payload->>'reason', ' ' ORDER BY id) FROM jobs.outbox WHERE event_type = 'webhook.disabled'").await
    };
    assert_eq!(told().await, "GONE");
    assert_eq!(house.count("SELECT count(*) FROM access.admin_log WHERE action_type = 'DISABLE'").await, 1);
    assert_eq!(
        house.count("SELECT count(*) FROM delivery.webhook_deliveries WHERE status = 'DEAD'").await,
        3
    );
    house.emit_numbers(3..4).await;
    let replayed =
        house.send(&house.key, "POST", &path(made.webhook.id, "/replay"), json!({ "all": true })).await;
    assert_eq!(replayed.0, 409, "not while it is disabled");
    // The outbox's reader rests between looks: what it reads only after the webhook is enabled is posted.
    house
        .until(
            "SELECT NOT EXISTS (SELECT FROM jobs.outbox_cursors c JOIN jobs.outbox o ON (o.transaction_id, o.id) > (c.transaction_id, c.id)
                                 WHERE c.consumer = 'webhooks')",
        )
        .await;
    let enable = json!({ "enabled": true });
    let (status, webhook) = house.send(&house.key, "PATCH", &path(made.webhook.id, ""), enable).await;
    assert_eq!((status, &webhook["enabled"], &webhook["disabled_reason"]), (200, &json!(true), &json!(null)));
    house
        .run("UPDATE delivery.webhook_queues SET failures = 9, failing_since = now() - interval '6 days'")
        .await;
    house.emit_numbers(4..5).await;
    assert_eq!(endpoint.numbers(1).await, [4], "what happened while it was disabled is not kept");
    house.until("SELECT NOT enabled FROM delivery.webhooks").await;
    assert_eq!(told().await, "GONE FAILING");
}

#[tokio::test]
async fn an_event_is_queued_once_however_many_nodes_there_are() {
    let mut house = House::new().await;
    house.node().await;
    house.node().await;
    let mut endpoint = Endpoint::ok().await;
    house.webhook(&endpoint.url()).await;
    for n in 0..20 {
        house.emit_numbers(n * 10..n * 10 + 10).await;
    }
    assert_eq!(endpoint.numbers(200).await, (0..200).collect::<Vec<_>>());
    house.settled().await;
    assert!(endpoint.is_quiet());
}

#[tokio::test]
async fn replay_names_are_checked() {
    let house = House::idle(crate::house::local()).await;
    let endpoint = Endpoint::ok().await;
    let made = house.webhook(&endpoint.url()).await;
    let by = |replay: Replay| {
        let (pool, webhooks, id) = (house.pool().clone(), house.webhooks.clone(), made.webhook.id);
        async move { ops::replay(&pool, &webhooks, GUILD, id, &replay, By::Cli, &Origin::default()).await }
    };
    assert_eq!(by(Replay { all: true, ..Replay::default() }).await.unwrap(), 0);
    let many = Replay { delivery_ids: vec![1; 1001], ..Replay::default() };
    assert_eq!(by(many).await.unwrap_err().errors()[0].field, "delivery_ids");
    let new = NewWebhook { name: "x".into(), url: endpoint.url(), event_types: vec!["no.such".into()] };
    let made =
        ops::webhook_create(house.pool(), &house.webhooks, GUILD, new, By::Cli, &Origin::default()).await;
    assert!(made.is_err());
}
