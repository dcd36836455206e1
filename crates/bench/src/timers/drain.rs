//! The real engine on the real queue, with a counter in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use campaigns::timers::CampaignTimers;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::{Engine, EngineSettings, Floor, Node, NodeHandle, Run, TimerError, TimerTable, Wake};
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use uuid::Uuid;

/// Longest that draining may take before we give up.
const PATIENCE: Duration = Duration::from_mins(10);

/// An engine that runs, as a server would run it.
pub(super) struct Running {
    node: Node,
    pub(super) wake: Wake,
    executed: watch::Receiver<usize>,
}

impl Running {
    pub(super) async fn start(pool: &PgPool, settings: EngineSettings) -> Result<Self> {
        let wake = Wake::new();
        let node = Node::start(pool.clone(), "bench", "bench", &["worker"], wake.clone()).await?;
        let executed = Self::spawn(pool, settings, &node.handle(), &wake);
        Ok(Self { node, wake, executed })
    }

    fn spawn(
        pool: &PgPool,
        settings: EngineSettings,
        node: &NodeHandle,
        wake: &Wake,
    ) -> watch::Receiver<usize> {
        let (sender, executed) = watch::channel(0);
        let table = Counted { executed: Arc::new(sender) };
        Engine::spawn(pool.clone(), table, settings, node, wake);
        executed
    }

    /// Returns when it has executed so many in all; the last batch may still be about to commit.
    pub(super) async fn has_executed(&mut self, count: usize) -> Result<()> {
        let done = tokio::time::timeout(PATIENCE, self.executed.wait_for(|executed| *executed >= count))
            .await
            .map(|done| done.is_ok());
        match done {
            Ok(true) => Ok(()),
            Ok(false) => bail!("the engine ended before its time"),
            Err(_) => {
                bail!("the engine executed {} of {count} timers, then time was up", *self.executed.borrow())
            }
        }
    }

    /// Stops it, after the batch that it is at.
    pub(super) async fn stop(self) -> Result<()> {
        if !self.node.stop(PATIENCE).await? {
            bail!("the engine does not stop");
        }
        Ok(())
    }
}

/// From the engine's start to its last commit, for `count` timers that are due.
pub(super) async fn by_engine(pool: &PgPool, settings: EngineSettings, count: usize) -> Result<Duration> {
    let _spinner = crate::progress::spinner("executing timers");
    let began = Instant::now();
    let mut engine = Running::start(pool, settings).await?;
    engine.has_executed(count).await?;
    engine.stop().await?;
    Ok(began.elapsed())
}

/// [`CampaignTimers`], counted.
struct Counted {
    executed: Arc<watch::Sender<usize>>,
}

impl TimerTable for Counted {
    type Timer = <CampaignTimers as TimerTable>::Timer;

    fn name(&self) -> &'static str {
        CampaignTimers.name()
    }

    fn id(timer: &Self::Timer) -> Uuid {
        CampaignTimers::id(timer)
    }

    fn kind(timer: &Self::Timer) -> &str {
        CampaignTimers::kind(timer)
    }

    fn scheduled_at(timer: &Self::Timer) -> DateTime<Utc> {
        CampaignTimers::scheduled_at(timer)
    }

    fn retries(timer: &Self::Timer) -> i32 {
        CampaignTimers::retries(timer)
    }

    fn max_retries(&self) -> i32 {
        CampaignTimers.max_retries()
    }

    async fn claim(
        &self,
        connection: &mut PgConnection,
        floor: Option<Floor>,
        limit: i64,
    ) -> Result<Vec<Self::Timer>, sqlx::Error> {
        CampaignTimers.claim(connection, floor, limit).await
    }

    async fn execute(
        &self,
        connection: &mut PgConnection,
        run: &Run,
        timers: &[Self::Timer],
    ) -> Result<(), TimerError> {
        CampaignTimers.execute(connection, run, timers).await?;
        self.executed.send_modify(|executed| *executed += timers.len());
        Ok(())
    }

    async fn fail(
        &self,
        connection: &mut PgConnection,
        run: &Run,
        timer: &Self::Timer,
        error: &str,
        retry_in: Option<Duration>,
    ) -> Result<(), sqlx::Error> {
        CampaignTimers.fail(connection, run, timer, error, retry_in).await
    }

    async fn count_crash(
        &self,
        connection: &mut PgConnection,
        timer: &Self::Timer,
    ) -> Result<i32, sqlx::Error> {
        CampaignTimers.count_crash(connection, timer).await
    }

    async fn next_due(
        &self,
        connection: &mut PgConnection,
        floor: Option<Floor>,
    ) -> Result<Option<TimeDelta>, sqlx::Error> {
        CampaignTimers.next_due(connection, floor).await
    }

    async fn depth(&self, connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
        CampaignTimers.depth(connection).await
    }
}
