//! Near timers ring on time, without polling; and lost wake-ups cost little.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::{EngineSettings, wake::MAX_SLEEP};

use crate::support::{QUEUE, Rings, World};

/// Who is found by polling is late by almost all of that.
fn lazy() -> EngineSettings {
    EngineSettings { safety_poll: (MAX_SLEEP, MAX_SLEEP), ..EngineSettings::default() }
}

/// Nobody who was woken is so late, however busy the machine is. How late they are is the benchmark's affair.
fn polled() -> i64 {
    i64::try_from(MAX_SLEEP.as_millis()).unwrap() / 2
}

const WORST: &str = "SELECT ceil(max(lateness_ms))::bigint FROM public.rung";

#[tokio::test(flavor = "multi_thread")]
async fn lone_timers_ring_on_time() {
    let world = World::new().await;
    let server = world.server(&Rings::new(), lazy()).await;
    for n in 1..=40 {
        world
            .run(&format!("INSERT INTO public.rings (n, scheduled_at) VALUES ({n}, clock_timestamp() + interval '40 ms')"))
            .await;
        server.wake.timers(QUEUE);
        world.until_completed(n).await;
    }
    let p90: i64 = world
        .number(
            "SELECT ceil(percentile_cont(0.9) WITHIN GROUP (ORDER BY lateness_ms))::bigint FROM public.rung",
        )
        .await;
    let early = world.number("SELECT count(*) FROM public.rung WHERE lateness_ms < 0").await;
    println!("lateness p90 {p90} ms, worst {} ms", world.number(WORST).await);
    assert_eq!(early, 0);
    assert!(p90 < polled(), "{p90} ms");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_scheduled_on_another_node_wakes_this_one() {
    let world = World::new().await;
    let server = world.server(&Rings::new(), lazy()).await;
    let (other, wake) = world.node().await;
    for n in 1..=5 {
        let mut transaction = world.pool().begin().await.unwrap();
        let at: DateTime<Utc> = sqlx::query_scalar(
            "INSERT INTO public.rings (n, scheduled_at) VALUES ($1, clock_timestamp() + interval '20 ms') RETURNING scheduled_at",
        )
        .bind(n)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
        wake.timer_scheduled(&mut transaction, QUEUE, at).await.unwrap();
        transaction.commit().await.unwrap();
        world.until_completed(n).await;
    }
    // All but one: whatever else the machine does may hold one up.
    let late =
        world.number(&format!("SELECT count(*) FROM public.rung WHERE lateness_ms > {}", polled())).await;
    assert!(late <= 1, "{late}; worst: {} ms", world.number(WORST).await);
    server.stop().await;
    other.stop(Duration::from_mins(2)).await.unwrap();
}

#[tokio::test]
async fn a_timer_that_nobody_announced_is_found_by_looking() {
    let world = World::new().await;
    let settings = EngineSettings {
        safety_poll: (Duration::from_millis(100), Duration::from_millis(200)),
        ..EngineSettings::default()
    };
    let server = world.server(&Rings::new(), settings).await;
    for n in 1..=3 {
        world.run(&format!("INSERT INTO public.rings (n) VALUES ({n})")).await;
        world.until_completed(n).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn notifications_are_sent_for_what_is_due_soon_and_no_more() {
    let world = World::new().await;
    let mut listener = sqlx::postgres::PgListener::connect_with(world.pool()).await.unwrap();
    listener.listen(jobs::wake::CHANNEL).await.unwrap();
    let (node, wake) = world.node().await;
    let mut connection = world.pool().acquire().await.unwrap();
    let now = db::now(&mut connection).await.unwrap();
    wake.timer_scheduled(&mut connection, "far", now + TimeDelta::hours(1)).await.unwrap();
    wake.timer_scheduled(&mut connection, "near", now + TimeDelta::seconds(3)).await.unwrap();
    let first = crate::support::within(listener.recv()).await.unwrap();
    assert_eq!(first.payload(), "near");
    node.stop(Duration::from_mins(2)).await.unwrap();
}
