//! Periodic jobs: declared by slices, run by one node at a time.
//!
//! Whoever finds a job due tries for its lock, which belongs to the run's own transaction: when the process dies, or a pooler
//! hands the connection on, no lock lingers. The run's effects, its result and its next time commit together. Runs missed
//! while nothing was up are made up once. A failed run is tried again after five minutes, or at its next time if that is sooner.
//! When the node stops, what ends soon is finished; the rest is broken off, leaves nothing behind, and stays due for another node.

mod builtin;
mod store;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use croner::Cron;
use futures::{FutureExt, future::BoxFuture};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};

pub use builtin::{Retention, builtin};
pub use store::{ScheduleRow, list, run_now};

use crate::{
    engine::panic_message,
    node::NodeHandle,
    wake::{MAX_SLEEP, Wake},
};

/// The name under which schedulers are woken and paused.
pub const QUEUE: &str = "jobs.schedules";

/// How soon a job is looked at again that is due, but which another node runs.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// Jobs that run at once in one process: the rest of the pool is for others.
const CONCURRENCY: usize = 2;

/// How long a run may go on when the node stops.
const LAST_MOMENTS: Duration = Duration::from_secs(2);
/// How often a run that may not is told so: between two statements it does not hear.
const TOLD_AGAIN: Duration = Duration::from_millis(100);

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// In the job's own words.
    #[error("{0}")]
    Failed(String),
    /// The database refused, or was not there.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

type RunFn =
    Arc<dyn for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<Value, JobError>> + Send + Sync>;

/// A periodic job.
#[derive(Clone)]
pub struct Schedule {
    /// Its name, such as `campaigns.refresh_views`: lower case, digits, dots, underscores, at most 64 characters.
    pub name: &'static str,
    /// When it runs, in cron syntax with minutes as the finest unit (or seconds, as a sixth field in front), UTC.
    pub cron: &'static str,
    /// A run that takes longer is broken off by the database, statement by statement.
    pub statement_timeout: Duration,
    /// A run that waits longer for a lock is broken off.
    pub lock_timeout: Duration,
    run: RunFn,
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule").field("name", &self.name).field("cron", &self.cron).finish_non_exhaustive()
    }
}

impl Schedule {
    /// A job that calls `run` in a transaction of its own and stores what it returns:
    /// `Schedule::new("slice.job", "*/5 * * * *", |connection| Box::pin(job(connection)))`. Its statements may take five
    /// minutes and wait five seconds for a lock, unless told otherwise.
    pub fn new<F>(name: &'static str, cron: &'static str, run: F) -> Self
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<Value, JobError>> + Send + Sync + 'static,
    {
        Self {
            name,
            cron,
            statement_timeout: Duration::from_mins(5),
            lock_timeout: Duration::from_secs(5),
            run: Arc::new(run),
        }
    }
}

/// A schedule that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The cron pattern is wrong, or never comes true.
    #[error("the schedule of {name} ({cron}) is no cron pattern that ever comes true: {reason}")]
    Cron {
        /// The job.
        name: &'static str,
        /// Its pattern.
        cron: &'static str,
        /// What croner says.
        reason: String,
    },
    /// Two jobs of one name.
    #[error("two jobs are named {0}")]
    Twice(&'static str),
}

/// A job whose pattern is known to be good.
#[derive(Clone)]
struct Job {
    schedule: Schedule,
    cron: Cron,
}

impl Job {
    fn parse(schedule: Schedule) -> Result<Self, ScheduleError> {
        let bad = |reason: String| ScheduleError::Cron { name: schedule.name, cron: schedule.cron, reason };
        let cron = Cron::from_str(schedule.cron).map_err(|error| bad(error.to_string()))?;
        // Any time will do to find out whether there is a next one.
        cron.find_next_occurrence(&DateTime::UNIX_EPOCH, false).map_err(|error| bad(error.to_string()))?;
        Ok(Self { schedule, cron })
    }

    /// The next time after `now`. A pattern that has no more, though it had one, comes again in a year: see `parse`.
    fn next_after(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.cron.find_next_occurrence(&now, false).unwrap_or(now + chrono::TimeDelta::days(365))
    }
}

