//! Pause, drain, stop.

use std::sync::atomic::Ordering;

use jobs::{EngineSettings, queues};
use sqlx::PgConnection;

use crate::support::{QUEUE, Rings, World, eager};

const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%jobs.queues%'";

/// Locks the engine out of the table of pauses, and waits until it stands before it: then it is about to look, and has
/// finished whatever it did after the last look.
async fn catch_engine(world: &World, connection: &mut PgConnection) {
    sqlx::raw_sql("LOCK TABLE jobs.queues IN ACCESS EXCLUSIVE MODE").execute(connection).await.unwrap();
    world.until(WAITING, 1).await;
}

#[tokio::test]
async fn a_paused_queue_rests_until_it_is_resumed() {
    let world = World::new().await;
    let rings = Rings::new();
    let server = world.server(&rings, eager()).await;

    let mut transaction = world.pool().begin().await.unwrap();
    catch_engine(&world, &mut transaction).await;
    queues::pause(&mut transaction, QUEUE, "an admin", Some("a look")).await.unwrap();
    let claims = rings.claims.load(Ordering::SeqCst);
    transaction.commit().await.unwrap();
    world.add(10, "ok").await;

    // It comes to look again and again, and claims nothing.
    for _ in 0..2 {
        server.wake.timers(QUEUE);
        let mut transaction = world.pool().begin().await.unwrap();
        catch_engine(&world, &mut transaction).await;
        transaction.rollback().await.unwrap();
    }
    assert_eq!(rings.claims.load(Ordering::SeqCst), claims);
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 0);
    let listed = queues::list(&mut world.pool().acquire().await.unwrap()).await.unwrap();
    assert_eq!((listed[0].paused, listed[0].reason.as_deref()), (true, Some("a look")));

    let mut transaction = world.pool().begin().await.unwrap();
    assert!(queues::resume(&mut transaction, QUEUE).await.unwrap());
    transaction.commit().await.unwrap();
    world.until_completed(10).await;
    server.stop().await;
}

#[tokio::test]
async fn a_draining_node_finishes_its_batch_and_leaves_the_rest_to_others() {
    let world = World::new().await;
    world.add(1, "gate").await;
    world.run("INSERT INTO public.rings (n) SELECT generate_series(2, 100)").await;
    let rings = Rings::new();
    let draining = world.server(&rings, EngineSettings { max_batch: 1, ..eager() }).await;
    rings.gate.wait_for_arrival().await;
    draining.node.drain(true).await.unwrap();
    rings.gate.open.add_permits(1);
    world.until_completed(1).await;

    let other = world.server(&rings, eager()).await;
    draining.wake.timers(QUEUE);
    world.until_completed(100).await;
    let mine = format!("SELECT count(*) FROM public.rung WHERE node_id = '{}'", draining.node.id());
    assert_eq!(world.number(&mine).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM jobs.nodes WHERE draining").await, 1);
    other.stop().await;

    // And back to work.
    draining.node.drain(false).await.unwrap();
    world.run("INSERT INTO public.rings (n) VALUES (101)").await;
    world.until_completed(101).await;
    assert_eq!(world.number(&mine).await, 2);
    draining.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_the_batch_that_runs() {
    let world = World::new().await;
    world.add(1, "gate").await;
    let rings = Rings::new();
    let server = world.server(&rings, eager()).await;
    rings.gate.wait_for_arrival().await;
    let stopping = server.node.handle();
    let stopped = tokio::spawn(server.stop());
    stopping.stopping().cancelled().await;
    assert!(!stopped.is_finished());
    rings.gate.open.add_permits(1);
    crate::support::within(stopped).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM jobs.nodes WHERE stopped_at IS NOT NULL").await, 1);
}
