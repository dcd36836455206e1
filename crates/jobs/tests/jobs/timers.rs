//! `jobs.timers`: scheduling, handlers in the timer's transaction, and what operators do.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use jobs::{
    EngineSettings, Node, TimerError, Wake,
    timers::{self, After, At, Handlers, Listing, NewTimer, Status, Timer},
};
use kernel::{GuildId, TimerId};
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Notify;

use crate::support::{World, eager, within};

const GUILD: GuildId = GuildId::new(42);

pub(crate) fn new(kind: &'static str, key: Option<&str>, at: At) -> NewTimer {
    NewTimer {
        kind,
        guild_id: Some(GUILD),
        dedupe_key: key.map(str::to_owned),
        at,
        payload: json!({ "for": key }),
    }
}

pub(crate) async fn schedule(world: &World, timer: NewTimer) -> Option<TimerId> {
    timers::schedule(&mut world.pool().acquire().await.unwrap(), timer).await.unwrap()
}

pub(crate) async fn serve(world: &World, handlers: Handlers, settings: EngineSettings) -> (Node, Wake) {
    let (node, wake) = world.node().await;
    timers::spawn(world.pool(), handlers, settings, &node.handle(), &wake);
    (node, wake)
}

async fn ring(connection: &mut PgConnection, timer: &Timer) -> Result<(), TimerError> {
    sqlx::query("INSERT INTO public.rung (id, n, node_id, lateness_ms) VALUES ($1, 0, gen_random_uuid(), 0)")
        .bind(timer.id.get())
        .execute(connection)
        .await?;
    Ok(())
}

async fn moan(connection: &mut PgConnection, timer: &Timer) -> Result<(), TimerError> {
    ring(connection, timer).await?;
    Err(TimerError::Fail(format!("{} cannot be", timer.payload["for"])))
}

fn status(id: TimerId, status: &str) -> String {
    format!("SELECT count(*) FROM jobs.timers WHERE id = '{id}' AND status = '{status}'")
}

#[tokio::test]
async fn a_timer_runs_once_in_its_own_transaction() {
    let world = World::new().await;
    let (node, _wake) = serve(&world, Handlers::new().on("test.ring", ring), EngineSettings::default()).await;
    let now = schedule(&world, new("test.ring", None, At::Now)).await.unwrap();
    let soon = schedule(&world, new("test.ring", None, At::In(Duration::from_millis(30)))).await.unwrap();
    let far = schedule(&world, new("test.ring", None, At::In(Duration::from_hours(1)))).await.unwrap();
    for id in [now, soon] {
        world.until(&status(id, "COMPLETED"), 1).await;
        assert_eq!(world.number(&format!("SELECT count(*) FROM public.rung WHERE id = '{id}'")).await, 1);
    }
    assert_eq!(world.number(&status(far, "PENDING")).await, 1);
    within(node.stop(Duration::from_secs(30))).await.unwrap();
}

#[tokio::test]
async fn of_two_with_one_key_the_first_stays_until_it_has_run() {
    let world = World::new().await;
    let later = At::In(Duration::from_hours(1));
    let first = schedule(&world, new("test.ring", Some("a"), later)).await.unwrap();
    assert_eq!(schedule(&world, new("test.ring", Some("a"), At::Now)).await, None);
    assert!(schedule(&world, new("test.other", Some("a"), later)).await.is_some(), "another kind");
    let mut connection = world.pool().acquire().await.unwrap();
    let many = [
        new("test.ring", Some("a"), later),
        new("test.ring", Some("b"), later),
        new("test.ring", Some("b"), later),
        new("test.ring", None, later),
        new("test.ring", None, later),
    ];
    assert_eq!(timers::schedule_many(&mut connection, &many).await.unwrap(), 3);
    assert!(timers::cancel(&mut connection, "test.ring", "a").await.unwrap());
    assert!(!timers::cancel(&mut connection, "test.ring", "a").await.unwrap());
    assert_eq!(world.number(&status(first, "CANCELLED")).await, 1);
    assert!(schedule(&world, new("test.ring", Some("a"), later)).await.is_some());
}

