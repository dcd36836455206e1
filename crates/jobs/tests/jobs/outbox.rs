//! Events: none skipped, none twice, one order for everyone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jobs::{
    TimerError,
    outbox::{
        Consumer, Event, Feed, Filter, Position, PublishError, Publisher, Start, Stored, Tail, TailError,
        Viewer, consume_batch, emit, emit_one, read_after, spawn_consumer, spawn_publisher,
    },
};
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::PgConnection;

use crate::support::{World, within};

const GUILD: GuildId = GuildId::new(42);

jobs::declare_events! {
    read "tests:read", admin "tests:write";

    "test.secret" Admins "something is for administrators" {
        n: Integer = 7, "which";
    }
}

fn event(n: i64) -> Event {
    Event {
        guild_id: GUILD,
        event_type: "test.happened",
        subject: format!("tests/{n}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "n": n }),
    }
}

fn number(event: &Stored) -> i64 {
    event.payload["n"].as_i64().unwrap()
}

/// Reads until there are so many. Transactions elsewhere on the same server, in other tests' databases too, hold events back.
async fn read_until(
    connection: &mut PgConnection,
    after: Position,
    filter: &Filter,
    count: usize,
) -> Vec<Stored> {
    within(async {
        loop {
            let events = read_after(connection, GUILD, after, filter, 100).await.unwrap();
            if events.len() >= count {
                return events;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

async fn emit_now(world: &World, n: i64) {
    emit_one(&mut world.pool().acquire().await.unwrap(), event(n)).await.unwrap();
}

#[tokio::test]
async fn a_late_commit_is_neither_skipped_nor_out_of_order() {
    let world = World::new().await;
    let tail = {
        let (node, wake) = world.node().await;
        let tail = Tail::spawn(world.pool().clone(), &node.handle(), &wake);
        // The node must outlive the test's events.
        (tail, node, wake)
    };
    let (tail, node, wake) = tail;
    let start = tail.position().await.unwrap();
    let mut feed = Feed::open(&tail, GUILD, Filter::all(Viewer::Public), None).await.unwrap();

    let mut late = world.pool().begin().await.unwrap();
    emit(&mut late, &[event(1), event(2)]).await.unwrap();
    emit_now(&world, 3).await;
    emit_now(&world, 4).await;
    let mut connection = world.pool().acquire().await.unwrap();
    let everything = Filter::all(Viewer::Public);
    let early = read_after(&mut connection, GUILD, start, &everything, 10).await.unwrap();
    assert_eq!(early, [], "what is behind a running transaction must wait for it");
    late.commit().await.unwrap();
    wake.outbox();

    let mut live = Vec::new();
    for _ in 0..4 {
        live.push(within(feed.next()).await.unwrap());
    }
    assert_eq!(live.iter().map(|event| number(event)).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(live.is_sorted_by(|a, b| a.position < b.position));
    let read = read_until(&mut connection, start, &everything, 4).await;
    assert_eq!(read.iter().map(number).collect::<Vec<_>>(), [1, 2, 3, 4], "reading and following agree");
    let rest = read_until(&mut connection, live[1].position, &everything, 2).await;
    assert_eq!(rest.iter().map(number).collect::<Vec<_>>(), [3, 4]);
    within(node.stop(Duration::from_mins(2))).await.unwrap();
    assert!(feed.next().await.is_err(), "readers learn that the node stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_race_leave_one_order_in_which_nothing_is_missing() {
    let world = World::new().await;
    let (node, wake) = world.node().await;
    let tail = Tail::spawn(world.pool().clone(), &node.handle(), &wake);
    let mut feed = Feed::open(&tail, GUILD, Filter::all(Viewer::Admin), None).await.unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let pool = world.pool().clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let mut transaction = pool.begin().await.unwrap();
                    emit_one(&mut transaction, event(writer * 100 + n)).await.unwrap();
                    if n % 5 == 4 {
                        transaction.rollback().await.unwrap();
                    } else {
                        transaction.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    for _ in 0..160 {
        seen.push(within(feed.next()).await.unwrap());
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(seen.is_sorted_by(|a, b| a.position < b.position));
    let stored = world.number("SELECT count(*) FROM jobs.outbox").await;
    assert_eq!(stored, 160);
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_resumes_where_it_left_off_without_gap_or_repetition() {
    let world = World::new().await;
    let (node, wake) = world.node().await;
    let tail = Tail::spawn(world.pool().clone(), &node.handle(), &wake);
    let everything = || Filter::all(Viewer::Public);
    let mut feed = Feed::open(&tail, GUILD, everything(), None).await.unwrap();
    let mut seen = Vec::new();
    let mut n = 0;
    for round in 0..5 {
        // More while nobody reads than one read from the table brings.
        for _ in 0..3 {
            let batch: Vec<Event> = (0..100).map(|i| event(n + i)).collect();
            emit(&mut world.pool().acquire().await.unwrap(), &batch).await.unwrap();
            n += 100;
        }
        // A reader goes away in the midst of it, and comes back with the last id as text.
        for _ in 0..250 {
            seen.push(number(&within(feed.next()).await.unwrap()));
        }
        let last = feed.position().to_string();
        drop(feed);
        emit_now(&world, n).await;
        n += 1;
        feed = Feed::open(&tail, GUILD, everything(), Some(last.parse().unwrap())).await.unwrap();
        assert_eq!(seen.len(), 250 * (round + 1));
    }
    while seen.len() < usize::try_from(n).unwrap() {
        seen.push(number(&within(feed.next()).await.unwrap()));
    }
    assert_eq!(seen, (0..n).collect::<Vec<_>>());
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_is_told_and_a_slow_feed_catches_up() {
    let world = World::new().await;
    let (node, wake) = world.node().await;
    let tail = Tail::spawn(world.pool().clone(), &node.handle(), &wake);
    tail.position().await.unwrap();
    let mut slow = tail.subscribe();
    let mut feed = Feed::open(&tail, GUILD, Filter::all(Viewer::Public), None).await.unwrap();
    let batch: Vec<Event> = (0..6_000).map(event).collect();
    emit(&mut world.pool().acquire().await.unwrap(), &batch).await.unwrap();
    // Until the reader has handed all of them out.
    within(async {
        let mut quick =
            Feed::open(&tail, GUILD, Filter::all(Viewer::Public), Some(Position::START)).await.unwrap();
        for _ in 0..6_000 {
            quick.next().await.unwrap();
        }
        while tail.position().await.unwrap() < quick.position() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut lagged = false;
    let mut got = 0;
    while !lagged && got < 6_000 {
        match within(slow.next()).await {
            Ok(_) => got += 1,
            Err(TailError::Lagged(missed)) => lagged = missed > 0,
            Err(TailError::Stopped) => panic!("it runs"),
        }
    }
    assert!(lagged);
    for n in 0..6_000 {
        assert_eq!(number(&within(feed.next()).await.unwrap()), n);
    }
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn members_see_what_is_for_everyone_and_what_is_theirs() {
    let world = World::new().await;
    let (me, other) = (UserId::new(1), UserId::new(2));
    let mut connection = world.pool().acquire().await.unwrap();
    let events = [
        event(0),
        Event { user_id: Some(me), ..event(1) },
        Event { user_id: Some(other), ..event(2) },
        Event { guild_id: GuildId::new(43), ..event(3) },
        Event { event_type: "test.other", subject: "tests/0/more".to_owned(), ..event(4) },
        // It names nobody whom it is for: that it is not for everybody is declared.
        Event { event_type: "test.secret", ..event(5) },
    ];
    emit(&mut connection, &events).await.unwrap();
    let all = read_until(&mut connection, Position::START, &Filter::all(Viewer::Admin), 5).await;
    let subject = |subject: &str| Filter { subject: Some(subject.to_owned()), ..Filter::all(Viewer::Admin) };
    let cases = [
        (Filter::all(Viewer::Admin), vec![0, 1, 2, 4, 5]),
        (Filter::all(Viewer::Member(me)), vec![0, 1, 4]),
        (Filter::all(Viewer::Public), vec![0, 4]),
        (Filter { event_types: vec!["test.other".to_owned()], ..Filter::all(Viewer::Admin) }, vec![4]),
        (subject("tests/0"), vec![0, 4]),
        (subject("tests/0/"), vec![4]),
        (subject("tests/"), vec![0, 1, 2, 4, 5]),
        (subject("tests/%"), vec![]),
    ];
    for (filter, expected) in cases {
        let read = read_until(&mut connection, Position::START, &filter, expected.len()).await;
        assert_eq!(read.iter().map(number).collect::<Vec<_>>(), expected, "{filter:?}");
        let matched: Vec<_> = all.iter().filter(|event| filter.matches(event)).map(number).collect();
        assert_eq!(matched, expected, "the live filter agrees: {filter:?}");
    }
}

/// Copies events into a table, and fails when told.
#[derive(Clone)]
struct Ledger {
    fail: Arc<AtomicBool>,
}

impl Consumer for Ledger {
    fn name(&self) -> &'static str {
        "ledger"
    }

    fn start(&self) -> Start {
        Start::Beginning
    }

    fn batch(&self) -> i64 {
        7
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        for event in events {
            sqlx::query(
                "INSERT INTO public.rung (id, n, node_id, lateness_ms) VALUES ($1, $2, gen_random_uuid(), 0)",
            )
            .bind(event.event_id)
            .bind(number(event))
            .execute(&mut *connection)
            .await?;
        }
        if self.fail.load(Ordering::SeqCst) { Err(TimerError::Retry("not now".to_owned())) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_have_each_effect_once_though_they_fail_and_race() {
    let world = World::new().await;
    let ledger = Ledger { fail: Arc::new(AtomicBool::new(true)) };
    let batch: Vec<Event> = (0..100).map(event).collect();
    emit(&mut world.pool().acquire().await.unwrap(), &batch).await.unwrap();
    let mut connection = world.pool().acquire().await.unwrap();
    read_until(&mut connection, Position::START, &Filter::all(Viewer::Admin), 100).await;
    assert!(consume_batch(&mut connection, &ledger).await.is_err());
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 0);
    ledger.fail.store(false, Ordering::SeqCst);
    assert_eq!(consume_batch(&mut connection, &ledger).await.unwrap(), 7);
    let (one, one_wake) = world.node().await;
    let (other, other_wake) = world.node().await;
    spawn_consumer(world.pool().clone(), ledger.clone(), one.handle(), &one_wake);
    spawn_consumer(world.pool().clone(), ledger.clone(), other.handle(), &other_wake);
    emit(&mut connection, &(100..150).map(event).collect::<Vec<_>>()).await.unwrap();
    world.until("SELECT count(*) FROM public.rung", 150).await;
    let disorder = "SELECT count(*) FROM (SELECT n, row_number() OVER (ORDER BY seq) - 1 AS place FROM public.rung) AS r WHERE n <> place";
    assert_eq!(world.number(disorder).await, 0);
    for node in [one, other] {
        within(node.stop(Duration::from_mins(2))).await.unwrap();
    }
}

/// Says what it published.
struct Crier(tokio::sync::mpsc::UnboundedSender<i64>);

impl Publisher for Crier {
    fn name(&self) -> &'static str {
        "test.crier"
    }

    fn start(&self) -> Start {
        Start::Beginning
    }

    async fn publish(&self, events: &[Stored]) -> Result<(), PublishError> {
        for event in events {
            self.0.send(number(event))?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_publishes_as_soon_as_the_one_before_is_known_to_be_dead() {
    let world = World::new().await;
    emit_now(&world, 1).await;
    let dead = "00000000-0000-7000-8000-00000000dead";
    world
        .run(&format!(
            "INSERT INTO jobs.nodes (id, name, version, roles, died_at) VALUES ('{dead}', 'gone', '0', '{{worker}}', now());
             INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id, locked_by, locked_until)
             VALUES ('test.crier', '0', 0, '{dead}', now() + interval '1 hour')"
        ))
        .await;
    let (node, wake) = world.node().await;
    let (told, mut hear) = tokio::sync::mpsc::unbounded_channel();
    spawn_publisher(world.pool().clone(), Crier(told), node.handle(), &wake);
    assert_eq!(within(hear.recv()).await, Some(1));
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}
