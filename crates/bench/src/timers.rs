//! Timers: a hundred thousand due at once, lone ones, a million that wait, and a session that holds back clean-up.

mod bare;
mod drain;
mod fill;
mod lone;

use anyhow::{Result, ensure};
use jobs::EngineSettings;
use sqlx::{Connection as _, PgPool};

use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::sample::per_second;

const SECTION: &str = "timers";

struct Sizes {
    due: usize,
    pending: usize,
    lone: usize,
}

pub(crate) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let sizes = if quick {
        Sizes { due: 600, pending: 2_000, lone: 10 }
    } else {
        Sizes { due: 100_000, pending: 1_000_000, lone: 200 }
    };
    let mut figures = Vec::new();
    let lone_at_first = lone::measure(ground, sizes.lone).await?;

    // The same rows twice: once for the engine, once for bare SQL on tables without anything of ours.
    let due = fill::due(ground.pool(), sizes.due).await?;
    bare::copy(ground.pool()).await?;
    ground.settle().await?;
    fill::wait_until(ground.pool(), due).await?;
    let bare = per_second(sizes.due, bare::drain(ground, bare::SAME_ROWS, sizes.due).await?);
    let engine = per_second(sizes.due, drained(ground, EngineSettings::default(), sizes.due).await?);
    bare::copy_again(ground.pool()).await?;
    ground.settle().await?;
    let least = per_second(sizes.due, bare::drain(ground, bare::LEAST_ROWS, sizes.due).await?);

    let due = fill::due(ground.pool(), sizes.due).await?;
    ground.settle().await?;
    fill::wait_until(ground.pool(), due).await?;
    let ours = per_second(sizes.due, bare::drain(ground, bare::OUR_TABLES, sizes.due).await?);

    let due = fill::due(ground.pool(), sizes.due).await?;
    ground.settle().await?;
    fill::wait_until(ground.pool(), due).await?;
    let one = EngineSettings { workers: 1, ..EngineSettings::default() };
    let by_one = per_second(sizes.due, drained(ground, one, sizes.due).await?);

    let count = sizes.due;
    figures.push(
        Figure::new(SECTION, format!("{count} due at once, executed by the engine"), engine, Unit::PerSecond)
            .target(Target::AtLeast(20_000.0))
            .limit(bare, "the same rows by bare SQL in batches of 500, tables without triggers"),
    );
    figures.push(
        Figure::new(SECTION, "share of that limit", 100.0 * engine / bare, Unit::Percent)
            .target(Target::AtLeast(50.0)),
    );
    figures.push(
        Figure::new(
            SECTION,
            "bare SQL on Questhall's own tables, with their triggers",
            ours,
            Unit::PerSecond,
        )
        .limit(least, "bare SQL: timer deleted, no outbox row (design.md's measurement)"),
    );

    figures.push(
        Figure::new(SECTION, "the same with workers.timer_workers = 1", by_one, Unit::PerSecond)
            .limit(bare, "the same bare SQL, on its one connection"),
    );

    fill::pending(ground.pool(), sizes.pending).await?;
    let due = fill::due(ground.pool(), sizes.due).await?;
    ground.settle().await?;
    fill::wait_until(ground.pool(), due).await?;
    let among = per_second(sizes.due, drained(ground, EngineSettings::default(), sizes.due).await?);
    let lone_among = lone::measure(ground, sizes.lone).await?;

    let due = fill::due(ground.pool(), sizes.due).await?;
    ground.settle().await?;
    let mut old = ground.connect().await?;
    let mut snapshot = old.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    sqlx::query_scalar!("SELECT count(*) FROM jobs.nodes").fetch_one(&mut *snapshot).await?;
    fill::wait_until(ground.pool(), due).await?;
    let held = per_second(sizes.due, drained(ground, EngineSettings::default(), sizes.due).await?);
    snapshot.rollback().await?;

    let pending = sizes.pending;
    figures.push(
        Figure::new(SECTION, format!("slower with {pending} pending"), engine / among, Unit::Times)
            .target(Target::AtMost(1.3)),
    );
    figures.push(
        Figure::new(SECTION, "slower while a session holds an old snapshot", among / held, Unit::Times)
            .target(Target::AtMost(1.3)),
    );
    let late = [("a lone timer", lone_at_first), ("a lone timer among the pending", lone_among)];
    for (name, (p50, p99)) in late {
        figures.push(Figure::new(SECTION, format!("lateness of {name}, p50"), p50, Unit::Milliseconds));
        figures.push(
            Figure::new(SECTION, format!("lateness of {name}, p99"), p99, Unit::Milliseconds)
                .target(Target::AtMost(10.0)),
        );
    }
    Ok(figures)
}

/// Has the engine execute what is due, and makes sure that it did so once each, with all rows.
async fn drained(ground: &Ground, settings: EngineSettings, count: usize) -> Result<std::time::Duration> {
    let before = Rows::count(ground.pool()).await?;
    let took = drain::by_engine(ground.pool(), settings, count).await?;
    let after = Rows::count(ground.pool()).await?;
    let count = i64::try_from(count)?;
    ensure!(
        after
            == Rows {
                executions: before.executions + count,
                moves: before.moves + count,
                events: before.events + count
            },
        "the engine should have written {count} rows of each: {before:?}, then {after:?}"
    );
    Ok(took)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rows {
    executions: i64,
    moves: i64,
    events: i64,
}

impl Rows {
    async fn count(pool: &PgPool) -> sqlx::Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT (SELECT count(*) FROM campaigns.timer_executions WHERE status = 'COMPLETED') AS "executions!",
                      (SELECT count(*) FROM campaigns.campaign_state_log WHERE to_state = 'RUNNING') AS "moves!",
                      (SELECT count(*) FROM jobs.outbox WHERE event_type = 'campaign.started') AS "events!""#
        )
        .fetch_one(&mut *db::acquire(pool).await?)
        .await
    }
}
