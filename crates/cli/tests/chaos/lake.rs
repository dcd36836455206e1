//! Events that come by NATS while nodes and NATS itself are killed: each counts once.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream;
use chrono::TimeDelta;
use db::testing::TestDatabase;
use delivery::testing::Broker;
use lake::ingest::Event;
use lake::ingest::generator::{Community, Generator};
use rand::{Rng, RngExt as _};
use serde_json::json;

use crate::process::Server;
use crate::{chance, enough, kills, until};

/// Events in all, and in a message at most.
const EVENTS: usize = 20_000;
const MESSAGE: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_by_nats_count_once_whoever_dies() {
    let Some(mut broker) = Broker::start() else { return };
    let began = Instant::now();
    let mut rng = chance("events_by_nats");
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let context = broker.context().await;
    let mut consumer = made(&context).await;
    let mut nodes = [0, 1].map(|_| Server::new(&arguments(&database.url(), &broker.url())));
    for node in &mut nodes {
        node.up().await;
    }

    // The first half is there at once, the other comes while nodes die. Some messages come twice, as from a producer that was
    // not sure whether the first was stored.
    let events = events(pool).await;
    let (first, second) = events.split_at(events.len() / 2);
    send(&context, first, &mut rng).await;
    let count = "SELECT count(*) FROM lake.event_lake";
    let counted = async || sqlx::query_scalar::<_, i64>(count).fetch_one(pool).await.unwrap();
    let planned = kills(12);
    let mut parts = second.chunks(second.len().div_ceil(planned));
    let mut done = 0;
    while done < planned && !enough(began, done, planned) {
        let before = counted().await;
        send(&context, parts.next().unwrap_or_default(), &mut rng).await;
        // In the middle of it.
        until("events are counted", async || (counted().await > before).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..60))).await;
        let dead = rng.random_range(0..3);
        if let Some(node) = nodes.get_mut(dead) {
            node.kill();
            node.start();
            node.ready().await;
        } else {
            broker.kill();
            broker.again();
            broker.context().await;
        }
        done += 1;
    }
    let stormed = began.elapsed();
    for part in parts {
        send(&context, part, &mut rng).await;
    }
    until("every message is done with", async || {
        let info = consumer.info().await.ok()?;
        (info.num_pending == 0 && info.num_ack_pending == 0).then_some(())
    })
    .await;
    let delivered = &consumer.cached_info().delivered;
    let again = delivered.consumer_sequence - delivered.stream_sequence;
    println!("  {done} deaths in {stormed:?}; messages came again {again} times");
    assert_eq!(counted().await, i64::try_from(events.len()).unwrap());
    let mut conn = pool.acquire().await.unwrap();
    let drift = lake::audit::drift(&mut conn).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    let drift = progress::audit::drift(&mut conn).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
    drop(conn);
    for node in &mut nodes {
        node.stop().await;
        node.nothing_left().await;
        assert_eq!(node.faults(), Vec::<String>::new());
    }
}

/// The stream and its consumer, with less patience for dead nodes than the house's own.
async fn made(context: &jetstream::Context) -> PullConsumer {
    let stream = context
        .create_stream(stream::Config {
            name: "LAKE".to_owned(),
            subjects: vec!["lake.*".to_owned()],
            ..stream::Config::default()
        })
        .await
        .unwrap();
    let config = pull::Config {
        durable_name: Some("questhall".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(2),
        filter_subject: "lake.*".to_owned(),
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.unwrap()
}

fn arguments(database: &str, nats: &str) -> Vec<String> {
    let nats = format!("nats.url={nats}");
    let settings =
        ["sandbox.enabled=false", "nats.publish=false", "nats.lake.stream=LAKE", "nats.lake.in_flight=20"];
    let all = ["--database-url", database, "--set", nats.as_str()];
    all.into_iter().chain(settings.into_iter().flat_map(|set| ["--set", set])).map(str::to_owned).collect()
}

async fn events(pool: &sqlx::PgPool) -> Vec<Event> {
    let from = sqlx::query_scalar("SELECT now() - interval '2 days'").fetch_one(pool).await.unwrap();
    let over = TimeDelta::days(1);
    Generator::new(Community { seed: 7, events: EVENTS, members: 300, channels: 20, from, over }).collect()
}

/// Sends them in messages of various sizes, some of them twice, and waits until they are stored.
async fn send(context: &jetstream::Context, events: &[Event], rng: &mut impl Rng) {
    let mut rest = events;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rng.random_range(1..=MESSAGE).min(rest.len()));
        rest = later;
        let body = match now {
            [event] => json!(event),
            events => json!({ "events": events }),
        };
        let times = if rng.random_bool(0.05) { 2 } else { 1 };
        for _ in 0..times {
            until("a message is stored", async || {
                let sent = context.publish("lake.4711", body.to_string().into()).await.ok()?;
                sent.await.ok()
            })
            .await;
        }
    }
}
