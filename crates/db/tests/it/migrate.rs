//! Migrations: once each, by however many nodes; strangers are refused.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use db::{
    migrate::{MigrateError, Progress, State},
    testing::{TestDatabase, schema},
};

#[tokio::test]
async fn the_first_run_applies_everything_in_order_and_tells() {
    let database = TestDatabase::empty().await;
    let mut connection = database.pool().acquire().await.unwrap();
    let before = schema().status(&mut connection).await.unwrap();
    assert!(before.iter().all(|entry| entry.state == State::Pending));
    let table: Option<String> = sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations')::text")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(table, None, "looking changes nothing");

    let mut told = Vec::new();
    let applied = schema()
        .run(database.options(), |progress| {
            if let Progress::Applying { version, index, total, .. } = progress {
                told.push((version, index, total));
            }
        })
        .await
        .unwrap();
    let total = before.len();
    assert!(total >= 8, "{total}");
    assert_eq!(told, applied.iter().enumerate().map(|(i, a)| (a.version, i + 1, total)).collect::<Vec<_>>());
    assert!(applied.is_sorted_by_key(|applied| applied.version));

    let after = schema().status(&mut connection).await.unwrap();
    assert_eq!(after.len(), total);
    assert!(after.iter().all(|entry| matches!(entry.state, State::Applied(_))), "{after:?}");
    let again = schema().run(database.options(), |_| panic!("there is nothing to tell")).await.unwrap();
    assert_eq!(again, []);
}

#[tokio::test]
async fn of_many_nodes_that_start_at_once_one_migrates_and_the_others_wait() {
    let database = TestDatabase::empty().await;
    let waited = Arc::new(AtomicUsize::new(0));
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let (options, waited) = (database.options().clone(), waited.clone());
            tokio::spawn(async move {
                schema()
                    .run(&options, |progress| {
                        if progress == Progress::Waiting {
                            waited.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                    .await
                    .unwrap()
                    .len()
            })
        })
        .collect();
    let mut counts: Vec<usize> =
        futures::future::join_all(nodes).await.into_iter().map(Result::unwrap).collect();
    counts.sort_unstable();
    let total = *counts.last().unwrap();
    assert!(total >= 8, "{counts:?}");
    assert_eq!(counts[..7], [0; 7], "{counts:?}");
    assert!(waited.load(Ordering::Relaxed) >= 1, "the lock was contended");
    let locks: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(locks, 0, "nobody keeps the lock");
}

#[tokio::test]
async fn a_database_that_is_ahead_is_refused_untouched() {
    let database = TestDatabase::new().await;
    sqlx::query(
        "INSERT INTO public._sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99991231, 'from the future', true, '\\x00', 0)",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let error = schema().run(database.options(), |_| panic!("nothing may happen")).await.unwrap_err();
    assert!(matches!(error, MigrateError::TooNew { version: 99_991_231 }), "{error}");
    assert!(error.to_string().contains("newer"), "{error}");
    let status = schema().status(&mut database.pool().acquire().await.unwrap()).await.unwrap();
    assert!(matches!(status.last().unwrap().state, State::Unknown(_)));
}

#[tokio::test]
async fn an_altered_migration_is_refused() {
    let database = TestDatabase::new().await;
    sqlx::raw_sql("UPDATE public._sqlx_migrations SET checksum = '\\x00' WHERE version = 2")
        .execute(database.pool())
        .await
        .unwrap();
    let error = schema().run(database.options(), |_| {}).await.unwrap_err();
    assert!(matches!(error, MigrateError::Changed { version: 2, .. }), "{error}");
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_of_itself() {
    let database = TestDatabase::empty().await;
    // In the way of whichever migration makes this schema.
    sqlx::raw_sql("CREATE SCHEMA jobs").execute(database.pool()).await.unwrap();
    let error = schema().run(database.options(), |_| {}).await.unwrap_err();
    let MigrateError::Failed { version, .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("schema \"jobs\" already exists"), "{error}");
    let status = schema().status(&mut database.pool().acquire().await.unwrap()).await.unwrap();
    for entry in status {
        assert_eq!(entry.state == State::Pending, entry.version >= version, "{entry:?}");
    }
    sqlx::raw_sql("DROP SCHEMA jobs").execute(database.pool()).await.unwrap();
    let applied = schema().run(database.options(), |_| {}).await.unwrap();
    assert_eq!(applied.first().unwrap().version, version, "the next run goes on from there");
}
