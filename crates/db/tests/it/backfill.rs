//! Backfills over a large table: every row once, whatever happens meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use db::{
    backfill::{self, BackfillError, Batch, Outcome, Pace, Progress},
    testing::TestDatabase,
};
use sqlx::{PgPool, PgTransaction};

const FAST: Pace = Pace { batch: 5000, batch_time: Duration::from_secs(2), rows_per_second: None };

/// A table whose `filled` column a backfill raises from 0 to 1; `touched` would betray a row done twice.
async fn table(pool: &PgPool, rows: i64) {
    sqlx::raw_sql("CREATE TABLE public.big (id bigint PRIMARY KEY, touched integer NOT NULL DEFAULT 0)")
        .execute(pool)
        .await
        .unwrap();
    // With gaps, as real keys have them.
    sqlx::query("INSERT INTO public.big (id) SELECT n * 3 FROM generate_series(1, $1) n")
        .bind(rows)
        .execute(pool)
        .await
        .unwrap();
    sqlx::raw_sql("ANALYZE public.big").execute(pool).await.unwrap();
}

async fn step(
    mut tx: PgTransaction<'static>,
    after: Option<i64>,
    limit: i64,
) -> sqlx::Result<(PgTransaction<'static>, Batch<i64>)> {
    let (rows, last): (i64, Option<i64>) = sqlx::query_as(
        "WITH batch AS (SELECT id FROM public.big WHERE id > $1 ORDER BY id LIMIT $2 FOR UPDATE),
              done AS (UPDATE public.big SET touched = touched + 1 FROM batch WHERE big.id = batch.id RETURNING big.id)
         SELECT count(*), max(id) FROM done",
    )
    .bind(after.unwrap_or(i64::MIN))
    .bind(limit)
    .fetch_one(&mut *tx)
    .await?;
    Ok((tx, Batch { rows: rows.unsigned_abs(), last }))
}

/// How many rows were touched how often.
async fn touched(pool: &PgPool) -> Vec<(i32, i64)> {
    sqlx::query_as("SELECT touched, count(*) FROM public.big GROUP BY 1 ORDER BY 1")
        .fetch_all(pool)
        .await
        .unwrap()
}

/// Waits, within a batch, until somebody waits for this batch to commit.
async fn until_somebody_waits(tx: &mut PgTransaction<'static>) -> sqlx::Result<()> {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut **tx).await? {
        // The view is a snapshot until told otherwise.
        sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut **tx).await?;
    }
    Ok(())
}

async fn state(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT state FROM jobs.backfills WHERE name = 'big'").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn half_a_million_rows_are_done_once_and_progress_is_told() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    table(pool, 500_000).await;
    let mut seen: Vec<Progress> = Vec::new();
    let outcome =
        backfill::run(pool, "big", "public.big", FAST, step, |progress| seen.push(progress)).await.unwrap();
    assert_eq!(outcome, Outcome::Completed(500_000));
    assert_eq!(touched(pool).await, [(1, 500_000)]);
    assert!(seen.len() >= 100, "{}", seen.len());
    assert!(seen.iter().all(|progress| progress.rows_estimated == Some(500_000)));
    assert!(seen.windows(2).all(|pair| pair[0].rows_done + pair[1].batch == pair[1].rows_done));
    assert_eq!(seen.last().unwrap().rows_done, 500_000);

    // Once more does nothing.
    let again =
        backfill::run(pool, "big", "public.big", FAST, step, |_| panic!("nothing to tell")).await.unwrap();
    assert_eq!(again, Outcome::Completed(500_000));
    let listed = backfill::list(&mut pool.acquire().await.unwrap()).await.unwrap();
    assert_eq!((listed.len(), listed[0].state.as_str(), listed[0].rows_done), (1, "COMPLETED", 500_000));
    assert!(listed[0].finished_at.is_some());
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_where_it_was() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    table(pool, 60_000).await;
    let pace = Pace { batch: 1000, ..FAST };
    let kills = &AtomicU64::new(0);
    // Runs lose their server process in the middle of a batch, after the rows were changed.
    let batches = &AtomicU64::new(0);
    let outcome = loop {
        let stepped = |tx, after, limit| async move {
            let (mut tx, batch) = step(tx, after, limit).await?;
            let n = batches.fetch_add(1, Ordering::Relaxed);
            if n % 5 == 4 && kills.load(Ordering::Relaxed) < 8 {
                kills.fetch_add(1, Ordering::Relaxed);
                sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(&mut *tx).await?;
            }
            Ok((tx, batch))
        };
        match backfill::run(pool, "big", "public.big", pace, stepped, |_| {}).await {
            Ok(outcome) => break outcome,
            Err(error) => assert!(matches!(error, BackfillError::Database { .. }), "{error}"),
        }
    };
    assert_eq!(outcome, Outcome::Completed(60_000));
    assert_eq!(kills.load(Ordering::Relaxed), 8);
    assert_eq!(touched(pool).await, [(1, 60_000)]);

    // And one whose runner itself is cut off between two awaits.
    sqlx::raw_sql("UPDATE public.big SET touched = 0; DELETE FROM jobs.backfills")
        .execute(pool)
        .await
        .unwrap();
    for milliseconds in [3, 11, 29, 47] {
        let run = backfill::run(pool, "big", "public.big", pace, step, |_| {});
        let _ = tokio::time::timeout(Duration::from_millis(milliseconds), run).await;
    }
    backfill::run(pool, "big", "public.big", pace, step, |_| {}).await.unwrap();
    assert_eq!(touched(pool).await, [(1, 60_000)]);
}

