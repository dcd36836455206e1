//! Test databases: each its own, gone afterwards.

use db::testing::TestDatabase;
use sqlx::PgPool;

async fn exists(pool: &PgPool, name: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn name(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT current_database()::text").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn each_test_has_its_own_database_and_it_goes_with_it() {
    let (one, other) = futures::join!(TestDatabase::new(), TestDatabase::new());
    let (first, second) = (name(one.pool()).await, name(other.pool()).await);
    assert_ne!(first, second);
    sqlx::raw_sql("CREATE TABLE public.mine (id int)").execute(one.pool()).await.unwrap();
    assert!(sqlx::query("SELECT FROM public.mine").execute(other.pool()).await.is_err());

    assert!(exists(other.pool(), &first).await);
    drop(one);
    assert!(!exists(other.pool(), &first).await);
}

#[tokio::test]
async fn a_database_goes_though_its_test_panicked_with_a_transaction_open() {
    let watcher = TestDatabase::empty().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let doomed = tokio::spawn(async move {
        let database = TestDatabase::empty().await;
        let mut transaction = database.pool().begin().await.unwrap();
        let name: String =
            sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut *transaction).await.unwrap();
        sender.send(name).unwrap();
        panic!("as tests do");
    });
    let name = receiver.await.unwrap();
    assert!(doomed.await.unwrap_err().is_panic());
    assert!(!exists(watcher.pool(), &name).await);
}

#[tokio::test]
async fn the_url_leads_to_the_same_database() {
    let database = TestDatabase::new().await;
    let other = PgPool::connect(&database.url()).await.unwrap();
    assert_eq!(name(&other).await, name(database.pool()).await);
}
