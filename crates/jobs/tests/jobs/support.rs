//! A small table of timers whose behaviour is a column, and a world of nodes that drain it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use jobs::{Engine, EngineSettings, Node, Run, TimerError, TimerTable, Wake};
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::Semaphore, task::JoinHandle};
use uuid::Uuid;

/// How long a test waits for something that must happen before it calls it missing.
const PATIENCE: Duration = Duration::from_mins(2);

const SCHEMA: &str = "
CREATE TABLE public.rings (
    id uuid PRIMARY KEY DEFAULT questhall.uuid_v7(),
    n bigint NOT NULL,
    behaviour text NOT NULL DEFAULT 'ok',
    status text NOT NULL DEFAULT 'PENDING',
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    retry_count integer NOT NULL DEFAULT 0,
    crash_count integer NOT NULL DEFAULT 0,
    last_error text,
    CHECK (retry_count = 0 OR last_error IS NOT NULL)
);
CREATE INDEX ON public.rings (scheduled_at, id) WHERE status = 'PENDING';
CREATE TABLE public.rung (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id uuid NOT NULL,
    n bigint NOT NULL,
    node_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    lateness_ms float8 NOT NULL
);
CREATE TABLE public.late_check (id uuid CONSTRAINT fk_late_check REFERENCES public.rings DEFERRABLE INITIALLY DEFERRED);
";

/// The queue's name.
pub(crate) const QUEUE: &str = "public.rings";

/// A timer of the small table.
pub(crate) struct Ring {
    id: Uuid,
    n: i64,
    behaviour: String,
    scheduled_at: DateTime<Utc>,
    retry_count: i32,
}

/// Stops executions until the test lets them go on.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) arrived: Arc<Semaphore>,
    pub(crate) open: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until an execution stands before the gate.
    pub(crate) async fn wait_for_arrival(&self) {
        within(self.arrived.acquire()).await.unwrap().forget();
    }
}

/// The small table. A ring whose behaviour is `gate` or `hang` waits at the gate; of those that are a `chain` and have one
/// number, the earliest is held out alone.
#[derive(Clone)]
pub(crate) struct Rings {
    pub(crate) gate: Gate,
    pub(crate) claims: Arc<AtomicUsize>,
    /// Timers that were executed, whether or not that was committed.
    pub(crate) executed: Arc<AtomicUsize>,
}

impl Rings {
    pub(crate) fn new() -> Self {
        Self { gate: Gate::new(), claims: Arc::default(), executed: Arc::default() }
    }
}

impl TimerTable for Rings {
    type Timer = Ring;

