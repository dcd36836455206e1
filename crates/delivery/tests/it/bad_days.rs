//! Endpoints that hang, redirect, lie, flood and dawdle: none of them costs more than its own attempts.

use std::time::Duration;

use delivery::ops;

use crate::endpoint::{Answer, Endpoint};
use crate::house::{GUILD, House, local};

/// A house, the endpoint's answers, and what the administrator reads of the first attempt.
async fn first_error(answers: Vec<Answer>) -> (House, Endpoint, String) {
    first_error_in(local(), answers).await
}

/// The same in a house of little patience, with endpoints that answer never.
async fn out_of_patience(answers: Vec<Answer>) -> (House, Endpoint, String) {
    // As much as a good answer may take on a busy machine.
    let settings = delivery::WebhookSettings { timeout: Duration::from_secs(4), ..local() };
    first_error_in(settings, answers).await
}

async fn first_error_in(
    settings: delivery::WebhookSettings,
    answers: Vec<Answer>,
) -> (House, Endpoint, String) {
    let mut house = House::idle(settings).await;
    house.node().await;
    let mut endpoint = Endpoint::script(answers).await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..2).await;
    assert_eq!(endpoint.next().await.n(), 0);
    house.until("SELECT failures = 1 FROM delivery.webhook_queues").await;
    let error = house.text("SELECT error FROM delivery.webhook_deliveries WHERE attempts = 1").await;
    (house, endpoint, error)
}

/// After its bad day it gets everything, in order.
async fn recovers(house: &House, endpoint: &mut Endpoint) {
    house.again().await;
    assert_eq!(endpoint.numbers(2).await, [0, 1]);
    house.settled().await;
}

#[tokio::test]
async fn one_that_hangs() {
    let (house, mut endpoint, error) = out_of_patience(vec![Answer::Hang]).await;
    assert_eq!(error, "no whole answer within 4000 ms");
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_redirects() {
    let mut elsewhere = Endpoint::ok().await;
    // Where to is not even looked at.
    let location = Box::leak(format!("location: {}\r\n", elsewhere.url()).into_boxed_str());
    let (house, mut endpoint, error) = first_error(vec![Answer::Whole(302, location, "")]).await;
    assert_eq!(error, "the endpoint answered 302: redirects are not followed");
    assert!(elsewhere.is_quiet());
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_lies() {
    let (house, mut endpoint, error) = first_error(vec![Answer::BreakOff]).await;
    assert!(error.starts_with("the answer broke off"), "{error}");
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_says_two_lengths_or_speaks_no_http() {
    for lie in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\nokoko",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "",
    ] {
        let (house, mut endpoint, error) = first_error(vec![Answer::Raw(lie)]).await;
        assert!(
            error.starts_with("the connection broke") || error.starts_with("the answer broke off"),
            "{lie}: {error}"
        );
        recovers(&house, &mut endpoint).await;
    }
}

#[tokio::test]
async fn one_that_says_more_than_it_promised_is_believed_no_second_time() {
    let house = House::new().await;
    // The second answer in the first's wake: it is none to the next event.
    let twice = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let mut endpoint = Endpoint::script(vec![Answer::Raw(twice); 3]).await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..5).await;
    // Every event is sent, and in order; those whose answer is in doubt come again.
    let mut seen = Vec::new();
    while seen.last() != Some(&4) {
        seen.extend(endpoint.numbers(1).await);
    }
    assert!(seen.is_sorted(), "{seen:?}");
    seen.dedup();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    house.settled().await;
}

#[tokio::test]
async fn one_that_drips_its_body() {
    let (house, mut endpoint, error) = out_of_patience(vec![Answer::DripBody]).await;
    assert_eq!(error, "no whole answer within 4000 ms");
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_promises_for_ever() {
    let (house, mut endpoint, error) = out_of_patience(vec![Answer::Promises]).await;
    assert_eq!(error, "no whole answer within 4000 ms");
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_redirects_inside_is_not_followed() {
    let house = House::idle(local()).await;
    let mut answers = Vec::new();
    for location in
        ["http://169.254.169.254/latest/meta-data", "http://[::1]:1/", "//127.0.0.1/", "file:///etc/passwd"]
    {
        let head: &str = Box::leak(format!("location: {location}\r\n").into_boxed_str());
        answers.extend([301, 303, 307, 308].map(|status| Answer::Whole(status, head, "")));
    }
    let count = answers.len();
    let mut endpoint = Endpoint::script(answers).await;
    let made = house.webhook(&endpoint.url()).await;
    for _ in 0..count {
        let ping = ops::ping(house.pool(), &house.webhooks, GUILD, made.webhook.id).await.unwrap();
        assert!(!ping.delivered && ping.error.unwrap().ends_with("redirects are not followed"));
        endpoint.next().await;
    }
    assert!(endpoint.is_quiet());
}

#[tokio::test]
async fn one_that_floods_the_head() {
    let (house, mut endpoint, error) = first_error(vec![Answer::FloodHead]).await;
    assert!(error.starts_with("the connection broke"), "{error}");
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_dawdles() {
    let (house, mut endpoint, error) = out_of_patience(vec![Answer::Drip]).await;
    assert_eq!(error, "no whole answer within 4000 ms");
    recovers(&house, &mut endpoint).await;
}

#[tokio::test]
async fn one_that_floods_the_body_has_taken_the_event_and_is_not_listened_to() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script([Answer::Flood, Answer::Flood]).await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..3).await;
    assert_eq!(endpoint.numbers(3).await, [0, 1, 2]);
    house.settled().await;
}

#[tokio::test]
async fn one_that_ends_connections_without_a_word_costs_no_attempt() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script(vec![Answer::OkAndClose; 5]).await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..6).await;
    assert_eq!(endpoint.numbers(6).await, [0, 1, 2, 3, 4, 5]);
    house.settled().await;
    assert_eq!(house.count("SELECT max(attempts)::bigint FROM delivery.webhook_deliveries").await, 1);
}

