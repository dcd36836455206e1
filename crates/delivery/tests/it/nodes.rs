//! Nodes that die or hang in the middle of a delivery.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::endpoint::{Answer, Endpoint};
use crate::house::House;

#[tokio::test]
async fn what_a_hung_node_was_at_is_taken_over_and_it_records_nothing_afterwards() {
    let mut house = House::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let mut endpoint = Endpoint::script([Answer::Status(200), Answer::Late(Arc::clone(&gate), 500)]).await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..3).await;
    assert_eq!(endpoint.numbers(2).await, [0, 1]);
    // The first node hangs in its second delivery; its lease lapses.
    house.node().await;
    house.run("UPDATE delivery.webhook_queues SET locked_until = now() - interval '1 second'").await;
    // Unless the first took its time for event 0, that is not recorded yet: it comes again, as `webhook-id` tells.
    let mut again = endpoint.numbers(2).await;
    if again == [0, 1] {
        again.remove(0);
        again.extend(endpoint.numbers(1).await);
    }
    assert_eq!(again, [1, 2]);
    house.settled().await;
    let tokens = house.count("SELECT fencing_token FROM delivery.webhook_queues").await;
    gate.add_permits(1);
    // The first goes on with its failure, and finds that it lost the queue. What comes next is delivered as ever.
    house.emit_numbers(3..4).await;
    assert_eq!(endpoint.numbers(1).await, [3]);
    for node in house.nodes.drain(..) {
        assert!(node.stop(std::time::Duration::from_mins(2)).await.unwrap());
    }
    assert_eq!(house.count("SELECT failures::bigint FROM delivery.webhook_queues").await, 0);
    assert_eq!(
        house.count("SELECT count(*) FROM delivery.webhook_deliveries WHERE status = 'DELIVERED'").await,
        4
    );
    assert!(house.count("SELECT fencing_token FROM delivery.webhook_queues").await > tokens);
}

#[tokio::test]
async fn a_node_that_stops_leaves_its_queues_to_the_others() {
    let mut house = House::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let mut endpoint = Endpoint::script([Answer::Late(Arc::clone(&gate), 200)]).await;
    house.webhook(&endpoint.url()).await;
    house.emit_numbers(0..3).await;
    assert_eq!(endpoint.next().await.n(), 0);
    let first = house.nodes.remove(0);
    let stopping = tokio::spawn(first.stop(std::time::Duration::from_mins(2)));
    house.node().await;
    gate.add_permits(1);
    assert!(stopping.await.unwrap().unwrap(), "it ends after the attempt that it is at");
    assert_eq!(endpoint.numbers(2).await, [1, 2]);
    house.settled().await;
}

#[tokio::test]
async fn what_a_dead_node_had_is_delivered_long_before_its_lease_would_end() {
    let house = House::new().await;
    let mut endpoint = Endpoint::script([]).await;
    house.webhook(&endpoint.url()).await;
    house.run("INSERT INTO jobs.nodes (id, name, version, roles, died_at) VALUES ('00000000-0000-7000-8000-00000000dead', 'gone', '0', '{worker}', now())").await;
    house.run("UPDATE delivery.webhook_queues SET locked_by = '00000000-0000-7000-8000-00000000dead', locked_until = now() + interval '1 hour'").await;
    house.emit_numbers(0..2).await;
    assert_eq!(endpoint.numbers(2).await, [0, 1]);
}
