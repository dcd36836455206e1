//! The sender against a Discord that misbehaves.

use std::time::Duration;

use db::testing::TestDatabase;
use discord::sender::Method;
use discord::{Request, SendError, Sender};
use serde_json::json;
use tokio::time::Instant;

use crate::stand_in::{Fault, StandIn};

async fn house() -> (TestDatabase, StandIn, Sender) {
    let database = TestDatabase::new().await;
    let stand_in = StandIn::start().await;
    let sender = Sender::new(database.pool().clone(), stand_in.application()).unwrap();
    (database, stand_in, sender)
}

fn say(text: &str) -> Request {
    Request::new(Method::POST, "/channels/50/messages")
        .json(json!({ "content": text }))
        .within(Duration::from_secs(20))
}

async fn counted(database: &TestDatabase) -> i32 {
    let sql = "SELECT coalesce(max(invalid_count), 0) FROM discord.send_budgets";
    sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn retry_after_is_obeyed_whoever_says_it_and_a_shared_limit_is_no_fault() {
    let (database, discord, sender) = house().await;
    for (scope, faults) in [(Some("user"), 1), (Some("shared"), 1), (Some("global"), 2), (None, 3)] {
        discord.misbehave("messages", Fault::Limited(scope, 0.4));
        let began = Instant::now();
        sender.send(&say("hello")).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(400), "{scope:?}: {:?}", began.elapsed());
        assert_eq!(counted(&database).await, faults, "{scope:?}");
    }
    assert_eq!(discord.with(|state| state.messages[&50].len()), 4, "each was posted once");
    discord.verdict();
}

#[tokio::test]
async fn a_global_limit_holds_for_all_nodes_and_a_routes_limit_for_the_route() {
    let (database, discord, sender) = house().await;
    let other = Sender::new(database.pool().clone(), discord.application()).unwrap();
    // Nobody waits for what comes later than they have patience for, and patience is there for a busy machine.
    let ask = || Request::new(Method::GET, "/gateway/bot").within(Duration::from_secs(30));
    discord.misbehave("messages", Fault::Limited(Some("user"), 300.0));
    assert!(matches!(sender.send(&say("a")).await, Err(SendError::Later(_))));
    other.send(&ask()).await.unwrap();
    sender.send(&ask()).await.unwrap();
    discord.misbehave("gateway", Fault::Limited(Some("global"), 300.0));
    assert!(matches!(sender.send(&ask()).await, Err(SendError::Later(_))));
    let before = discord.seen("").len();
    assert!(matches!(other.send(&ask()).await, Err(SendError::Later(_))), "the other node knows");
    assert_eq!(discord.seen("").len(), before, "and asks nothing");
    // Answers to interactions are not counted by Discord, and not held up.
    let original =
        Request::new(Method::PATCH, "/webhooks/1/token/messages/@original").json(json!({ "content": "x" }));
    other.send(&original.within(Duration::from_secs(30))).await.unwrap();
    discord.verdict();
}

#[tokio::test]
async fn a_route_with_nothing_left_is_waited_for_and_others_are_not() {
    let (_database, discord, sender) = house().await;
    discord.misbehave("messages", Fault::Empty(0.5));
    sender.send(&say("first")).await.unwrap();
    sender.send(&Request::new(Method::GET, "/gateway/bot")).await.unwrap();
    sender.send(&say("second")).await.unwrap();
    let posted = discord.seen("POST");
    assert!(posted[1].at - posted[0].at >= Duration::from_millis(450), "{:?}", posted[1].at - posted[0].at);
    assert!(discord.seen("GET")[0].at < posted[1].at);
}

#[tokio::test]
async fn all_nodes_together_send_no_more_than_fifty_a_second() {
    let (database, discord, sender) = house().await;
    let other = Sender::new(database.pool().clone(), discord.application()).unwrap();
    for round in 0..2 {
        if round > 0 {
            // Long after the last one, no more may leave at once.
            let sql = "UPDATE discord.send_budgets SET next_at = next_at - interval '1 hour'";
            sqlx::query(sql).execute(database.pool()).await.unwrap();
        }
        let seen = discord.seen("GET").len();
        let began = Instant::now();
        let asks = (0..120).map(|n| {
            let (sender, path) =
                (if n % 2 == 0 { &sender } else { &other }, format!("/guilds/1/members/{}", 1_000 + n));
            async move { sender.send(&Request::new(Method::GET, path)).await }
        });
        futures::future::join_all(asks).await;
        let times: Vec<Instant> = discord.seen("GET")[seen..].iter().map(|seen| seen.at).collect();
        assert_eq!(times.len(), 120);
        // On its way each may be held up, and arrive together with those after it; none may arrive before it could have left: a
        // few at once, then one every 22 ms, which is 49 in any second.
        for (n, at) in (0..).zip(times) {
            let soonest = Duration::from_millis(22 * n).saturating_sub(Duration::from_millis(100));
            assert!(at - began >= soonest, "{n} came after {:?}", at - began);
        }
    }
}

