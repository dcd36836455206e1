//! Events for the lake from a real NATS server: taken once each, whatever dies.

use std::time::Duration;

use async_nats::jetstream::consumer::{self, AckPolicy, PullConsumer};
use async_nats::jetstream::{self, stream};
use delivery::nats::LakeFeed;
use delivery::testing::Broker;
use delivery::{GuildFrom, LakeSource, NatsSettings};
use futures::StreamExt as _;
use kernel::GuildId;
use lake::ingest::{Event, EventWriter};
use serde_json::{Value, json};

use crate::house::{House, local};

const PATIENCE: Duration = Duration::from_mins(2);

fn settings(broker: &Broker) -> NatsSettings {
    let lake = LakeSource { stream: Some("LAKE".to_owned()), ..LakeSource::default() };
    NatsSettings { lake, ..broker.settings() }
}

/// One more node that takes messages.
async fn feed(house: &mut House, settings: &NatsSettings) {
    let pool = house.pool().clone();
    let node = jobs::Node::start(pool.clone(), "test", "0", &["worker"], house.wake.clone()).await.unwrap();
    let writer = EventWriter::start(&pool, &house.wake, 2);
    LakeFeed::new(settings, writer).unwrap().spawn(&node.handle());
    house.nodes.push(node);
}

/// A message a member wrote an hour ago, the `n`th.
fn said(n: usize) -> Value {
    let at = kernel::Clock::system().now() - chrono::TimeDelta::hours(1);
    json!({ "event_type": "message_create", "user_id": (100 + n % 7).to_string(), "channel_id": "9",
            "source_id": format!("m{n}"), "timestamp": at, "payload": { "length": 20 } })
}

