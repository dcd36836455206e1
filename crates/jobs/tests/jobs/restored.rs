//! A database that finds itself in another cluster: no reader of the outbox skips or repeats anything.

use std::sync::Mutex;

use db::testing::{PrivateCluster, dump, restore};
use jobs::{
    Node, TimerError, Wake,
    outbox::{
        Consumer, Estranged, Event, Feed, Filter, Position, Start, Stored, Tail, Viewer, consume_batch,
        emit_one, estranged, horizon, read_after, settle,
    },
};
use kernel::GuildId;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::support::{World, within};

const GUILD: GuildId = GuildId::new(42);

async fn emit(pool: &PgPool, n: i64) {
    let event = Event {
        guild_id: GUILD,
        event_type: "test.happened",
        subject: format!("tests/{n}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "n": n }),
    };
    emit_one(&mut pool.acquire().await.unwrap(), event).await.unwrap();
}

fn number(event: &Stored) -> i64 {
    event.payload["n"].as_i64().unwrap()
}

/// Takes events two by two.
#[derive(Default)]
struct Witness(Mutex<Vec<i64>>);

impl Consumer for Witness {
    fn name(&self) -> &'static str {
        "test.witness"
    }

    fn start(&self) -> Start {
        Start::Beginning
    }

    fn batch(&self) -> i64 {
        2
    }

    async fn consume(&self, _connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        self.0.lock().unwrap().extend(events.iter().map(number));
        Ok(())
    }
}

/// What a consumer has seen once there are so many.
async fn witnessed(pool: &PgPool, witness: &Witness, count: usize) -> Vec<i64> {
    let mut connection = pool.acquire().await.unwrap();
    within(async {
        while witness.0.lock().unwrap().len() < count {
            consume_batch(&mut connection, witness).await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    witness.0.lock().unwrap().clone()
}

async fn start_node(pool: &PgPool) -> (Node, Wake) {
    let wake = Wake::new();
    (Node::start(pool.clone(), "test", "0", &["worker"], wake.clone()).await.unwrap(), wake)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restored_into_a_younger_cluster_stops_no_reader() {
    let world = World::new().await;
    let old = world.pool();
    // The other cluster has given out a few hundred ids when it is new.
    world
        .run("DO $$ BEGIN FOR n IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
        .await;
    for n in 1..=3 {
        emit(old, n).await;
    }
    let witness = Witness::default();
    assert_eq!(witnessed(old, &witness, 2).await, [1, 2]);
    let filter = Filter::all(Viewer::Admin);
    // Other tests' transactions on the same server may hold the last of them back for a while.
    let client = within(async {
        let mut connection = old.acquire().await.unwrap();
        loop {
            let events = read_after(&mut connection, GUILD, Position::START, &filter, 9).await.unwrap();
            if let [.., last] = &events[..]
                && events.len() == 3
            {
                return last.position;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let cluster = PrivateCluster::new();
    let file = cluster.folder().join("questhall.dump");
    dump(world.options(), &file).await;
    // A client sees one more, which the dump does not have.
    emit(old, 90).await;
    let lost = within(async {
        loop {
            let mut connection = old.acquire().await.unwrap();
            let events = read_after(&mut connection, GUILD, client, &filter, 9).await.unwrap();
            if let Some(event) = events.last() {
                return event.position;
            }
        }
    })
    .await;

    let database = cluster.open().await.unwrap();
    restore(&file, database.options()).await;
    let new = database.pool();
    let mut connection = new.acquire().await.unwrap();
    let found = estranged(&mut connection).await.unwrap();
    assert!(matches!(found, Some(Estranged::Future(position)) if position == client), "{found:?}");
    // By a tool that knows nothing of it, say.
    emit(new, 4).await;

    let (node, wake) = start_node(new).await;
    assert_eq!(estranged(&mut connection).await.unwrap(), None, "the start mends it");
    let tail = Tail::spawn(new.clone(), &node.handle(), &wake);
    let mut feed = Feed::open(&tail, GUILD, filter.clone(), Some(lost)).await.unwrap();
    emit(new, 5).await;
    wake.outbox();
    let first = within(feed.next()).await.unwrap();
    let second = within(feed.next()).await.unwrap();
    assert_eq!((number(&first), number(&second)), (4, 5), "a client that saw what was lost misses nothing");
    assert_eq!(witnessed(new, &witness, 5).await, [1, 2, 3, 4, 5], "a consumer goes on where it stood");
    let here = horizon(&mut connection).await.unwrap();
    assert!(here > second.position && second.position > lost, "{here} {} {lost}", second.position);
    assert_eq!(settle(new).await.unwrap(), None, "once is enough");
    drop((connection, feed, tail, node));
    database.close().await;
}

#[tokio::test]
async fn a_cluster_that_is_ahead_and_a_new_timeline_are_noticed_too() {
    let world = World::new().await;
    let pool = world.pool();
    assert_eq!(settle(pool).await.unwrap(), None, "the first look remembers where it is");
    assert_eq!(world.number("SELECT shift FROM jobs.outbox_origin").await, 0);
    let mut before = horizon(&mut pool.acquire().await.unwrap()).await.unwrap();
    for (change, cause) in
        [("system_identifier = 1", Estranged::Cluster), ("timeline = 77", Estranged::Timeline)]
    {
        world.run(&format!("UPDATE jobs.outbox_origin SET {change}")).await;
        emit(pool, 1).await;
        assert_eq!(estranged(&mut pool.acquire().await.unwrap()).await.unwrap(), Some(cause));
        let (one, other) = tokio::join!(settle(pool), settle(pool));
        let found = [one.unwrap(), other.unwrap()];
        assert_eq!(found.iter().flatten().collect::<Vec<_>>(), [&cause], "two nodes mend it once");
        let after = horizon(&mut pool.acquire().await.unwrap()).await.unwrap();
        // What was given out on the other timeline after the two parted lies between.
        assert!(after.transaction_id - before.transaction_id > 1 << 39, "{before} {after}");
        before = after;
    }
    let shift = world.number("SELECT shift FROM jobs.outbox_origin").await;
    assert_eq!(settle(pool).await.unwrap(), None);
    assert_eq!(world.number("SELECT shift FROM jobs.outbox_origin").await, shift);
}
