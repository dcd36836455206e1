//! Publishing to a real NATS server.

use std::net::TcpListener;
use std::time::Duration;

use async_nats::jetstream::{consumer, stream};
use delivery::NatsSettings;
use delivery::nats::Nats;
use delivery::testing::Broker;
use futures::StreamExt as _;
use jobs::outbox::spawn_publisher;
use kernel::GuildId;
use serde_json::Value;

use crate::house::{House, event, local};

const PATIENCE: Duration = Duration::from_mins(2);

/// The first `count` messages of the stream: subject, id, body.
async fn read(server: &Broker, count: usize) -> Vec<(String, String, Value)> {
    let reading = async {
        let context = server.context().await;
        let stream = loop {
            match context.get_stream("QUESTHALL").await {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let reader: consumer::PullConsumer =
            stream.create_consumer(consumer::pull::Config::default()).await.unwrap();
        let mut messages = reader.messages().await.unwrap();
        let mut read = Vec::new();
        while read.len() < count {
            let message = messages.next().await.unwrap().unwrap();
            message.ack().await.unwrap();
            let id = message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().to_string();
            read.push((message.subject.to_string(), id, serde_json::from_slice(&message.payload).unwrap()));
        }
        read
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("all messages come")
}

async fn stored(server: &Broker) -> u64 {
    let context = server.context().await;
    context.get_stream("QUESTHALL").await.unwrap().info().await.unwrap().state.messages
}

/// One more node that publishes.
async fn publish(house: &mut House, settings: &NatsSettings) {
    let pool = house.pool().clone();
    let node = jobs::Node::start(pool.clone(), "test", "0", &["worker"], house.wake.clone()).await.unwrap();
    spawn_publisher(pool, Nats::new(settings).unwrap(), node.handle(), &house.wake);
    house.nodes.push(node);
    house.until("SELECT EXISTS (SELECT FROM jobs.outbox_cursors WHERE consumer = 'nats')").await;
}

fn numbers(messages: &[(String, String, Value)]) -> Vec<i64> {
    messages.iter().map(|(_, _, body)| body["data"]["n"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn events_are_published_once_and_in_order() {
    let Some(server) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    for _ in 0..2 {
        publish(&mut house, &server.settings()).await;
    }
    house.emit_numbers(0..1500).await;
    house.emit(&[jobs::outbox::Event { guild_id: GuildId::new(2), ..event(1500) }]).await;
    let messages = read(&server, 1501).await;
    assert_eq!(numbers(&messages), (0..1501).collect::<Vec<_>>());
    let (subject, id, body) = &messages[1499];
    assert_eq!(subject, "questhall.1.campaign.test_tick");
    assert_eq!(body["id"], id.as_str());
    assert_eq!(body["specversion"], "1.0");
    assert_eq!(messages[1500].0, "questhall.2.campaign.test_tick");
    // Published again from the beginning, as after a node died before it noted its position: none is stored twice.
    house.run("UPDATE jobs.outbox_cursors SET transaction_id = '0', id = 0, fencing_token = fencing_token + 1, locked_by = NULL, locked_until = NULL WHERE consumer = 'nats'").await;
    house.emit_numbers(1501..1502).await;
    assert_eq!(numbers(&read(&server, 1502).await), (0..1502).collect::<Vec<_>>());
    house.until("SELECT transaction_id > '1'::xid8 FROM jobs.outbox_cursors WHERE consumer = 'nats'").await;
    assert_eq!(stored(&server).await, 1502);
}

#[tokio::test]
async fn what_happens_during_an_outage_is_published_after_it() {
    let Some(mut server) = Broker::start() else { return };
    let mut house = House::idle(local()).await;
    publish(&mut house, &server.settings()).await;
    house.emit_numbers(0..10).await;
    assert_eq!(read(&server, 10).await.len(), 10);
    server.kill();
    // The house goes on, and nothing of it waits: readers of the outbox see what happens.
    for n in 1..20 {
        house.emit_numbers(n * 10..n * 10 + 10).await;
    }
    house.until("SELECT count(*) = 200 FROM jobs.outbox WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())").await;
    server.again();
    assert_eq!(numbers(&read(&server, 200).await), (0..200).collect::<Vec<_>>());
    // The same with an outage of ours: another node goes on.
    let node = house.nodes.pop().unwrap();
    assert!(node.stop(PATIENCE).await.unwrap());
    house.emit_numbers(200..300).await;
    publish(&mut house, &server.settings()).await;
    assert_eq!(numbers(&read(&server, 300).await), (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn strangers_in_the_stream_cost_speed_and_nothing_else() {
    let Some(server) = Broker::start() else { return };
    let context = server.context().await;
    let config = stream::Config {
        name: "QUESTHALL".to_owned(),
        subjects: vec!["questhall.>".to_owned(), "other".to_owned()],
        ..stream::Config::default()
    };
    context.create_stream(config).await.unwrap();
    let writer = tokio::spawn(async move {
        loop {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Nats-Msg-Id", uuid::Uuid::new_v4().to_string().as_str());
            context.publish_with_headers("other", headers, "1".into()).await.unwrap().await.unwrap();
        }
    });
    let mut house = House::idle(local()).await;
    publish(&mut house, &server.settings()).await;
    house.emit_numbers(0..300).await;
    house.until("SELECT NOT EXISTS (SELECT FROM jobs.outbox o, jobs.outbox_cursors c WHERE c.consumer = 'nats' AND (o.transaction_id, o.id) > (c.transaction_id, c.id))").await;
    writer.abort();
    let all = stored(&server).await;
    let messages = read(&server, usize::try_from(all).unwrap()).await;
    let ours: Vec<_> = messages.into_iter().filter(|(subject, _, _)| subject != "other").collect();
    assert_eq!(numbers(&ours), (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_is_not_there_blocks_nobody() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut house = House::idle(local()).await;
    let settings = NatsSettings { url: Some(format!("nats://127.0.0.1:{port}")), ..NatsSettings::default() };
    publish(&mut house, &settings).await;
    house.node().await;
    let mut endpoint = crate::endpoint::Endpoint::ok().await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..10).await;
    assert_eq!(endpoint.numbers(10).await, (0..10).collect::<Vec<_>>());
    let node = house.nodes.remove(0);
    assert!(node.stop(PATIENCE).await.unwrap());
}