/// Starts to run the jobs when they are due, until the node stops; runs that have begun are finished if that takes no longer than two
/// seconds, else broken off. A job that is declared for the first time runs at once.
pub fn spawn(
    pool: PgPool,
    schedules: Vec<Schedule>,
    node: &NodeHandle,
    wake: &Wake,
) -> Result<JoinHandle<()>, ScheduleError> {
    let mut jobs = HashMap::new();
    for schedule in schedules {
        let name = schedule.name;
        if jobs.insert(name, Job::parse(schedule)?).is_some() {
            return Err(ScheduleError::Twice(name));
        }
    }
    let jobs = Arc::new(jobs);
    Ok(node.spawn(Scheduler { pool, jobs, node: node.clone(), wake: wake.clone() }.run()))
}

struct Scheduler {
    pool: PgPool,
    jobs: Arc<HashMap<&'static str, Job>>,
    node: NodeHandle,
    wake: Wake,
}

impl Scheduler {
    async fn run(mut self) {
        let mut signal = self.wake.subscribe(QUEUE);
        let mut rng = StdRng::seed_from_u64(self.node.id().as_u64_pair().1);
        let slots = Arc::new(Semaphore::new(CONCURRENCY));
        let mut running: JoinSet<(&'static str, Ran)> = JoinSet::new();
        // Not to be looked at: because it runs here (`None`), or until then.
        let mut busy: HashMap<&'static str, Option<Instant>> = HashMap::new();
        let mut declared = false;
        while self.node.ready().await {
            signal.borrow_and_update();
            busy.retain(|_, until| until.is_none_or(|until| until > Instant::now()));
            let mut pause = MAX_SLEEP.mul_f64(0.2 + 0.8 * rng.random::<f64>());
            match self.due(&mut declared, &busy).await {
                Ok((due, next)) => {
                    pause = next.map_or(pause, |next| next.min(pause));
                    for name in due {
                        busy.insert(name, None);
                        let (pool, jobs, node) =
                            (self.pool.clone(), Arc::clone(&self.jobs), self.node.clone());
                        let (slots, wake) = (Arc::clone(&slots), self.wake.clone());
                        running.spawn(async move {
                            let _slot = slots.acquire().await;
                            let ran = match jobs.get(name) {
                                _ if node.stopping().is_cancelled() => Ran::Elsewhere,
                                Some(job) => run_guarded(&pool, job, &node).await,
                                None => Ran::Here,
                            };
                            wake.outbox();
                            (name, ran)
                        });
                    }
                }
                Err(error) => tracing::warn!(%error, ?pause, "the schedules could not be read"),
            }
            if busy.values().any(Option::is_some) {
                pause = pause.min(ELSEWHERE);
            }
            tokio::select! {
                () = self.node.stopping().cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                _ = signal.changed() => {}
                Some(done) = running.join_next() => match done {
                    Ok((name, Ran::Here)) => drop(busy.remove(name)),
                    Ok((name, Ran::Elsewhere)) => drop(busy.insert(name, Some(Instant::now() + ELSEWHERE))),
                    // Panics are caught further in; whatever this was, the jobs' locks keep a second run away.
                    Err(_) => busy.clear(),
                },
            }
        }
        running.join_all().await;
    }

    /// Which jobs are due and not running here, and how long until the next one is.
    async fn due(
        &self,
        declared: &mut bool,
        busy: &HashMap<&'static str, Option<Instant>>,
    ) -> Result<(Vec<&'static str>, Option<Duration>), sqlx::Error> {
        let mut connection = db::acquire(&self.pool).await?;
        if !*declared {
            let jobs: Vec<&Job> = self.jobs.values().collect();
            store::declare(&mut connection, &jobs).await?;
            *declared = true;
        }
        let names: Vec<String> = self
            .jobs
            .keys()
            .filter(|name| !busy.contains_key(*name))
            .map(|name| (*name).to_owned())
            .collect();
        let mut due = Vec::new();
        let mut next: Option<Duration> = None;
        for (name, left) in store::times(&mut connection, &names).await? {
            if left <= chrono::TimeDelta::zero() {
                due.extend(self.jobs.get_key_value(name.as_str()).map(|(name, _)| *name));
            } else {
                let left = left.to_std().unwrap_or_default();
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        Ok((due, next))
    }
}

/// Where a job that was due ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    Here,
    /// Another node holds its lock, or had it done just now; or the database is away, or this node stops.
    Elsewhere,
}

/// Runs a job if it is due and no other node runs it; logs what goes wrong.
async fn run_guarded(pool: &PgPool, job: &Job, node: &NodeHandle) -> Ran {
    let name = job.schedule.name;
    let began = Instant::now();
    match run_job(pool, job, node).await {
        Ok(None) => return Ran::Elsewhere,
        Ok(Some(Ok(()))) => {
            metrics::histogram!("questhall_schedule_duration_seconds", "schedule" => name)
                .record(began.elapsed());
            metrics::counter!("questhall_schedule_runs_total", "schedule" => name, "result" => "completed")
                .increment(1);
            tracing::debug!(schedule = name, took = ?began.elapsed(), "a periodic job ran");
        }
        Ok(Some(Err(error))) => {
            metrics::counter!("questhall_schedule_runs_total", "schedule" => name, "result" => "failed")
                .increment(1);
            tracing::error!(schedule = name, error, "a periodic job failed");
        }
        Err(error) => {
            metrics::counter!("questhall_schedule_runs_total", "schedule" => name, "result" => "failed")
                .increment(1);
            tracing::error!(schedule = name, %error, "a periodic job failed");
            if let Err(error) = store::record_failure(pool, job, node.id(), &error.to_string()).await {
                tracing::warn!(schedule = name, %error, "the failure of a periodic job could not be stored");
                return Ran::Elsewhere;
            }
        }
    }
    Ran::Here
}

/// `None` when another node runs it or it is no longer due, or it was broken off as this node stops; otherwise what the job said. An
/// error is the transaction's own.
async fn run_job(
    pool: &PgPool,
    job: &Job,
    node: &NodeHandle,
) -> Result<Option<Result<(), String>>, sqlx::Error> {
    let began = Instant::now();
    let mut connection = db::acquire(pool).await?;
    let mut transaction = connection.begin().await?;
    let Some(store::Begun { now, backend }) = store::begin(&mut transaction, &job.schedule).await? else {
        return Ok(None);
    };
    let mut savepoint = transaction.begin().await?;
    let mut work = AssertUnwindSafe((job.schedule.run)(&mut savepoint)).catch_unwind();
    let mut broken_off = false;
    let finished = tokio::select! {
        finished = &mut work => finished,
        () = node.last_moments(LAST_MOMENTS) => loop {
            broken_off = true;
            if let Err(error) = store::break_off(pool, backend).await {
                tracing::warn!(schedule = job.schedule.name, %error, "a periodic job could not be told to end");
            }
            tokio::select! {
                finished = &mut work => break finished,
                () = tokio::time::sleep(TOLD_AGAIN) => {}
            }
        },
    };
    drop(work);
    let result = match finished {
        Ok(result) => result,
        Err(panic) => Err(JobError::Failed(format!("panicked: {}", panic_message(&*panic)))),
    };
    if broken_off && result.is_err() {
        tracing::info!(
            schedule = job.schedule.name,
            "a periodic job was broken off, as this node stops; it stays due"
        );
        return Ok(None);
    }
    let took = began.elapsed();
    match result {
        Ok(value) => {
            savepoint.commit().await?;
            store::record_success(&mut transaction, job, now, node.id(), took, &value).await?;
            transaction.commit().await?;
            Ok(Some(Ok(())))
        }
        Err(JobError::Database(error)) if db::is_connection_lost(&error) => Err(error),
        Err(error) => {
            savepoint.rollback().await?;
            let error = error.to_string();
            store::record_failure_in(&mut transaction, job, now, node.id(), took, &error).await?;
            transaction.commit().await?;
            Ok(Some(Err(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(cron: &'static str) -> Result<Job, ScheduleError> {
        Job::parse(Schedule::new("test.job", cron, |_| Box::pin(async { Ok(Value::Null) })))
    }

    #[test]
    fn patterns_are_in_utc_and_minutes() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(now.to_rfc3339(), "2026-09-21T14:13:20+00:00");
        let next = |cron| job(cron).unwrap().next_after(now).to_rfc3339();
        assert_eq!(next("*/5 * * * *"), "2026-09-21T14:15:00+00:00");
        assert_eq!(next("17 3 * * *"), "2026-09-22T03:17:00+00:00");
    }

    #[test]
    fn bad_patterns_are_refused_at_start() {
        for bad in ["", "nonsense", "61 * * * *", "0 0 31 2 *"] {
            assert!(matches!(job(bad), Err(ScheduleError::Cron { .. })), "{bad}");
        }
    }
}