#[tokio::test]
async fn failures_are_listed_told_and_run_again_by_their_own_guild_only() {
    let world = World::new().await;
    let (node, _wake) = serve(&world, Handlers::new().on("test.moan", moan), eager()).await;
    let id = schedule(&world, new("test.moan", Some("x"), At::Now)).await.unwrap();
    world.until(&status(id, "FAILED"), 1).await;
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 0, "the effect was undone");
    let told = "SELECT count(*) FROM jobs.outbox
                 WHERE event_type = 'timer.failed' AND guild_id = 42 AND payload->>'error' = '\"x\" cannot be'";
    assert_eq!(world.number(told).await, 1);
    within(node.stop(Duration::from_secs(30))).await.unwrap();

    let mut connection = world.pool().acquire().await.unwrap();
    let listing = Listing { status: Status::Failed, guild: Some(GUILD), kind: None };
    let failed = timers::list(&mut connection, listing, None, 10).await.unwrap();
    assert_eq!((failed[0].id, failed[0].last_error.as_deref()), (id, Some("\"x\" cannot be")));

    let others = Some(GuildId::new(43));
    assert!(!timers::retry_failed(&mut connection, id, others).await.unwrap());
    assert!(timers::retry_failed(&mut connection, id, Some(GUILD)).await.unwrap());
    assert!(!timers::retry_failed(&mut connection, id, None).await.unwrap(), "it is pending by now");
    let (node, _wake) = serve(&world, Handlers::new().on("test.moan", ring), eager()).await;
    world.until(&status(id, "COMPLETED"), 1).await;
    within(node.stop(Duration::from_secs(30))).await.unwrap();
}

#[tokio::test]
async fn pages_hold_every_timer_once() {
    let world = World::new().await;
    let mut connection = world.pool().acquire().await.unwrap();
    let many: Vec<_> =
        (0..25).map(|n| new("test.ring", None, At::In(Duration::from_hours(1 + n % 3)))).collect();
    timers::schedule_many(&mut connection, &many).await.unwrap();
    let listing = Listing { status: Status::Pending, guild: None, kind: Some("test.ring") };
    let mut seen: Vec<After> = Vec::new();
    loop {
        let page = timers::list(&mut connection, listing, seen.last().copied(), 10).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(timers::Listed::key));
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a < b));
}

#[tokio::test]
async fn a_kind_that_nobody_handles_waits_and_stands_in_nobodys_way() {
    let world = World::new().await;
    let stranger = schedule(&world, new("test.stranger", None, At::Now)).await.unwrap();
    let (node, _wake) = serve(&world, Handlers::new().on("test.ring", ring), eager()).await;
    let id = schedule(&world, new("test.ring", None, At::Now)).await.unwrap();
    world.until(&status(id, "COMPLETED"), 1).await;
    assert_eq!(world.number(&status(stranger, "PENDING")).await, 1);
    within(node.stop(Duration::from_secs(30))).await.unwrap();
}

#[tokio::test]
async fn handlers_may_hold_what_they_need() {
    let world = World::new().await;
    let called = Arc::new(Notify::new());
    let handler_called = Arc::clone(&called);
    let handlers = Handlers::new().on_boxed("test.ring", move |connection, timer| {
        let called = Arc::clone(&handler_called);
        async move {
            ring(connection, timer).await?;
            called.notify_one();
            Ok(())
        }
        .boxed()
    });
    let (node, _wake) = serve(&world, handlers, EngineSettings::default()).await;
    schedule(&world, new("test.ring", None, At::Now)).await.unwrap();
    within(called.notified()).await;
    within(node.stop(Duration::from_secs(30))).await.unwrap();
}

#[tokio::test]
async fn finished_ones_are_cleared_away_and_no_others() {
    let world = World::new().await;
    let mut connection = world.pool().acquire().await.unwrap();
    let many: Vec<_> = (0..6).map(|_| new("test.ring", None, At::Now)).collect();
    timers::schedule_many(&mut connection, &many).await.unwrap();
    world
        .run(
            "UPDATE jobs.timers SET status = s.status, executed_at = s.at
               FROM (SELECT id, (ARRAY['COMPLETED', 'CANCELLED', 'COMPLETED', 'FAILED', 'PENDING', 'COMPLETED'])[n] AS status,
                            CASE WHEN n < 6 THEN now() - interval '8 days' ELSE now() END AS at
                       FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM jobs.timers) AS t) AS s
              WHERE timers.id = s.id",
        )
        .await;
    let week = Duration::from_hours(7 * 24);
    assert_eq!(timers::clean_up(&mut connection, week, 2).await.unwrap(), 2);
    assert_eq!(timers::clean_up(&mut connection, week, 2).await.unwrap(), 1);
    assert_eq!(timers::clean_up(&mut connection, week, 2).await.unwrap(), 0);
    assert_eq!(world.number("SELECT count(*) FROM jobs.timers").await, 3);
}
