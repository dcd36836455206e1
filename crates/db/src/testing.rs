//! A database of its own for every test, made in milliseconds and gone afterwards.
//!
//! The first test to ask migrates a template, named by the fingerprint of the migrations; every database is a copy of
//! it. Tests are processes of their own under cargo-nextest, so whatever they share is guarded by advisory locks.
//! Helpers here panic with a sentence instead of returning errors: a test has nothing better to do.
//!
//! Where: on the server of `QUESTHALL_TEST_DATABASE_URL` (any database of it; we must be allowed to create more), else on
//! a PostgreSQL that test runs start for themselves and share.

mod dump;
mod files;
mod folder;
mod server;
mod sweep;

pub use dump::{dump, restore};
pub use files::schema;
pub use folder::{Folder, PrivateCluster};

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, postgres::PgConnectOptions};

use crate::{
    Settings,
    pool::{self, ServerEpoch},
};

/// Advisory lock that guards the making of templates and the sweep (`qh_templ` in ASCII).
const LOCK_KEY: i64 = i64::from_be_bytes(*b"qh_templ");

/// A migrated, empty database that nobody else uses. Dropping it drops the database.
#[derive(Debug)]
pub struct TestDatabase {
    pool: PgPool,
    name: String,
    maintenance: PgConnectOptions,
    options: PgConnectOptions,
}

impl TestDatabase {
    /// A fresh copy of the migrated template, with the pool settings of production; but a test has more patience, as a machine that
    /// tests does everything at once.
    pub async fn new() -> Self {
        Self::with_settings(&patient()).await
    }

    /// The same with pool settings of your own (`url` and `data_dir` are ignored).
    pub async fn with_settings(settings: &Settings) -> Self {
        Self::make(settings, true).await
    }

    /// A database with nothing in it, for tests of the migrations themselves.
    pub async fn empty() -> Self {
        Self::make(&patient(), false).await
    }

    async fn make(settings: &Settings, migrated: bool) -> Self {
        let maintenance = server::maintenance().await;
        let mut admin = connect(&maintenance).await;
        let name = unique_name(&mut admin).await;
        if migrated {
            clone_template(&mut admin, &maintenance, &name).await;
        } else {
            run(&mut admin, &format!("CREATE DATABASE {name}")).await;
        }
        sweep::leftovers(&mut admin).await;
        // The server reaps the session in any case.
        let _ = admin.close().await;
        let options = pool::connect_options(settings, maintenance.clone().database(&name));
        let pool = pool::build(settings, options.clone(), ServerEpoch::default());
        Self { pool, name, maintenance, options }
    }

    /// The pool; cheap to clone.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How to make further connections, or another pool.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A URL that leads here, for processes that a test starts.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }
}

impl Drop for TestDatabase {
    /// Ends whatever is still connected and drops the database, also when the test panicked. What cannot be dropped
    /// is left to the sweep.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let options = self.maintenance.clone();
        // A thread of its own: a runtime cannot be blocked on from within another.
        let thread = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                if let Ok(mut connection) = options.connect().await {
                    let _ = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
                }
            });
        });
        let _ = thread.join();
    }
}

/// Whatever a test waits for comes in the end, or the test is ended by its runner.
fn patient() -> Settings {
    Settings {
        acquire_timeout: Duration::from_mins(1),
        statement_timeout: Duration::from_mins(5),
        lock_timeout: Duration::from_mins(2),
        idle_in_transaction_timeout: Duration::from_mins(5),
        ..Settings::default()
    }
}

/// Ends the PostgreSQL that test runs share, if it runs. For the end of a script; tests need not care.
pub fn stop_shared_server() {
    server::stop();
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("the test database server does not answer: {error}"))
}

async fn run(connection: &mut PgConnection, statement: &str) {
    if let Err(error) = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(connection).await {
        panic!("{statement}: {error}");
    }
}

/// `qh_test_<unix seconds>_<process>_<n>`: the sweep reads the time from it. The server's clock, as all our times.
async fn unique_name(admin: &mut PgConnection) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let seconds = seconds(admin).await;
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("qh_test_{seconds}_{}_{n}", std::process::id())
}

/// The server's time, in Unix seconds.
async fn seconds(admin: &mut PgConnection) -> i64 {
    let seconds = sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint").fetch_one(admin).await;
    seconds.expect("the server tells the time")
}

/// Copies the template to `name`, making the template first if it is not there.
async fn clone_template(admin: &mut PgConnection, maintenance: &PgConnectOptions, name: &str) {
    let template = format!("qh_template_{}", schema().fingerprint());
    // Unsynced and in memory, copying files takes 25 ms; the default, through the write-ahead log, 80 ms.
    let copy = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
    match sqlx::raw_sql(sqlx::AssertSqlSafe(copy.as_str())).execute(&mut *admin).await {
        Ok(_) => return,
        // 3D000: the template does not exist.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("3D000") => {}
        Err(error) => panic!("{copy}: {error}"),
    }
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK_KEY)
        .execute(&mut *admin)
        .await
        .expect("an advisory lock");
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(&template)
        .fetch_one(&mut *admin)
        .await
        .expect("pg_database can be read");
    if !exists {
        // Renamed when complete, so that a template that exists is a whole one.
        let building = format!("{template}_building");
        run(admin, &format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)")).await;
        run(admin, &format!("CREATE DATABASE {building}")).await;
        if let Err(error) = schema().run(&maintenance.clone().database(&building), |_| {}).await {
            panic!("the test template could not be migrated: {error}");
        }
        let seconds = seconds(admin).await;
        run(admin, &format!("COMMENT ON DATABASE {building} IS '{seconds}'")).await;
        run(admin, &format!("ALTER DATABASE {building} RENAME TO {template}")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK_KEY)
        .execute(&mut *admin)
        .await
        .expect("an advisory lock");
    run(admin, &copy).await;
}