#[tokio::test]
async fn one_of_sixty_four_is_dead() {
    let settings =
        delivery::WebhookSettings { max_per_guild: 64, timeout: Duration::from_secs(20), ..local() };
    let mut house = House::idle(settings).await;
    house.node().await;
    let mut dead = Endpoint::start(|_| Answer::Hang).await;
    house.webhook(&dead.url()).await;
    let mut living = Vec::new();
    for _ in 0..63 {
        let endpoint = Endpoint::ok().await;
        house.webhook(&endpoint.url()).await;
        living.push(endpoint);
    }
    for n in 0..5 {
        house.emit_numbers(n * 4..n * 4 + 4).await;
    }
    for endpoint in &mut living {
        assert_eq!(endpoint.numbers(20).await, (0..20).collect::<Vec<_>>());
    }
    // It still has its first.
    assert_eq!(dead.next().await.n(), 0);
    assert!(dead.is_quiet());
}

/// `Retry-After` as a date, and one beyond all numbers.
#[tokio::test]
async fn one_that_asks_for_patience_by_a_date_or_for_ever() {
    for (head, least, most) in [
        ("date: Fri, 20 Nov 2026 12:00:00 GMT\r\nretry-after: Fri, 20 Nov 2026 13:00:00 GMT\r\n", 3500, 3700),
        ("retry-after: 99999999999999999999999999\r\n", 4 * 3600 - 100, 4 * 3600 + 100),
    ] {
        let (house, _endpoint, _) = first_error(vec![Answer::Whole(503, head, "")]).await;
        house
            .until("SELECT EXISTS (SELECT FROM delivery.webhook_queues WHERE locked_by IS NULL AND next_attempt_at > now())")
            .await;
        let wait = house
            .count("SELECT extract(epoch FROM next_attempt_at - now())::bigint FROM delivery.webhook_queues")
            .await;
        assert!((least..=most).contains(&wait), "{head}: {wait}");
        // The administrator sees when.
        let id = house.text("SELECT id::text FROM delivery.webhooks").await.parse().unwrap();
        let (status, page) = house
            .send(&house.key, "GET", &crate::house::path(id, "/deliveries"), serde_json::Value::Null)
            .await;
        assert_eq!(status, 200, "{page}");
        assert!(
            page["items"].as_array().unwrap().iter().all(|item| item["next_attempt_at"].is_string()),
            "{page}"
        );
    }
}
