//! Exactly once, in order, and failures that are nobody else's.

use futures::future::join_all;
use jobs::{EngineSettings, wake::MAX_SLEEP};
use sqlx::Connection;

use crate::support::{Rings, World, eager};

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_timers_ring_once_however_many_engines_race() {
    let world = World::new().await;
    let rings = Rings::new();
    let settings = EngineSettings { workers: 2, max_batch: 100, ..eager() };
    // All are there before there is work: one alone might be done with it before the next has connected.
    let servers = join_all((0..3).map(|_| world.server(&rings, settings))).await;
    let mut raced = 0;
    for round in 1..=20 {
        world.add(5_000, "ok").await;
        world.until_completed(5_000 * round).await;
        raced = world.number("SELECT count(DISTINCT node_id) FROM public.rung").await;
        // On a busy machine one may be done with all of them before another has its turn: then there are more.
        if raced >= 2 {
            break;
        }
    }
    world.assert_exactly_once().await;
    assert!(raced >= 2, "the engines did race: {raced}");
    for server in servers {
        server.stop().await;
    }
}

#[tokio::test]
async fn what_was_due_while_nothing_ran_rings_on_start_late_and_in_order() {
    let world = World::new().await;
    world.add(700, "ok").await;
    // Two workers take batches at once: among those, the table's claim keeps what order it needs, as campaigns' does.
    let one = EngineSettings { workers: 1, ..EngineSettings::default() };
    let server = world.server(&Rings::new(), one).await;
    world.until_completed(700).await;
    let disorder =
        world.number("SELECT count(*) FROM (SELECT n, row_number() OVER (ORDER BY seq) AS place FROM public.rung) AS r WHERE n <> place").await;
    assert_eq!(disorder, 0);
    world.assert_exactly_once().await;
    server.stop().await;
}

#[tokio::test]
async fn one_that_fails_is_found_among_many_and_the_others_ring() {
    let world = World::new().await;
    world.add(300, "ok").await;
    world
        .run(
            "UPDATE public.rings SET behaviour = (ARRAY['retry', 'panic', 'sql', 'deferred', 'fail'])[n / 50]
              WHERE n IN (50, 100, 150, 200, 250)",
        )
        .await;
    let server = world.server(&Rings::new(), EngineSettings { max_batch: 400, ..eager() }).await;
    world.until_completed(295).await;
    world.until("SELECT count(*) FROM public.rings WHERE retry_count = 1", 5).await;
    world.assert_exactly_once().await;
    let told = |n: i64, error: &str| {
        format!("SELECT count(*) FROM public.rings WHERE n = {n} AND last_error LIKE '%{error}%'")
    };
    for (n, error) in [
        (50, "out of order"),
        (100, "panicked: ring 100 panics"),
        (150, "division by zero"),
        (200, "fk_late_check"),
        (250, "is broken"),
    ] {
        assert_eq!(world.number(&told(n, error)).await, 1, "ring {n} tells why it failed");
    }
    // Two minutes, give or take a fifth; and what cannot be retried is not.
    let waiting = "SELECT count(*) FROM public.rings WHERE status = 'PENDING'
                      AND scheduled_at - now() BETWEEN interval '60 s' AND interval '144 s'";
    assert_eq!(world.number(waiting).await, 4);
    assert_eq!(world.number("SELECT n FROM public.rings WHERE status = 'FAILED'").await, 250);
    server.stop().await;
}

