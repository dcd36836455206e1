//! Figures, printed; run with `--ignored`. Ratios are what to look at: the machine is shared.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use jobs::EngineSettings;
use sqlx::Connection;

use crate::support::{QUEUE, Rings, World};

const COUNT: i64 = 40_000;

/// Drains the due rings with the engine; returns how many a second.
async fn drain(world: &World, settings: EngineSettings) -> f64 {
    world.run("TRUNCATE public.rung").await;
    world
        .run(&format!(
            "INSERT INTO public.rings (n, scheduled_at) SELECT n, now() - interval '1 second' FROM generate_series(1, {COUNT}) AS n"
        ))
        .await;
    let rings = Rings::new();
    let began = Instant::now();
    let server = world.server(&rings, settings).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while rings.executed.load(Ordering::SeqCst) < usize::try_from(COUNT).unwrap() {
        ticks.tick().await;
    }
    let rate = rate(COUNT, began);
    server.stop().await;
    rate
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn rate(count: i64, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

/// The same writes as bare SQL in batches of 500.
async fn bare(world: &World) -> f64 {
    world
        .run(&format!(
            "INSERT INTO public.rings (n, scheduled_at) SELECT n, now() - interval '1 second' FROM generate_series(1, {COUNT}) AS n"
        ))
        .await;
    let mut connection = world.pool().acquire().await.unwrap();
    let began = Instant::now();
    for _ in 0..COUNT / 500 {
        sqlx::query(
            "WITH due AS (SELECT id, n, scheduled_at FROM public.rings WHERE status = 'PENDING' AND scheduled_at <= now()
                           ORDER BY scheduled_at, id LIMIT 500 FOR UPDATE SKIP LOCKED),
                  rung AS (INSERT INTO public.rung (id, n, node_id, lateness_ms) SELECT id, n, id, 0 FROM due)
             UPDATE public.rings SET status = 'COMPLETED' FROM due WHERE rings.id = due.id",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
    }
    rate(COUNT, began)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures, asserts nothing"]
async fn drained_a_second() {
    let world = World::new().await;
    println!("bare SQL            {:.0}/s", bare(&world).await);
    println!("engine, 1 worker    {:.0}/s", drain(&world, EngineSettings::default()).await);
    println!(
        "engine, 2 workers   {:.0}/s",
        drain(&world, EngineSettings { workers: 2, ..EngineSettings::default() }).await
    );
    world.run("INSERT INTO public.rings (n, scheduled_at) SELECT n, now() + interval '1 day' FROM generate_series(1, 200000) AS n; ANALYZE public.rings").await;
    println!("200,000 pending     {:.0}/s", drain(&world, EngineSettings::default()).await);
    let mut holder = world.pool().acquire().await.unwrap();
    let mut snapshot = holder.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM public.rings")
        .execute(&mut *snapshot)
        .await
        .unwrap();
    println!("held snapshot       {:.0}/s", drain(&world, EngineSettings::default()).await);
    println!("held, 2nd time      {:.0}/s", drain(&world, EngineSettings::default()).await);
    lateness(&world, "held snapshot").await;
    snapshot.rollback().await.unwrap();
    lateness(&world, "no snapshot").await;
}

async fn lateness(world: &World, name: &str) {
    world.run("TRUNCATE public.rung").await;
    let server = world.server(&Rings::new(), EngineSettings::default()).await;
    for n in 1..=200 {
        world
            .run(&format!("INSERT INTO public.rings (n, scheduled_at) VALUES ({n}, clock_timestamp() + interval '15 ms')"))
            .await;
        server.wake.timers(QUEUE);
        world.until("SELECT count(*) FROM public.rung", n).await;
    }
    for p in [50, 90, 99] {
        let us = world
            .number(&format!(
                "SELECT (1000 * percentile_cont({}) WITHIN GROUP (ORDER BY lateness_ms))::bigint FROM public.rung",
                f64::from(p) / 100.0
            ))
            .await;
        println!("lateness p{p} {us} µs ({name})");
    }
    server.stop().await;
}
