//! Periodic jobs: one leader, missed runs made up once, failures recorded.

use std::time::Duration;

use futures::{FutureExt, future::join_all};
use jobs::schedule::{self, JobError, Retention, Schedule, builtin};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::{World, within};

/// Never in a test's lifetime.
const YEARLY: &str = "0 0 1 1 *";

async fn ring(connection: &mut PgConnection) -> Result<Value, JobError> {
    sqlx::query("INSERT INTO public.rung (id, n, node_id, lateness_ms) VALUES (gen_random_uuid(), 0, gen_random_uuid(), 0)")
        .execute(connection)
        .await?;
    Ok(json!({ "rang": 1 }))
}

fn ringing(name: &'static str) -> Schedule {
    Schedule::new(name, YEARLY, |connection| ring(connection).boxed())
}

const RUNS: &str = "SELECT runs FROM jobs.schedules WHERE name = 'test.ring'";
const RUNG: &str = "SELECT count(*) FROM public.rung";

async fn run_now(world: &World, name: &str) -> bool {
    let mut transaction = world.pool().begin().await.unwrap();
    let known = schedule::run_now(&mut transaction, name).await.unwrap().is_some();
    transaction.commit().await.unwrap();
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn of_four_schedulers_one_runs_the_job() {
    let world = World::new().await;
    let nodes = join_all((0..4).map(|_| async {
        let (node, wake) = world.node().await;
        schedule::spawn(world.pool().clone(), vec![ringing("test.ring")], &node.handle(), &wake).unwrap();
        node
    }))
    .await;
    // New: it runs at once.
    world.until(RUNS, 1).await;
    for run in 2..=8 {
        assert!(run_now(&world, "test.ring").await);
        world.until(RUNS, run).await;
    }
    assert!(!run_now(&world, "test.unknown").await);
    for node in nodes {
        within(node.stop(Duration::from_mins(2))).await.unwrap();
    }
    assert_eq!(world.number(RUNG).await, 8, "each run was one node's");
    assert_eq!(
        world
            .number("SELECT count(*) FROM jobs.schedules WHERE next_run_at > now() AND last_error IS NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn missed_runs_are_made_up_once() {
    let world = World::new().await;
    world
        .run(
            "INSERT INTO jobs.schedules (name, cron, next_run_at, runs)
             VALUES ('test.ring', '0 0 1 1 *', now() - interval '5 years', 10)",
        )
        .await;
    let (node, wake) = world.node().await;
    schedule::spawn(world.pool().clone(), vec![ringing("test.ring")], &node.handle(), &wake).unwrap();
    world.until(RUNS, 11).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
    assert_eq!(world.number(RUNG).await, 1);
    let next = "SELECT count(*) FROM jobs.schedules
                 WHERE next_run_at = date_trunc('year', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 year'";
    assert_eq!(world.number(next).await, 1);
}

#[tokio::test]
async fn failures_are_undone_recorded_and_tried_again_soon() {
    let world = World::new().await;
    let failing = Schedule::new("test.fail", YEARLY, |connection| {
        async move {
            ring(connection).await?;
            Err(JobError::Failed("no ink".to_owned()))
        }
        .boxed()
    });
    let panicking = Schedule::new("test.panic", YEARLY, |connection| {
        async move {
            ring(connection).await?;
            panic!("no paper")
        }
        .boxed()
    });
    let mut slow = Schedule::new("test.slow", YEARLY, |connection| {
        async move {
            sqlx::query("SELECT pg_sleep(60)").execute(connection).await?;
            Ok(Value::Null)
        }
        .boxed()
    });
    slow.statement_timeout = Duration::from_millis(50);
    let (node, wake) = world.node().await;
    let jobs = vec![failing, panicking, slow, ringing("test.ring")];
    schedule::spawn(world.pool().clone(), jobs, &node.handle(), &wake).unwrap();
    world.until("SELECT sum(runs)::bigint FROM jobs.schedules", 4).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
    assert_eq!(world.number(RUNG).await, 1, "what the failing ones did was undone");
    let rows = schedule::list(&mut world.pool().acquire().await.unwrap()).await.unwrap();
    let errors: Vec<_> =
        rows.iter().map(|row| (row.name.as_str(), row.failures, row.last_error.as_deref())).collect();
    assert_eq!(errors[0], ("test.fail", 1, Some("no ink")));
    assert_eq!(errors[1], ("test.panic", 1, Some("panicked: no paper")));
    assert_eq!(errors[2], ("test.ring", 0, None));
    assert!(errors[3].2.unwrap().contains("statement timeout"), "{:?}", errors[3]);
    let soon = "SELECT count(*) FROM jobs.schedules WHERE next_run_at < now() + interval '5 minutes'";
    assert_eq!(world.number(soon).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_is_broken_off_when_its_node_stops_and_stays_due() {
    let world = World::new().await;
    let long = Schedule::new("test.ring", YEARLY, |connection| {
        async move {
            ring(&mut *connection).await?;
            sqlx::query("SELECT pg_sleep(600)").execute(connection).await?;
            Ok(Value::Null)
        }
        .boxed()
    });
    let (node, wake) = world.node().await;
    let mut jobs = vec![long];
    // More than run at a time: these wait, and are not begun any more.
    jobs.extend(["test.long_2", "test.long_3"].map(|name| {
        Schedule::new(name, YEARLY, |connection| {
            async move {
                sqlx::query("SELECT pg_sleep(600)").execute(connection).await?;
                Ok(Value::Null)
            }
            .boxed()
        })
    }));
    schedule::spawn(world.pool().clone(), jobs, &node.handle(), &wake).unwrap();
    let sleeping = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(600)'";
    world.until(sleeping, 2).await;
    assert!(within(node.stop(Duration::from_mins(2))).await.unwrap(), "it waited for the long runs");
    // PostgreSQL tells whom it breaks off before its own view shows it.
    world.until(sleeping, 0).await;
    assert_eq!(world.number(RUNG).await, 0, "what a broken run did was undone");
    let due = "SELECT count(*) FROM jobs.schedules WHERE next_run_at <= now() AND runs = 0 AND failures = 0";
    assert_eq!(world.number(due).await, 3);

    let (node, wake) = world.node().await;
    schedule::spawn(world.pool().clone(), vec![ringing("test.ring")], &node.handle(), &wake).unwrap();
    world.until(RUNS, 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_lingers_elsewhere_only_delays() {
    let world = World::new().await;
    let mut holder = world.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('jobs.schedules:test.ring', 0))")
        .execute(&mut *holder)
        .await
        .unwrap();
    let (node, wake) = world.node().await;
    let jobs = vec![ringing("test.ring"), ringing("test.other")];
    schedule::spawn(world.pool().clone(), jobs, &node.handle(), &wake).unwrap();
    world.until("SELECT runs FROM jobs.schedules WHERE name = 'test.other'", 1).await;
    assert_eq!(world.number(RUNS).await, 0);
    holder.rollback().await.unwrap();
    world.until(RUNS, 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn the_house_keeps_itself_clean() {
    let world = World::new().await;
    // A month that ended long ago, one that a backup restored without its successors, and old rows.
    world
        .run(
            "CREATE TABLE jobs.outbox_y2020m01 PARTITION OF jobs.outbox FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z');
             INSERT INTO jobs.outbox (transaction_id, id, guild_id, event_type, subject, payload, created_at) OVERRIDING SYSTEM VALUE
             VALUES ('7', 3, 1, 'test.rang', 'x', '{}', '2020-01-15Z'), ('7', 2, 1, 'test.rang', 'x', '{}', '2020-01-16Z');
             INSERT INTO jobs.timers (kind, status, executed_at) VALUES ('test.ring', 'COMPLETED', now() - interval '8 days');
             INSERT INTO jobs.nodes (id, name, version, roles, heartbeat_at, died_at)
             VALUES (gen_random_uuid(), 'old', '0', '{}', now() - interval '8 days', now() - interval '8 days')",
        )
        .await;
    let ahead = "SELECT count(*) FROM questhall.month_partitions('jobs.outbox') WHERE starts_at > now()";
    // One less where a month ended since the template of this database was made.
    let made = world.number(ahead).await;
    assert!((2..=3).contains(&made), "{made}");
    world
        .run(
            "DO $$ DECLARE part text; BEGIN
                 SELECT max(partition_name::text) INTO part FROM questhall.month_partitions('jobs.outbox');
                 EXECUTE 'DROP TABLE ' || part;
             END $$",
        )
        .await;
    assert_eq!(world.number(ahead).await, made - 1);
    let (node, wake) = world.node().await;
    schedule::spawn(world.pool().clone(), builtin(Retention::default()), &node.handle(), &wake).unwrap();
    world.until("SELECT count(*) FROM jobs.schedules WHERE runs = 1", 4).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
    let rows = schedule::list(&mut world.pool().acquire().await.unwrap()).await.unwrap();
    assert!(rows.iter().all(|row| row.last_error.is_none()), "{rows:#?}");
    assert_eq!(world.number(ahead).await, 3);
    assert_eq!(world.number("SELECT count(*) FROM jobs.timers").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM jobs.nodes WHERE name = 'old'").await, 0);
    let old = "SELECT count(*) FROM questhall.month_partitions('jobs.outbox') WHERE ends_at < now() - interval '65 days'";
    assert_eq!(world.number(old).await, 0);
    // Readers are told how far it went.
    let pruned = jobs::outbox::pruned(&mut world.pool().acquire().await.unwrap()).await.unwrap();
    assert_eq!(pruned.map(|position| position.to_string()).as_deref(), Some("7-3"));
}