    fn name(&self) -> &'static str {
        QUEUE
    }

    fn id(timer: &Ring) -> Uuid {
        timer.id
    }

    fn scheduled_at(timer: &Ring) -> DateTime<Utc> {
        timer.scheduled_at
    }

    fn retries(timer: &Ring) -> i32 {
        timer.retry_count
    }

    async fn claim(
        &self,
        connection: &mut PgConnection,
        floor: Option<jobs::Floor>,
        limit: i64,
    ) -> Result<Vec<Ring>, sqlx::Error> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        let rows: Vec<(Uuid, i64, String, DateTime<Utc>, i32)> = sqlx::query_as(
            "SELECT id, n, behaviour, scheduled_at, retry_count FROM public.rings AS r
              WHERE status = 'PENDING' AND scheduled_at <= now()
                AND (scheduled_at, id) >= (coalesce($1::timestamptz, '-infinity'), coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
                AND (behaviour <> 'chain' OR NOT EXISTS (
                         SELECT FROM public.rings AS e
                          WHERE e.behaviour = 'chain' AND e.n = r.n AND e.status = 'PENDING'
                            AND (e.scheduled_at, e.id) < (r.scheduled_at, r.id)))
              ORDER BY scheduled_at, id LIMIT $2 FOR UPDATE SKIP LOCKED",
        )
        .bind(floor.map(|floor| floor.at))
        .bind(limit)
        .bind(floor.map(|floor| floor.id))
        .fetch_all(connection)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, n, behaviour, scheduled_at, retry_count)| Ring {
                id,
                n,
                behaviour,
                scheduled_at,
                retry_count,
            })
            .collect())
    }

    async fn execute(
        &self,
        connection: &mut PgConnection,
        run: &Run,
        timers: &[Ring],
    ) -> Result<(), TimerError> {
        let ids: Vec<Uuid> = timers.iter().map(|timer| timer.id).collect();
        // First the effect, so that a failure has something to undo.
        sqlx::query(
            "INSERT INTO public.rung (id, n, node_id, lateness_ms)
             SELECT id, n, $2, extract(epoch FROM clock_timestamp() - scheduled_at) * 1000
               FROM public.rings WHERE id = ANY($1) ORDER BY scheduled_at, id",
        )
        .bind(&ids)
        .bind(run.node_id)
        .execute(&mut *connection)
        .await?;
        for timer in timers {
            match timer.behaviour.as_str() {
                "retry" | "unstorable" => {
                    return Err(TimerError::Retry(format!("ring {} is out of order", timer.n)));
                }
                "fail" => return Err(TimerError::Fail(format!("ring {} is broken", timer.n))),
                "panic" => panic!("ring {} panics", timer.n),
                "sql" => {
                    sqlx::query("SELECT 1 / 0").execute(&mut *connection).await?;
                }
                "deferred" => {
                    sqlx::query("INSERT INTO public.late_check VALUES (gen_random_uuid())")
                        .execute(&mut *connection)
                        .await?;
                }
                "gate" | "hang" => self.gate.pass().await,
                _ => {}
            }
        }
        sqlx::query("UPDATE public.rings SET status = 'COMPLETED' WHERE id = ANY($1)")
            .bind(&ids)
            .execute(connection)
            .await?;
        self.executed.fetch_add(timers.len(), Ordering::SeqCst);
        Ok(())
    }

    async fn fail(
        &self,
        connection: &mut PgConnection,
        _run: &Run,
        timer: &Ring,
        error: &str,
        retry_in: Option<Duration>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE public.rings
                SET retry_count = retry_count + 1, crash_count = 0, last_error = $2,
                    status = CASE WHEN $3::float8 IS NULL THEN 'FAILED' ELSE 'PENDING' END,
                    scheduled_at = coalesce(now() + make_interval(secs => $3), scheduled_at)
              WHERE id = $1 AND status = 'PENDING'",
        )
        .bind(timer.id)
        .bind(if timer.behaviour == "unstorable" { None } else { Some(error) })
        .bind(retry_in.map(|pause| pause.as_secs_f64()))
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn count_crash(&self, connection: &mut PgConnection, timer: &Ring) -> Result<i32, sqlx::Error> {
        sqlx::query_scalar(
            "UPDATE public.rings SET crash_count = crash_count + 1 WHERE id = $1 RETURNING crash_count",
        )
        .bind(timer.id)
        .fetch_one(connection)
        .await
    }

    async fn next_due(
        &self,
        connection: &mut PgConnection,
        floor: Option<jobs::Floor>,
    ) -> Result<Option<TimeDelta>, sqlx::Error> {
        let seconds: Option<f64> = sqlx::query_scalar(
            "SELECT extract(epoch FROM min(scheduled_at) - clock_timestamp())::float8 FROM public.rings
              WHERE status = 'PENDING'
                AND (scheduled_at, id) >= (coalesce($1::timestamptz, '-infinity'), coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))",
        )
        .bind(floor.map(|floor| floor.at))
        .bind(floor.map(|floor| floor.id))
        .fetch_one(connection)
        .await?;
        Ok(seconds.map(jobs::table::delta))
    }
}

/// A database with the small table.
pub(crate) struct World {
    database: TestDatabase,
    /// The test's own connections: not those that a test kills.
    observer: PgPool,
}