#[tokio::test]
async fn two_runners_share_the_work() {
    let database = TestDatabase::new().await;
    let pool = database.pool().clone();
    table(&pool, 50_000).await;
    let pace = Pace { batch: 500, ..FAST };
    let shares: [Arc<AtomicU64>; 2] = Default::default();
    let runner = |share: Arc<AtomicU64>, others: Arc<AtomicU64>| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let stepped = |mut tx: PgTransaction<'static>, after, limit| {
                let (share, others) = (share.clone(), others.clone());
                async move {
                    // Nobody does it all before the other has come.
                    if share.load(Ordering::Relaxed) > 0 && others.load(Ordering::Relaxed) == 0 {
                        until_somebody_waits(&mut tx).await?;
                    }
                    step(tx, after, limit).await
                }
            };
            backfill::run(&pool, "big", "public.big", pace, stepped, |progress| {
                share.fetch_add(progress.batch, Ordering::Relaxed);
            })
            .await
        })
    };
    let [one, other] = &shares;
    let (one, other) = futures::join!(runner(one.clone(), other.clone()), runner(other.clone(), one.clone()));
    assert_eq!(one.unwrap().unwrap(), Outcome::Completed(50_000));
    assert_eq!(other.unwrap().unwrap(), Outcome::Completed(50_000));
    let [one, other] = shares.map(|share| share.load(Ordering::Relaxed));
    assert_eq!(one + other, 50_000);
    assert!(one > 0 && other > 0, "{one} and {other}");
    assert_eq!(touched(&pool).await, [(1, 50_000)]);
}

#[tokio::test]
async fn the_throttle_holds_for_two_runners_together() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    table(pool, 2_000).await;
    let pace = Pace { batch: 200, batch_time: Duration::from_secs(2), rows_per_second: Some(4000) };
    let begun = Instant::now();
    let run = || backfill::run(pool, "big", "public.big", pace, step, |_| {});
    let (one, other) = futures::join!(run(), run());
    assert_eq!((one.unwrap(), other.unwrap()), (Outcome::Completed(2_000), Outcome::Completed(2_000)));
    // Ten batches at 4,000 rows a second: the first at once, and one each 50 ms.
    assert!(begun.elapsed() >= Duration::from_millis(450), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn it_can_be_paused_and_resumed_from_elsewhere() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    table(pool, 60_000).await;
    let pace = Pace { batch: 1000, ..FAST };
    let batches = &AtomicU64::new(0);
    let stepped = |mut tx: PgTransaction<'static>, after, limit| async move {
        if batches.fetch_add(1, Ordering::Relaxed) == 3 {
            let elsewhere = pool.clone();
            // Waits for this batch to commit, as it should.
            tokio::spawn(async move { backfill::pause(&elsewhere, "big").await.unwrap() });
            until_somebody_waits(&mut tx).await?;
        }
        step(tx, after, limit).await
    };
    let outcome = backfill::run(pool, "big", "public.big", pace, stepped, |_| {}).await.unwrap();
    // The next batch may get the row before who waits for it: then that waits for one more.
    let Outcome::Paused(rows @ 4_000..60_000) = outcome else { panic!("{outcome:?}") };
    assert_eq!(state(pool).await, "PAUSED");
    let still = backfill::run(pool, "big", "public.big", pace, step, |_| {}).await.unwrap();
    assert_eq!(still, Outcome::Paused(rows));

    backfill::resume(pool, "big").await.unwrap();
    let done = backfill::run(pool, "big", "public.big", pace, step, |_| {}).await.unwrap();
    assert_eq!(done, Outcome::Completed(60_000));
    assert_eq!(touched(pool).await, [(1, 60_000)]);
    backfill::pause(pool, "big").await.unwrap();
    assert_eq!(state(pool).await, "COMPLETED", "what is done stays done");
    assert!(matches!(backfill::pause(pool, "other").await, Err(BackfillError::Unknown(_))));
}

#[tokio::test]
async fn a_refusal_is_noted_and_the_next_run_goes_on() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    table(pool, 3_000).await;
    sqlx::raw_sql("ALTER TABLE public.big ADD CONSTRAINT ck_big CHECK (NOT (id = 6000 AND touched > 0))")
        .execute(pool)
        .await
        .unwrap();
    let pace = Pace { batch: 500, ..FAST };
    let error = backfill::run(pool, "big", "public.big", pace, step, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("ck_big"), "{error}");
    let listed = backfill::list(&mut pool.acquire().await.unwrap()).await.unwrap();
    assert_eq!((listed[0].state.as_str(), listed[0].rows_done), ("FAILED", 1_500));
    assert!(listed[0].last_error.as_deref().unwrap().contains("ck_big"));

    sqlx::raw_sql("ALTER TABLE public.big DROP CONSTRAINT ck_big").execute(pool).await.unwrap();
    let done = backfill::run(pool, "big", "public.big", pace, step, |_| {}).await.unwrap();
    assert_eq!(done, Outcome::Completed(3_000));
    assert_eq!(touched(pool).await, [(1, 3_000)]);
}

#[tokio::test]
async fn a_cursor_of_another_kind_is_refused() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    table(pool, 10).await;
    sqlx::raw_sql(r#"INSERT INTO jobs.backfills (name, cursor) VALUES ('big', '["a", 1]')"#)
        .execute(pool)
        .await
        .unwrap();
    let error = backfill::run(pool, "big", "public.big", FAST, step, |_| {}).await.unwrap_err();
    assert!(matches!(error, BackfillError::Cursor { .. }), "{error}");
    assert_eq!(touched(pool).await, [(0, 10)]);
}