/// The lake's stream and consumer, made as an operator might make them: with little patience.
async fn impatient(broker: &Broker) -> (jetstream::Context, PullConsumer) {
    let context = broker.context().await;
    let config =
        stream::Config { name: "LAKE".into(), subjects: vec!["lake.*".into()], ..stream::Config::default() };
    let stream = context.create_stream(config).await.unwrap();
    let config = consumer::pull::Config {
        durable_name: Some("questhall".into()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(1),
        filter_subject: "lake.*".into(),
        ..consumer::pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.unwrap();
    (context, consumer)
}

async fn send(context: &jetstream::Context, subject: &str, body: Value) {
    let sent = context.publish(subject.to_owned(), body.to_string().into()).await.unwrap();
    sent.await.unwrap();
}

/// Sends once the stream is there, which the first node makes.
async fn send_first(context: &jetstream::Context, subject: &str, body: Value) {
    let stream = async {
        while context.get_stream("LAKE").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stream).await.expect("the stream is made");
    send(context, subject, body).await;
}

/// Waits until every message was acknowledged or given up.
async fn nothing_waits(context: &jetstream::Context) {
    let empty = async {
        loop {
            let stream = context.get_stream("LAKE").await;
            if let Ok(stream) = stream
                && let Ok(mut consumer) = stream.get_consumer::<consumer::pull::Config>("questhall").await
                && let Ok(info) = consumer.info().await
                && info.num_pending == 0
                && info.num_ack_pending == 0
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.expect("all messages are done with");
}

async fn in_lake(house: &House) -> i64 {
    house.count("SELECT count(*) FROM lake.event_lake").await
}

/// What is counted is what is in the lake.
async fn counted(house: &House, messages: i64) {
    assert_eq!(in_lake(house).await, messages);
    let sum =
        "SELECT sum(count)::bigint FROM lake.event_counters WHERE category_id = 0 AND period = 'lifetime'";
    assert_eq!(house.count(sum).await, messages);
    let drift = lake::audit::drift(&mut house.pool().acquire().await.unwrap()).await.unwrap();
    assert!(drift.is_empty(), "{drift:#?}");
}

#[tokio::test]
async fn messages_bring_events_for_the_guild_that_their_subject_names() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    feed(&mut house, &settings(&broker)).await;
    let context = broker.context().await;
    send_first(&context, "lake.1", said(0)).await;
    send(&context, "lake.1", json!({ "events": (0..50).map(said).collect::<Vec<_>>() })).await;
    send(&context, "lake.2", json!({ "events": (0..10).map(said).collect::<Vec<_>>() })).await;
    send(&context, "lake.1", json!({ "events": [] })).await;
    // Again, as a producer does that did not hear whether it was stored.
    send(&context, "lake.1", json!({ "events": (0..50).map(said).collect::<Vec<_>>() })).await;
    nothing_waits(&context).await;
    assert_eq!(house.count("SELECT count(*) FROM lake.event_lake WHERE guild_id = 1").await, 50);
    assert_eq!(house.count("SELECT count(*) FROM lake.event_lake WHERE guild_id = 2").await, 10);
    counted(&house, 60).await;
    for node in house.nodes.drain(..) {
        assert!(node.stop(PATIENCE).await.unwrap());
    }
}

#[tokio::test]
async fn bodies_name_the_guild_only_where_the_operator_says_so_and_others_are_kept_out() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    let mut settings = settings(&broker);
    settings.lake.guild = GuildFrom::Body;
    settings.lake.guilds = vec![GuildId::new(1)];
    feed(&mut house, &settings).await;
    let context = broker.context().await;
    let named = |guild: &str, n: usize| {
        let mut event = said(n);
        event["guild_id"] = json!(guild);
        event
    };
    send_first(&context, "lake.any", named("1", 0)).await;
    send(&context, "lake.any", json!({ "guild_id": "1", "events": [said(1), said(2)] })).await;
    send(&context, "lake.any", named("2", 3)).await;
    send(&context, "lake.1", said(4)).await;
    nothing_waits(&context).await;
    assert_eq!(house.count("SELECT count(*) FROM lake.event_lake WHERE guild_id = 1").await, 3);
    assert_eq!(in_lake(&house).await, 3);
}

#[tokio::test]
async fn what_cannot_be_taken_is_kept_with_its_reason_and_does_not_come_again() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    let mut settings = settings(&broker);
    settings.lake.dead_letters = Some("dead.lake".to_owned());
    let context = broker.context().await;
    let dead = stream::Config { name: "DEAD".into(), subjects: vec!["dead.>".into()], ..Default::default() };
    let dead = context.create_stream(dead).await.unwrap();
    feed(&mut house, &settings).await;

    let mut words = said(1);
    words["content"] = json!("what I said");
    let mut old = said(2);
    old["timestamp"] = json!("2020-01-01T00:00:00Z");
    send_first(&context, "lake.1", said(0)).await;
    send(&context, "lake.1", json!({ "nonsense": true })).await;
    send(&context, "lake.nobody", said(3)).await;
    send(&context, "lake.1", words.clone()).await;
    send(&context, "lake.1", old).await;
    // Of a batch what is good is taken.
    send(&context, "lake.1", json!({ "events": [said(4), words, said(5)] })).await;
    context.publish("lake.1", b"\xff\xfe"[..].into()).await.unwrap().await.unwrap();
    nothing_waits(&context).await;
    assert_eq!(in_lake(&house).await, 3);

    let reader: PullConsumer = dead.create_consumer(consumer::pull::Config::default()).await.unwrap();
    let letters: Vec<_> = reader.fetch().max_messages(100).messages().await.unwrap().collect().await;
    let mut told: Vec<(String, String)> = letters
        .iter()
        .map(|letter| {
            let letter = letter.as_ref().unwrap();
            let headers = letter.headers.as_ref().unwrap();
            let header = |name: &str| headers.get(name).unwrap().to_string();
            assert!(!letter.payload.is_empty());
            (header("Questhall-Subject"), header("Questhall-Reason"))
        })
        .collect();
    told.sort();
    let expected = [
        ("lake.1", "events[0]: `content`"),
        ("lake.1", "events[0]: `timestamp`"),
        ("lake.1", "events[0]: `"),
        ("lake.1", "events[1]: `content`"),
        ("lake.1", "the body is not UTF-8"),
        ("lake.nobody", "the subject's guild `nobody` must be a Discord id"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (subject, beginning) in expected {
        let found = |(at, reason): &(String, String)| at == subject && reason.starts_with(beginning);
        assert!(told.iter().any(found), "{subject} {beginning}: {told:#?}");
    }
}

#[tokio::test]
async fn a_node_that_dies_before_or_after_its_commit_leaves_its_messages_to_the_others() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    let (context, consumer) = impatient(&broker).await;
    for n in 0..30 {
        send(&context, "lake.1", said(n)).await;
    }
    // A node takes twenty messages, commits the events of ten, and dies before it acknowledges any.
    let held: Vec<_> = consumer.fetch().max_messages(20).messages().await.unwrap().collect().await;
    assert_eq!(held.len(), 20);
    let events = held.iter().take(10).map(|message| {
        Event::parse(std::str::from_utf8(&message.as_ref().unwrap().payload).unwrap()).unwrap()
    });
    let writer = EventWriter::start(house.pool(), &house.wake, 1);
    writer.submit(GuildId::new(1), events.collect()).await.unwrap();
    drop(writer);
    for _ in 0..2 {
        feed(&mut house, &settings(&broker)).await;
    }
    nothing_waits(&context).await;
    counted(&house, 30).await;
}

#[tokio::test]
async fn an_outage_of_nats_is_waited_for_and_caught_up_with() {
    let Some(mut broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    let (context, _) = impatient(&broker).await;
    for _ in 0..2 {
        feed(&mut house, &settings(&broker)).await;
    }
    send(&context, "lake.1", said(0)).await;
    nothing_waits(&context).await;
    for round in 1..4 {
        broker.kill();
        broker.again();
        let context = broker.context().await;
        for n in round * 100..round * 100 + 100 {
            send(&context, "lake.1", said(n)).await;
        }
    }
    let context = broker.context().await;
    nothing_waits(&context).await;
    counted(&house, 301).await;
}

#[tokio::test]
async fn while_the_database_is_away_messages_wait() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    let (context, _) = impatient(&broker).await;
    feed(&mut house, &settings(&broker)).await;
    send(&context, "lake.1", said(0)).await;
    nothing_waits(&context).await;

    // As a server that is starting up, or going down, says.
    house
        .run(
            "CREATE FUNCTION public.away() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'the database is away' USING ERRCODE = '57P03'; END $$",
        )
        .await;
    house.run("CREATE TRIGGER away BEFORE INSERT ON lake.event_lake EXECUTE FUNCTION public.away()").await;
    for n in 1..21 {
        send(&context, "lake.1", said(n)).await;
    }
    // Given back at least once.
    let given_back = async {
        let stream = context.get_stream("LAKE").await.unwrap();
        let mut consumer: PullConsumer = stream.get_consumer("questhall").await.unwrap();
        while consumer.info().await.unwrap().num_redelivered == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, given_back).await.expect("messages are given back");
    assert_eq!(in_lake(&house).await, 1);
    house.run("DROP TRIGGER away ON lake.event_lake").await;
    nothing_waits(&context).await;
    counted(&house, 21).await;
}

#[tokio::test]
async fn a_node_that_stops_gives_back_what_it_has_not_begun() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    feed(&mut house, &settings(&broker)).await;
    let context = broker.context().await;
    send_first(&context, "lake.1", said(0)).await;
    for n in 1..500 {
        send(&context, "lake.1", said(n)).await;
    }
    let first = house.nodes.remove(0);
    assert!(first.stop(PATIENCE).await.unwrap());
    feed(&mut house, &settings(&broker)).await;
    nothing_waits(&context).await;
    counted(&house, 500).await;
}

#[tokio::test]
async fn a_consumer_that_is_anothers_is_left_alone() {
    let Some(broker) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    let context = broker.context().await;
    let config =
        stream::Config { name: "LAKE".into(), subjects: vec!["lake.>".into()], ..Default::default() };
    let stream = context.create_stream(config).await.unwrap();
    let config = consumer::pull::Config {
        durable_name: Some("questhall".into()),
        filter_subject: "lake.other.*".into(),
        ..consumer::pull::Config::default()
    };
    let mut theirs: PullConsumer = stream.create_consumer(config).await.unwrap();
    feed(&mut house, &settings(&broker)).await;
    send(&context, "lake.1", said(0)).await;
    send(&context, "lake.other.1", said(1)).await;
    let node = house.nodes.remove(0);
    assert!(node.stop(PATIENCE).await.unwrap());
    assert_eq!(theirs.info().await.unwrap().num_pending, 1);
    assert_eq!(in_lake(&house).await, 0);
    // They still get what is theirs.
    let mut messages = theirs.messages().await.unwrap();
    let message = tokio::time::timeout(PATIENCE, messages.next()).await.unwrap().unwrap().unwrap();
    message.ack().await.unwrap();
    assert_eq!(message.subject.as_str(), "lake.other.1");
}
