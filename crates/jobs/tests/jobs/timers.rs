//! `jobs.timers`: scheduling, handlers in the timer's transaction, and what operators do.

use std::time::Duration;

use jobs::{
    EngineSettings, Node, TimerError, Wake,
    timers::{self, After, At, Due, Handlers, Kind, Listing, Status},
};
use kernel::{GuildId, TimerId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::support::{World, eager, within};

const GUILD: GuildId = GuildId::new(42);

/// What a test's timer is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct For {
    #[serde(rename = "for")]
    pub(crate) whom: Option<String>,
}

/// A timer to be scheduled: its kind, its key where only one may wait, when it is due.
#[derive(Clone, Copy)]
pub(crate) struct New {
    kind: &'static str,
    key: Option<&'static str>,
    at: At,
}

pub(crate) fn new(kind: &'static str, key: Option<&'static str>, at: At) -> New {
    New { kind, key, at }
}

impl New {
    fn kind(self) -> Kind<For> {
        match self.key {
            Some(_) => Kind::once(self.kind, |payload: &For| payload.whom.clone().unwrap_or_default()),
            None => kind(self.kind),
        }
    }

    fn payload(self) -> For {
        For { whom: self.key.map(str::to_owned) }
    }
}

/// A kind of which any number may wait; handlers do not care.
pub(crate) fn kind(name: &'static str) -> Kind<For> {
    Kind::often(name)
}

pub(crate) async fn schedule(world: &World, timer: New) -> Option<TimerId> {
    let mut connection = world.pool().acquire().await.unwrap();
    timer.kind().schedule(&mut connection, Some(GUILD), timer.at, &timer.payload()).await.unwrap()
}

pub(crate) async fn serve(world: &World, handlers: Handlers, settings: EngineSettings) -> (Node, Wake) {
    let (node, wake) = world.node().await;
    timers::spawn(world.pool(), handlers, settings, &node.handle(), &wake);
    (node, wake)
}

async fn ring(connection: &mut PgConnection, timer: Due<For>) -> Result<(), TimerError> {
    sqlx::query("INSERT INTO public.rung (id, n, node_id, lateness_ms) VALUES ($1, 0, gen_random_uuid(), 0)")
        .bind(timer.id.get())
        .execute(connection)
        .await?;
    Ok(())
}

async fn moan(connection: &mut PgConnection, timer: Due<For>) -> Result<(), TimerError> {
    let whom = timer.payload.whom.clone().unwrap_or_default();
    ring(connection, timer).await?;
    Err(TimerError::Fail(format!("{whom} cannot be")))
}

fn status(id: TimerId, status: &str) -> String {
    format!("SELECT count(*) FROM jobs.timers WHERE id = '{id}' AND status = '{status}'")
}

#[tokio::test]
async fn a_timer_runs_once_in_its_own_transaction() {
    let world = World::new().await;
    let (node, _wake) =
        serve(&world, Handlers::new().on(kind("test.ring"), ring), EngineSettings::default()).await;
    let now = schedule(&world, new("test.ring", None, At::Now)).await.unwrap();
    let soon = schedule(&world, new("test.ring", None, At::In(Duration::from_millis(30)))).await.unwrap();
    let far = schedule(&world, new("test.ring", None, At::In(Duration::from_hours(1)))).await.unwrap();
    for id in [now, soon] {
        world.until(&status(id, "COMPLETED"), 1).await;
        assert_eq!(world.number(&format!("SELECT count(*) FROM public.rung WHERE id = '{id}'")).await, 1);
    }
    assert_eq!(world.number(&status(far, "PENDING")).await, 1);
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn of_two_with_one_key_the_first_stays_until_it_has_run() {
    let world = World::new().await;
    let later = At::In(Duration::from_hours(1));
    let first = schedule(&world, new("test.ring", Some("a"), later)).await.unwrap();
    assert_eq!(schedule(&world, new("test.ring", Some("a"), At::Now)).await, None);
    assert!(schedule(&world, new("test.other", Some("a"), later)).await.is_some(), "another kind");
    let mut connection = world.pool().acquire().await.unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|key| For { whom: Some(key.to_owned()) });
    let once = new("test.ring", Some("a"), later).kind();
    let many = [&a, &b, &b, &c].map(|payload| (Some(GUILD), later, payload));
    assert_eq!(once.schedule_all(&mut connection, many).await.unwrap(), 2, "b and c");
    assert_eq!(kind("test.ring").schedule_all(&mut connection, many).await.unwrap(), 4, "any number");
    let others = [(Some(GuildId::new(43)), later, &a), (None, later, &a)];
    assert_eq!(once.schedule_all(&mut connection, others).await.unwrap(), 2, "another guild's, and nobody's");
    assert!(timers::cancel_id(&mut connection, first).await.unwrap().is_some());
    assert_eq!(timers::cancel_id(&mut connection, first).await.unwrap(), None);
    assert_eq!(world.number(&status(first, "CANCELLED")).await, 1);
    assert!(schedule(&world, new("test.ring", Some("a"), later)).await.is_some());
}

