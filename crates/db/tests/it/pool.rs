//! The pool: limits, signs of life, timeouts.

use std::time::Duration;

use db::{Database, OpenError, Settings, testing::TestDatabase};
use sqlx::{Connection, PgConnection, PgPool};

async fn backend(pool: &PgPool) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(pool).await.unwrap()
}

async fn terminate(pool: &PgPool, pid: i32) {
    // The second argument waits until it has gone.
    let gone: bool =
        sqlx::query_scalar("SELECT pg_terminate_backend($1, 25000)").bind(pid).fetch_one(pool).await.unwrap();
    assert!(gone);
}

/// One connection at a time, so that the tests know which one they get.
fn single() -> Settings {
    Settings { pool_size: 1, max_overflow: 0, ..Settings::default() }
}

/// Returns once the pool has its connection back: `drop` returns it in a task.
async fn returned(pool: &PgPool) {
    while pool.num_idle() == 0 {
        tokio::task::yield_now().await;
    }
}

/// Returns once nobody has the pool's connection any more.
async fn returned_or_closed(pool: &PgPool) {
    while pool.num_idle() == 0 && pool.size() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced_unseen() {
    let admin = TestDatabase::empty().await;
    let checked = Settings { liveness_check_after: Duration::ZERO, ..single() };
    let database = TestDatabase::with_settings(&checked).await;
    let dead = backend(database.pool()).await;
    returned(database.pool()).await;
    terminate(admin.pool(), dead).await;
    assert_ne!(backend(database.pool()).await, dead);
}

#[tokio::test]
async fn a_connection_used_just_now_is_not_asked() {
    let admin = TestDatabase::empty().await;
    let database = TestDatabase::with_settings(&single()).await;
    let dead = backend(database.pool()).await;
    returned(database.pool()).await;
    terminate(admin.pool(), dead).await;
    // Nobody asked, so the statement meets the dead connection; the next one gets a new one.
    let error = sqlx::query("SELECT 1").execute(database.pool()).await.unwrap_err();
    assert!(db::is_connection_lost(&error), "{error}");
    assert_ne!(backend(database.pool()).await, dead);
}

#[tokio::test]
async fn a_transaction_that_was_cut_off_while_it_began_swallows_nobodys_writes() {
    let database = TestDatabase::with_settings(&single()).await;
    let pool = database.pool();
    sqlx::query("CREATE TABLE public.kept (n int)").execute(pool).await.unwrap();
    returned(pool).await;
    let cut_off = backend(pool).await;
    returned(pool).await;
    // As a handler whose client hangs up: BEGIN is on its way, and nobody waits for the answer. It may come at once; then again.
    while futures::poll!(Box::pin(pool.begin())).is_ready() {
        returned(pool).await;
    }
    returned_or_closed(pool).await;
    sqlx::query("INSERT INTO public.kept VALUES (1)").execute(pool).await.unwrap();
    assert_ne!(backend(pool).await, cut_off);
    let mut other = PgConnection::connect_with(database.options()).await.unwrap();
    let seen: i64 =
        sqlx::query_scalar("SELECT count(*) FROM public.kept").fetch_one(&mut other).await.unwrap();
    assert_eq!(seen, 1, "what was acknowledged is there for everybody");
}

#[tokio::test]
async fn overflow_is_a_limit_and_closes_again_when_idle() {
    let settings = Settings {
        pool_size: 1,
        max_overflow: 2,
        acquire_timeout: Duration::from_millis(200),
        overflow_idle: Duration::from_millis(100),
        ..Settings::default()
    };
    let database = TestDatabase::with_settings(&settings).await;
    let pool = database.pool();
    let mut held = Vec::new();
    while held.len() < 3 {
        // To connect may take longer than these tests' patience on a busy machine; then again.
        match pool.acquire().await {
            Ok(connection) => held.push(connection),
            Err(error) => assert!(matches!(error, sqlx::Error::PoolTimedOut), "{error}"),
        }
    }
    assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolTimedOut)));
    assert_eq!(pool.size(), 3);
    drop(held);
    tokio::time::timeout(Duration::from_mins(1), async {
        while pool.size() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("idle connections close");
}

#[tokio::test]
async fn limits_reach_the_server() {
    let settings = Settings {
        // Long enough for what is asked here on a machine that is busy.
        statement_timeout: Duration::from_millis(2500),
        lock_timeout: Duration::from_millis(1500),
        idle_in_transaction_timeout: Duration::ZERO,
        application_name: "hall of tests".to_owned(),
        ..Settings::default()
    };
    let database = TestDatabase::with_settings(&settings).await;
    for (name, value) in [
        ("statement_timeout", "2500ms"),
        ("lock_timeout", "1500ms"),
        ("idle_in_transaction_session_timeout", "0"),
        ("application_name", "hall of tests"),
        ("jit", "off"),
    ] {
        let shown: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(shown, value, "{name}");
    }
    let error = sqlx::query("SELECT pg_sleep(60)").execute(database.pool()).await.unwrap_err();
    assert!(error.to_string().contains("statement timeout"), "{error}");
    assert!(!db::is_retryable(&error));
}

#[tokio::test]
async fn a_url_is_used_and_a_bad_one_is_explained() {
    let there = TestDatabase::new().await;
    let open = async |url: String| Database::open(&Settings { url: Some(url), ..Settings::default() }).await;
    let database = open(there.url()).await.unwrap();
    assert!(database.cluster().is_none());
    let same: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(database.pool()).await.unwrap();
    assert_eq!(Some(same.as_str()), there.options().get_database());
    let mut direct = database.connect().await.unwrap();
    sqlx::query("LISTEN anything").execute(&mut direct).await.unwrap();
    database.close().await;

    let nobody = open("postgres://me:secret@127.0.0.1:1/x".to_owned()).await.unwrap_err();
    let text = nobody.to_string();
    assert!(matches!(nobody, OpenError::Unreachable { .. }), "{text}");
    assert!(
        text.contains("127.0.0.1:1") && text.contains("DATABASE_URL") && !text.contains("secret"),
        "{text}"
    );

    let missing = there.options().clone().database("nowhere_to_be_found");
    let refused = open(sqlx::ConnectOptions::to_url_lossy(&missing).to_string()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("nowhere_to_be_found"), "{refused}");

    let unreadable = open("postgres://[".to_owned()).await.unwrap_err();
    assert!(matches!(unreadable, OpenError::Url(_)), "{unreadable}");
    let invalid = Database::open(&Settings { pool_size: 0, ..Settings::default() }).await.unwrap_err();
    assert!(invalid.to_string().starts_with("setting pool_size:"), "{invalid}");
}