#[tokio::test]
async fn five_failures_are_the_last_and_a_rerun_rings() {
    let world = World::new().await;
    world.add(1, "retry").await;
    let server = world.server(&Rings::new(), EngineSettings::default()).await;
    for failures in 1..=5 {
        world.until("SELECT retry_count::bigint FROM public.rings", failures).await;
        let failed = world.number("SELECT count(*) FROM public.rings WHERE status = 'FAILED'").await;
        assert_eq!(failed, i64::from(failures == 5), "after {failures} failures");
        if failures < 5 {
            let minutes = world
                .number(
                    "SELECT round(extract(epoch FROM scheduled_at - now()) / 60)::bigint FROM public.rings",
                )
                .await;
            let about = 1 << failures;
            assert!(
                (about * 3 / 4..=about * 5 / 4).contains(&minutes),
                "retry {failures}: {minutes} minutes"
            );
            // The clock is driven by hand.
            world.run("UPDATE public.rings SET scheduled_at = now()").await;
            server.wake.timers(crate::support::QUEUE);
        }
    }
    world
        .run("UPDATE public.rings SET status = 'PENDING', behaviour = 'ok', retry_count = 0, scheduled_at = now()")
        .await;
    server.wake.timers(crate::support::QUEUE);
    world.until_completed(1).await;
    world.assert_exactly_once().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_old_snapshot_stops_nothing() {
    let world = World::new().await;
    // Whoever holds a snapshot keeps every dead row in the index.
    let mut holder = world.pool().acquire().await.unwrap();
    let mut snapshot = holder.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM public.rings")
        .execute(&mut *snapshot)
        .await
        .unwrap();
    let server = world.server(&Rings::new(), EngineSettings::default()).await;
    for round in 1..=3 {
        world.add(2_000, "ok").await;
        server.wake.timers(crate::support::QUEUE);
        world.until_completed(round * 2_000).await;
    }
    world.run("INSERT INTO public.rings (n) VALUES (0)").await;
    server.wake.timers(crate::support::QUEUE);
    world.until_completed(6_001).await;
    world.assert_exactly_once().await;
    snapshot.rollback().await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_lose_and_double_nothing() {
    let world = World::new().await;
    world.add(4_000, "ok").await;
    let server = world.server(&Rings::new(), EngineSettings { max_batch: 20, ..eager() }).await;
    for done in [100, 700, 1_500, 2_500] {
        world
            .until(
                &format!(
                    "SELECT (count(*) >= {done})::int::bigint FROM public.rings WHERE status = 'COMPLETED'"
                ),
                1,
            )
            .await;
        world
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name <> 'observer'",
            )
            .await;
    }
    world.until_completed(4_000).await;
    world.assert_exactly_once().await;
    server.stop().await;
}

#[tokio::test]
async fn timers_that_become_due_by_others_need_not_wait_for_a_look() {
    let world = World::new().await;
    for step in 0..6 {
        world
            .run(&format!(
                "INSERT INTO public.rings (n, behaviour, scheduled_at)
                 SELECT n, 'chain', now() - interval '1 hour' + {step} * interval '1 minute' + n * interval '1 ms'
                   FROM generate_series(1, 3) AS n"
            ))
            .await;
    }
    let lazy = EngineSettings { safety_poll: (MAX_SLEEP, MAX_SLEEP), ..EngineSettings::default() };
    let server = world.server(&Rings::new(), lazy).await;
    world.until_completed(18).await;
    // Five times others became due.
    let looks = world.number("SELECT extract(epoch FROM max(at) - min(at))::bigint FROM public.rung").await
        / i64::try_from(MAX_SLEEP.as_secs()).unwrap();
    assert!(looks < 2, "{looks} of 5");
    let disorder =
        "SELECT count(*) FROM (SELECT seq, lag(seq) OVER (PARTITION BY g.n ORDER BY r.scheduled_at) AS before
                      FROM public.rung AS g JOIN public.rings AS r USING (id)) AS t WHERE seq < before";
    assert_eq!(world.number(disorder).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_failure_that_cannot_be_stored_harms_nobody_else() {
    let world = World::new().await;
    world.add(30, "ok").await;
    world.run("UPDATE public.rings SET behaviour = 'unstorable' WHERE n = 5").await;
    let server = world.server(&Rings::new(), eager()).await;
    world.until_completed(29).await;
    assert_eq!(
        world.number("SELECT n FROM public.rings WHERE status = 'PENDING' AND retry_count = 0").await,
        5
    );
    world.assert_exactly_once().await;
    server.stop().await;
}