#[tokio::test]
async fn failures_are_listed_told_and_run_again_by_their_own_guild_only() {
    let world = World::new().await;
    let (node, _wake) = serve(&world, Handlers::new().on(kind("test.moan"), moan), eager()).await;
    let id = schedule(&world, new("test.moan", Some("x"), At::Now)).await.unwrap();
    world.until(&status(id, "FAILED"), 1).await;
    assert_eq!(world.number("SELECT count(*) FROM public.rung").await, 0, "the effect was undone");
    let told = "SELECT count(*) FROM jobs.outbox
                 WHERE event_type = 'timer.failed' AND guild_id = 42 AND payload->>'error' = 'x cannot be'";
    assert_eq!(world.number(told).await, 1);
    within(node.stop(Duration::from_mins(2))).await.unwrap();

    let mut connection = world.pool().acquire().await.unwrap();
    let listing = Listing { status: Status::Failed, guild: Some(GUILD), kind: None };
    let failed = timers::list(&mut connection, listing, None, 10).await.unwrap();
    assert_eq!((failed[0].id, failed[0].last_error.as_deref()), (id, Some("x cannot be")));

    let others = Some(GuildId::new(43));
    assert!(!timers::retry_failed(&mut connection, id, others).await.unwrap());
    assert!(timers::retry_failed(&mut connection, id, Some(GUILD)).await.unwrap());
    assert!(!timers::retry_failed(&mut connection, id, None).await.unwrap(), "it is pending by now");
    let (node, _wake) = serve(&world, Handlers::new().on(kind("test.moan"), ring), eager()).await;
    world.until(&status(id, "COMPLETED"), 1).await;
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn pages_hold_every_timer_once() {
    let world = World::new().await;
    let mut connection = world.pool().acquire().await.unwrap();
    let nobody = For { whom: None };
    let many = (0..25).map(|n| (Some(GUILD), At::In(Duration::from_hours(1 + n % 3)), &nobody));
    kind("test.ring").schedule_all(&mut connection, many).await.unwrap();
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
    let (node, _wake) = serve(&world, Handlers::new().on(kind("test.ring"), ring), eager()).await;
    let id = schedule(&world, new("test.ring", None, At::Now)).await.unwrap();
    world.until(&status(id, "COMPLETED"), 1).await;
    assert_eq!(world.number(&status(stranger, "PENDING")).await, 1);
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn what_is_not_of_its_kind_fails_for_good() {
    let world = World::new().await;
    let mut connection = world.pool().acquire().await.unwrap();
    let strange: Kind<[i32; 1]> = Kind::often("test.ring");
    let id = strange.schedule(&mut connection, Some(GUILD), At::Now, &[1]).await.unwrap().unwrap();
    let (node, _wake) = serve(&world, Handlers::new().on(kind("test.ring"), ring), eager()).await;
    world.until(&status(id, "FAILED"), 1).await;
    let why = "SELECT count(*) FROM jobs.timers WHERE last_error LIKE 'its payload is not ours: %' AND retry_count = 1";
    assert_eq!(world.number(why).await, 1);
    within(node.stop(Duration::from_mins(2))).await.unwrap();
}

#[tokio::test]
async fn finished_ones_are_cleared_away_and_no_others() {
    let world = World::new().await;
    let mut connection = world.pool().acquire().await.unwrap();
    let nobody = For { whom: None };
    let many = (0..6).map(|_| (Some(GUILD), At::Now, &nobody));
    kind("test.ring").schedule_all(&mut connection, many).await.unwrap();
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
