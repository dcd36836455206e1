//! Leased handlers: outside any transaction, taken over from the dead, fenced.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jobs::{
    EngineSettings, TimerError,
    timers::{At, Due, Handlers, Lease, LeaseSettings},
};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::{
    support::{World, within},
    timers::{For, kind, new, schedule, serve},
};

/// Short, but long enough to be kept on a busy machine: it is renewed each third of it.
const SHORT: LeaseSettings = LeaseSettings { concurrency: 2, lease: Duration::from_secs(6) };

const COMPLETED: &str = "SELECT count(*) FROM jobs.timers WHERE status = 'COMPLETED'";

async fn write(pool: &PgPool, lease: &Lease) -> Result<(), TimerError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("INSERT INTO public.rung (id, n, node_id, lateness_ms) VALUES (gen_random_uuid(), $1, gen_random_uuid(), 0)")
        .bind(lease.token())
        .execute(&mut *transaction)
        .await?;
    lease.complete(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_run_at_once_than_allowed_and_no_transaction_is_held() {
    let world = World::new().await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let open = Arc::new(Semaphore::new(0));
    let handlers = {
        let (running, most, open) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&open));
        Handlers::new().leased(kind("test.long"), LeaseSettings::default(), move |_: Due<For>, _| {
            let (running, most, open) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&open));
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                open.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        })
    };
    let (node, _wake) = serve(&world, handlers, EngineSettings::default()).await;
    for _ in 0..6 {
        schedule(&world, new("test.long", None, At::Now)).await.unwrap();
    }
    world.until("SELECT count(*) FROM jobs.timers WHERE status = 'RUNNING'", 2).await;
    // Handlers stand before the gate, and no connection is in a transaction.
    world
        .until(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'",
            0,
        )
        .await;
    open.add_permits(6);
    world.until(COMPLETED, 6).await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_kept_as_long_as_its_handler_runs() {
    let world = World::new().await;
    let open = Arc::new(Semaphore::new(0));
    let begun = Arc::new(AtomicUsize::new(0));
    let handlers = || {
        let (open, begun) = (Arc::clone(&open), Arc::clone(&begun));
        Handlers::new().leased(kind("test.long"), SHORT, move |_: Due<For>, _| {
            let (open, begun) = (Arc::clone(&open), Arc::clone(&begun));
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                open.acquire().await.unwrap().forget();
                Ok(())
            }
        })
    };
    let (one, _) = serve(&world, handlers(), EngineSettings::default()).await;
    let (other, _) = serve(&world, handlers(), EngineSettings::default()).await;
    schedule(&world, new("test.long", None, At::Now)).await.unwrap();
    world.until("SELECT count(*) FROM jobs.timers WHERE status = 'RUNNING'", 1).await;
    // Longer than the first lease would have lasted, and then renewed once more.
    world.until("SELECT count(*) FROM jobs.timers WHERE now() > created_at + interval '6 seconds'", 1).await;
    let until = "SELECT (extract(epoch FROM locked_until) * 1000)::bigint FROM jobs.timers";
    let before = world.number(until).await;
    world.until(&format!("SELECT (({until}) > {before})::int::bigint"), 1).await;
    open.add_permits(5);
    world.until(COMPLETED, 1).await;
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    for node in [one, other] {
        within(node.stop(Duration::from_mins(2))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_take_over_from_the_dead_whose_late_writes_are_refused() {
    let world = World::new().await;
    // Who takes the lease first loses the database for longer than it lasts: as if it hung. The node it was on lives on, so it may
    // well be that which takes the lease again.
    let leases: Arc<Mutex<Vec<Lease>>> = Arc::default();
    let handlers = || {
        let (pool, leases) = (world.pool().clone(), Arc::clone(&leases));
        Handlers::new().leased(kind("test.long"), SHORT, move |_: Due<For>, lease| {
            let (pool, leases) = (pool.clone(), Arc::clone(&leases));
            async move {
                let first = {
                    let mut leases = leases.lock().unwrap();
                    leases.push(lease.clone());
                    leases.len() == 1
                };
                if first {
                    std::future::pending::<()>().await;
                }
                write(&pool, &lease).await
            }
        })
    };
    let (doomed, _) = {
        let (node, wake) = world.node().await;
        jobs::timers::spawn(world.pool(), handlers(), EngineSettings::default(), &node.handle(), &wake);
        (node, wake)
    };
    schedule(&world, new("test.long", None, At::Now)).await.unwrap();
    within(async {
        while leases.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Its renewals fail from now on.
    world.run("UPDATE jobs.timers SET fencing_token = fencing_token + 1, locked_until = now() - interval '1 ms'").await;
    let (survivor, _) = serve(&world, handlers(), EngineSettings::default()).await;
    world.until(COMPLETED, 1).await;
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 1);

    // The first one wakes up and would write.
    let stale = leases.lock().unwrap().first().cloned().unwrap();
    let refused = write(world.pool(), &stale).await.unwrap_err();
    assert!(refused.to_string().contains("lost"), "{refused}");
    assert!(stale.confirm(&mut world.pool().acquire().await.unwrap()).await.is_err());
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 1);
    within(survivor.stop(Duration::from_mins(2))).await.unwrap();
    drop(doomed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_whose_runners_never_come_back_is_buried() {
    let world = World::new().await;
    let id = schedule(&world, new("test.long", None, At::Now)).await.unwrap();
    world
        .run(
            "UPDATE jobs.timers SET status = 'RUNNING', crash_count = 4, fencing_token = 5,
                                    locked_until = now() - interval '1 second'",
        )
        .await;
    let handlers = Handlers::new().leased(kind("test.long"), SHORT, |_: Due<For>, _| async {
        panic!("must not run");
    });
    let (node, _) = serve(&world, handlers, EngineSettings::default()).await;
    world
        .until(
            &format!(
                "SELECT count(*) FROM jobs.timers WHERE id = '{id}' AND status = 'FAILED' AND retry_count = 0"
            ),
            1,
        )
        .await;
    world.until("SELECT count(*) FROM jobs.outbox WHERE event_type = 'timer.failed'", 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_wait_and_give_way_to_newer_work() {
    let world = World::new().await;
    let open = Arc::new(Semaphore::new(0));
    let handlers = {
        let open = Arc::clone(&open);
        Handlers::new().leased(
            kind("test.long"),
            LeaseSettings { concurrency: 1, lease: Duration::from_mins(1) },
            move |timer: Due<For>, _| {
                let open = Arc::clone(&open);
                async move {
                    open.acquire().await.unwrap().forget();
                    match timer.payload.whom.as_deref() {
                        Some("panic") => panic!("oh dear"),
                        _ => Err(TimerError::Retry("not today".to_owned())),
                    }
                }
            },
        )
    };
    let (node, _) = serve(&world, handlers, EngineSettings::default()).await;
    let old = schedule(&world, new("test.long", Some("again"), At::Now)).await.unwrap();
    world.until("SELECT count(*) FROM jobs.timers WHERE status = 'RUNNING'", 1).await;
    let newer = schedule(&world, new("test.long", Some("again"), At::In(Duration::from_hours(1)))).await;
    assert!(newer.is_some(), "what runs already does not count");
    open.add_permits(1);
    world
        .until(&format!("SELECT count(*) FROM jobs.timers WHERE id = '{old}' AND status = 'CANCELLED'"), 1)
        .await;

    let bad = schedule(&world, new("test.long", Some("panic"), At::Now)).await.unwrap();
    open.add_permits(1);
    let stored = format!(
        "SELECT count(*) FROM jobs.timers WHERE id = '{bad}' AND status = 'PENDING' AND retry_count = 1
            AND last_error = 'panicked: oh dear' AND scheduled_at > now() + interval '90 seconds'"
    );
    world.until(&stored, 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_had_is_taken_over_long_before_its_lease_would_end() {
    let world = World::new().await;
    schedule(&world, new("test.long", None, At::Now)).await.unwrap();
    let dead = "00000000-0000-7000-8000-00000000dead";
    world
        .run(&format!(
            "INSERT INTO jobs.nodes (id, name, version, roles, died_at) VALUES ('{dead}', 'gone', '0', '{{worker}}', now());
             UPDATE jobs.timers SET status = 'RUNNING', locked_by = '{dead}', locked_until = now() + interval '1 hour',
                                    fencing_token = 7"
        ))
        .await;
    let handlers =
        Handlers::new()
            .leased(kind("test.long"), LeaseSettings::default(), |_: Due<For>, _| async { Ok(()) });
    let (node, _wake) = serve(&world, handlers, EngineSettings::default()).await;
    world.until(COMPLETED, 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gives_back_what_it_cannot_finish() {
    let world = World::new().await;
    let endless = || {
        Handlers::new().leased(kind("test.long"), LeaseSettings::default(), |_: Due<For>, _| {
            std::future::pending::<Result<(), TimerError>>()
        })
    };
    let (node, _wake) = serve(&world, endless(), EngineSettings::default()).await;
    let alone = schedule(&world, new("test.long", None, At::Now)).await.unwrap();
    let again = schedule(&world, new("test.long", Some("again"), At::Now)).await.unwrap();
    world.until("SELECT count(*) FROM jobs.timers WHERE status = 'RUNNING'", 2).await;
    schedule(&world, new("test.long", Some("again"), At::In(Duration::from_hours(1)))).await.unwrap();
    assert!(within(node.stop(Duration::from_mins(2))).await.unwrap(), "nothing keeps it any longer");
    // As good as new; what was scheduled anew meanwhile is not done twice.
    let now = format!(
        "SELECT count(*) FROM jobs.timers
          WHERE (id = '{alone}' AND status = 'PENDING' AND scheduled_at <= now() AND retry_count = 0 AND crash_count = 0
                 AND locked_until IS NULL)
             OR (id = '{again}' AND status = 'CANCELLED')"
    );
    assert_eq!(world.number(&now).await, 2);

    let handlers =
        Handlers::new()
            .leased(kind("test.long"), LeaseSettings::default(), |_: Due<For>, _| async { Ok(()) });
    let (node, _wake) = serve(&world, handlers, EngineSettings::default()).await;
    world.until(COMPLETED, 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}
