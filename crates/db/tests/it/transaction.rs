//! Helpers around errors and transactions.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use db::testing::TestDatabase;
use sqlx::PgPool;
use tokio::sync::Barrier;

#[derive(Debug, thiserror::Error)]
enum SliceError {
    #[error("not enough")]
    Rule,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

async fn accounts(pool: &PgPool) {
    sqlx::raw_sql(
        "CREATE TABLE public.accounts (id integer PRIMARY KEY, n integer NOT NULL CONSTRAINT ck_accounts_n CHECK (n >= 0),
            CONSTRAINT uq_accounts_n UNIQUE (n) DEFERRABLE);
         INSERT INTO public.accounts VALUES (1, 10), (2, 20)",
    )
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn deadlocked_transactions_are_run_again() {
    let database = TestDatabase::new().await;
    accounts(database.pool()).await;
    let runs = Arc::new(AtomicU32::new(0));
    let meeting = Arc::new(Barrier::new(2));
    let worker = |first: i32, second: i32| {
        let (pool, runs, meeting) = (database.pool().clone(), runs.clone(), meeting.clone());
        // Spawned: what `retry` returns must be Send, as handlers need it.
        tokio::spawn(async move {
            let met = AtomicBool::new(false);
            db::retry(|| async {
                runs.fetch_add(1, Ordering::Relaxed);
                let mut tx = pool.begin().await?;
                let lock = "SELECT id FROM public.accounts WHERE id = $1 FOR UPDATE";
                sqlx::query(lock).bind(first).execute(&mut *tx).await?;
                if !met.swap(true, Ordering::Relaxed) {
                    meeting.wait().await;
                }
                sqlx::query(lock).bind(second).execute(&mut *tx).await?;
                sqlx::query("UPDATE public.accounts SET n = n + 100 WHERE id = $1")
                    .bind(first)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok::<_, SliceError>(())
            })
            .await
        })
    };
    let (one, other) = futures::join!(worker(1, 2), worker(2, 1));
    one.unwrap().unwrap();
    other.unwrap().unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 3, "one of the two was the victim, once");
    let n: Vec<i32> = sqlx::query_scalar("SELECT n FROM public.accounts ORDER BY id")
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert_eq!(n, [110, 120]);
}

#[tokio::test]
async fn other_errors_are_returned_at_once_and_leave_nothing() {
    let database = TestDatabase::new().await;
    accounts(database.pool()).await;
    let runs = AtomicU32::new(0);
    let refused = db::retry(|| async {
        runs.fetch_add(1, Ordering::Relaxed);
        let mut tx = database.pool().begin().await?;
        sqlx::query("UPDATE public.accounts SET n = 5 WHERE id = 1").execute(&mut *tx).await?;
        Err::<(), _>(SliceError::Rule)
    })
    .await;
    assert!(matches!(refused, Err(SliceError::Rule)));
    assert_eq!(runs.into_inner(), 1);
    let n: i32 = sqlx::query_scalar("SELECT n FROM public.accounts WHERE id = 1")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(n, 10);
}

#[tokio::test]
async fn retrying_is_bounded() {
    let database = TestDatabase::new().await;
    let runs = AtomicU32::new(0);
    let result = db::retry(|| async {
        runs.fetch_add(1, Ordering::Relaxed);
        let again = "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$";
        sqlx::raw_sql(again).execute(database.pool()).await?;
        Ok(())
    })
    .await;
    assert!(matches!(result, Err(SliceError::Database(error)) if db::is_retryable(&error)));
    assert_eq!(runs.into_inner(), db::transaction::MAX_ATTEMPTS);
}

#[tokio::test]
async fn errors_say_which_constraint_and_whether_to_try_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    accounts(pool).await;
    let run = async |sql: &'static str| sqlx::raw_sql(sql).execute(pool).await;
    let check = run("UPDATE public.accounts SET n = -1").await.unwrap_err();
    assert_eq!(db::constraint(&check), Some("ck_accounts_n"));
    assert!(!db::is_retryable(&check));
    let unique = run("INSERT INTO public.accounts VALUES (3, 10)").await.unwrap_err();
    assert_eq!(db::constraint(&unique), Some("uq_accounts_n"));
    let raised = "DO $$ BEGIN RAISE check_violation USING CONSTRAINT = 'ck_by_trigger'; END $$";
    assert_eq!(db::constraint(&run(raised).await.unwrap_err()), Some("ck_by_trigger"));
    let syntax = run("SELEKT").await.unwrap_err();
    assert_eq!(db::constraint(&syntax), None);
    assert!(!db::is_retryable(&syntax));
    let killed = run("SELECT pg_terminate_backend(pg_backend_pid())").await.unwrap_err();
    assert!(db::is_retryable(&killed) && db::is_connection_lost(&killed), "{killed}");

    let result = run("UPDATE public.accounts SET n = n + 1").await.unwrap();
    assert!(db::ensure_affected(&result, 2).is_ok());
    let error = db::ensure_affected(&result, 1).unwrap_err();
    assert_eq!((error.expected, error.actual), (1, 2));
    let nobody = run("UPDATE public.accounts SET n = 0 WHERE id = 99").await.unwrap();
    let error: sqlx::Error = db::ensure_affected(&nobody, 1).unwrap_err().into();
    assert!(matches!(error, sqlx::Error::RowNotFound));
}

#[tokio::test]
async fn now_is_the_transactions_time() {
    let database = TestDatabase::new().await;
    let mut tx = database.pool().begin().await.unwrap();
    let first = db::now(&mut tx).await.unwrap();
    let theirs: bool = sqlx::query_scalar("SELECT now() = $1").bind(first).fetch_one(&mut *tx).await.unwrap();
    assert!(theirs);
    assert_eq!(db::now(&mut tx).await.unwrap(), first);
}