/// A node with an engine over the small table.
pub(crate) struct Server {
    pub(crate) node: Node,
    pub(crate) wake: Wake,
    pub(crate) engine: JoinHandle<()>,
}

impl Server {
    /// As if the process were killed: the engine is gone in the midst of whatever it does, and nobody says goodbye.
    pub(crate) async fn die(self) {
        self.engine.abort();
        let _ = self.engine.await;
        drop(self.node);
    }

    pub(crate) async fn stop(self) {
        assert!(self.node.stop(PATIENCE).await.unwrap(), "the engine stops");
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new().await;
        let options = database.options().clone().application_name("observer");
        let observer = PgPoolOptions::new().max_connections(3).connect_with(options).await.unwrap();
        sqlx::raw_sql(SCHEMA).execute(&observer).await.unwrap();
        Self { database, observer }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub(crate) fn options(&self) -> &PgConnectOptions {
        self.database.options()
    }

    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// A node without an engine.
    pub(crate) async fn node(&self) -> (Node, Wake) {
        let wake = Wake::new();
        let node = Node::start(self.pool().clone(), "test", "0", &["worker"], wake.clone()).await.unwrap();
        (node, wake)
    }

    pub(crate) async fn server(&self, rings: &Rings, settings: EngineSettings) -> Server {
        let (node, wake) = self.node().await;
        let engine = Engine::spawn(self.pool().clone(), rings.clone(), settings, &node.handle(), &wake);
        Server { node, wake, engine }
    }

    /// Adds `count` due rings, a millisecond apart, numbered from 1.
    pub(crate) async fn add(&self, count: i64, behaviour: &str) {
        self.run(&format!(
            "INSERT INTO public.rings (n, behaviour, scheduled_at)
             SELECT n, '{behaviour}', now() - interval '1 hour' + n * interval '1 ms'
               FROM generate_series(1, {count}) AS n ORDER BY random()"
        ))
        .await;
    }

    pub(crate) async fn run(&self, statement: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&self.observer).await.unwrap();
    }

    /// The one number that a query returns; -1 when it returns no row, or null.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let row = sqlx::query_scalar::<_, Option<i64>>(sqlx::AssertSqlSafe(query.to_owned()));
        row.fetch_optional(&self.observer).await.unwrap().flatten().unwrap_or(-1)
    }

    /// Waits until a query returns this number.
    pub(crate) async fn until(&self, query: &str, wanted: i64) {
        let look = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            loop {
                ticks.tick().await;
                if self.number(query).await == wanted {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, look).await.is_err() {
            let is = self.number(query).await;
            let odd: Vec<String> = sqlx::query_scalar(
                "SELECT r::text FROM public.rings AS r WHERE status <> 'COMPLETED' ORDER BY scheduled_at LIMIT 5",
            )
            .fetch_all(&self.observer)
            .await
            .unwrap();
            panic!("waited in vain for {wanted}, it is {is}: {query}; among what did not ring: {odd:#?}");
        }
    }

    pub(crate) async fn until_completed(&self, count: i64) {
        self.until("SELECT count(*) FROM public.rings WHERE status = 'COMPLETED'", count).await;
    }

    /// Every completed ring has rung once, and no other has.
    pub(crate) async fn assert_exactly_once(&self) {
        let bad = self
            .number(
                "SELECT count(*) FROM public.rings AS r
                  WHERE (r.status = 'COMPLETED')::int <> (SELECT count(*) FROM public.rung AS g WHERE g.id = r.id)",
            )
            .await;
        assert_eq!(bad, 0, "rings that rang twice, or never, or in vain");
    }
}

/// Looks often, so that a test of something else than waking need not wait.
pub(crate) fn eager() -> EngineSettings {
    EngineSettings {
        workers: 1,
        safety_poll: (Duration::from_millis(20), Duration::from_millis(40)),
        ..EngineSettings::default()
    }
}

/// Fails the test when `work` takes for ever.
pub(crate) async fn within<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(PATIENCE, work).await.expect("it happens in time")
}