#[tokio::test]
async fn broken_answers_are_tried_again_only_where_nothing_can_be_done_twice() {
    let (_database, discord, sender) = house().await;
    let ask = Request::new(Method::GET, "/gateway/bot");
    for fault in [Fault::Html(502), Fault::Gone, Fault::TakenAndGone, Fault::Html(500)] {
        discord.misbehave("gateway", fault);
        sender.send(&ask).await.unwrap();
    }
    discord.misbehave("messages", Fault::TakenAndGone);
    assert!(matches!(sender.send(&say("once")).await, Err(SendError::Away(_))));
    assert_eq!(discord.with(|state| state.messages[&50].len()), 1, "it may have been taken");
    // With a nonce Discord itself knows what it has.
    let nonce = json!({ "content": "twice", "nonce": "n1", "enforce_nonce": true });
    let message = Request::new(Method::POST, "/channels/50/messages").json(nonce).repeatable();
    discord.misbehave("messages", Fault::TakenAndGone);
    sender.send(&message).await.unwrap();
    assert_eq!(discord.with(|state| state.messages[&50].len()), 2);
    assert_eq!(discord.seen("POST").len(), 3);
    discord.verdict();
}

#[tokio::test]
async fn a_discord_that_is_down_is_not_hammered() {
    let (database, discord, sender) = house().await;
    discord.always(Some(Fault::Html(503)));
    let asks = (0..40).map(|n| {
        let ask = Request::new(Method::GET, format!("/guilds/1/members/{n}")).within(Duration::from_secs(3));
        let sender = sender.clone();
        async move { sender.send(&ask).await }
    });
    let answers = futures::future::join_all(asks).await;
    assert!(
        answers.iter().all(|answer| matches!(answer, Err(SendError::Away(_) | SendError::Later(_)))),
        "{answers:?}"
    );
    let asked = discord.seen("").len();
    assert!(asked < 100, "{asked} requests");
    let quick = Request::new(Method::GET, "/gateway/bot").within(Duration::from_millis(100));
    assert!(matches!(sender.send(&quick).await, Err(SendError::Away(_))));
    assert_eq!(discord.seen("").len(), asked, "nothing is sent while it is down");
    assert_eq!(counted(&database).await, 0, "what breaks there is no fault of ours");
}

#[tokio::test]
async fn after_a_thousand_refusals_nothing_is_sent() {
    let (database, discord, sender) = house().await;
    discord.always(Some(Fault::Refused(403, 50_013)));
    let ask = Request::new(Method::GET, "/gateway/bot");
    let refused = sender.send(&ask).await.unwrap_err();
    assert_eq!(refused.code(), Some(50_013));
    assert!(!refused.is_passing());
    let sql = "UPDATE discord.send_budgets SET invalid_count = 998";
    sqlx::query(sql).execute(database.pool()).await.unwrap();
    assert!(matches!(sender.send(&ask).await, Err(SendError::Refused { .. })));
    assert!(matches!(sender.send(&ask).await, Err(SendError::Refused { .. })), "the thousandth");
    let before = discord.seen("").len();
    let other = Sender::new(database.pool().clone(), discord.application()).unwrap();
    for sender in [&sender, &other] {
        assert!(matches!(sender.send(&ask).await, Err(SendError::Closed)));
    }
    assert_eq!(discord.seen("").len(), before);
    // Ten minutes later it is open again, and counts anew.
    let sql = "UPDATE discord.send_budgets SET invalid_since = now() - interval '11 min', closed_until = now() - interval '1 min'";
    sqlx::query(sql).execute(database.pool()).await.unwrap();
    assert!(matches!(sender.send(&ask).await, Err(SendError::Refused { .. })));
    assert_eq!(counted(&database).await, 1);
    // A thing that is not there is no refusal by Discord's count.
    discord.always(Some(Fault::Refused(404, 10_003)));
    assert!(matches!(sender.send(&ask).await, Err(SendError::Refused { status: 404, .. })));
    assert_eq!(counted(&database).await, 1);
}

#[tokio::test]
async fn nothing_is_followed_and_nothing_endless_is_read() {
    let (_database, discord, sender) = house().await;
    let elsewhere = StandIn::start().await;
    let ask = Request::new(Method::GET, "/gateway/bot");
    discord.misbehave("gateway", Fault::Redirect(format!("{}/gateway/bot", elsewhere.url)));
    assert!(matches!(sender.send(&ask).await, Err(SendError::Refused { status: 302, .. })));
    assert!(elsewhere.seen("").is_empty(), "the token went nowhere else");
    discord.misbehave("gateway", Fault::Endless(9 * 1024 * 1024));
    sender.send(&ask).await.unwrap();
    assert_eq!(discord.seen("gateway").len(), 3, "what was too long was asked for again");
    // A refusal that is no JSON is survived.
    discord.misbehave("gateway", Fault::Html(404));
    let refused = sender.send(&ask).await.unwrap_err().to_string();
    assert_eq!(refused, "Discord answered 404: no reason that can be read (code 0)");
}

#[tokio::test]
async fn a_slow_answer_to_one_holds_up_nobody_elsewhere() {
    let (_database, discord, sender) = house().await;
    discord.misbehave("channels/50", Fault::Slow(Duration::from_secs(5)));
    let message = say("slow");
    let slow = sender.send(&message);
    tokio::pin!(slow);
    let ask = Request::new(Method::GET, "/gateway/bot");
    tokio::select! {
        answer = sender.send(&ask) => drop(answer.unwrap()),
        slow = &mut slow => panic!("the slow one was first: {slow:?}"),
    }
    slow.await.unwrap();
}
