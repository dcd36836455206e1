//! The engine: drains a table of timers.
//!
//! Claim, effect and completion of a batch commit together. A kill at any instant rolls all of it back and frees the
//! locks, so no lease is needed, nothing is lost and nothing happens twice. Batches are small when little is due and
//! grow under a backlog. A batch that fails is run in halves until the culprit stands alone; its failure is stored and
//! it is tried again later, the others go through. After another node's death the suspects are run one by one
//! (`caution`). Between batches the engine sleeps until the next timer is due, wakes for earlier ones ([`Wake`]), and looks
//! every few seconds in any case.

mod batch;
mod caution;
mod failure;
mod figures;
mod pace;

use std::{
    marker::PhantomData,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{PgConnection, PgPool};
use tokio::{sync::watch, task::JoinHandle};

use self::{
    batch::Outcome,
    caution::{Cautions, Step},
    pace::{Pace, Then},
};
pub(crate) use self::{batch::panic_message, pace::retry_pause};
use crate::{
    node::NodeHandle,
    table::{Run, TimerTable},
    wake::{MAX_SLEEP, Wake},
};

/// How an engine goes about it.
#[derive(Debug, Clone, Copy)]
pub struct EngineSettings {
    /// The most timers in one transaction.
    pub max_batch: i64,
    /// How many batches may run at once in this process, each on its own connection.
    pub workers: u32,
    /// The engine looks at its table at least after a time between these two, at most [`MAX_SLEEP`].
    pub safety_poll: (Duration, Duration),
    /// Whether timers that were due when a node died are run one by one.
    pub cautious_after_crash: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            max_batch: 500,
            // One computes while the other waits for the disk: 1.6 times as fast as one, on two cores.
            workers: 2,
            safety_poll: (Duration::from_secs(1), MAX_SLEEP),
            cautious_after_crash: true,
        }
    }
}

/// How soon a paused queue is looked at again, should the wake-up be lost.
const PAUSED_POLL: Duration = Duration::from_secs(1);
/// How soon to look again whether another node is done with a suspect.
const ELSEWHERE: Duration = Duration::from_millis(20);
/// The pause after a failure that could not be stored.
const STUCK: Duration = Duration::from_secs(1);
/// How often the gauge of the queue's depth is set.
const DEPTH_EVERY: Duration = Duration::from_secs(5);
/// How often a batch is repeated for a deadlock before it counts as a failure.
const MAX_CONFLICTS: u32 = 3;

/// Drains tables of one kind.
#[derive(Debug)]
pub struct Engine<T>(PhantomData<T>);

impl<T: TimerTable> Engine<T> {
    /// Starts to drain `table`, until the node stops. The current batches are finished then.
    pub fn spawn(
        pool: PgPool,
        table: T,
        settings: EngineSettings,
        node: &NodeHandle,
        wake: &Wake,
    ) -> JoinHandle<()> {
        let table = Arc::new(table);
        let cautions = Cautions::none();
        let (count, its_node, wake) = (settings.workers.max(1), node.clone(), wake.clone());
        let workers = (0..count).map(move |number| {
            let mut deaths = its_node.deaths();
            // Deaths before the start count as well.
            deaths.mark_changed();
            let worker = Worker {
                number,
                signal: wake.subscribe(table.name()),
                // Node ids are random, so no two workers anywhere jitter alike.
                rng: StdRng::seed_from_u64(its_node.id().as_u64_pair().1 ^ u64::from(number)),
                pace: Pace::new(settings.max_batch.max(1), Instant::now()),
                deaths,
                cautions: cautions.clone(),
                conflicts: 0,
                depth_at: Instant::now(),
                locked_out: 0,
                pool: pool.clone(),
                table: Arc::clone(&table),
                settings,
                node: its_node.clone(),
                wake: wake.clone(),
            };
            worker.run()
        });
        node.spawn(async move {
            futures::future::join_all(workers).await;
        })
    }
}

/// One connection's worth of engine.
struct Worker<T> {
    number: u32,
    pool: PgPool,
    table: Arc<T>,
    settings: EngineSettings,
    node: NodeHandle,
    wake: Wake,
    signal: watch::Receiver<u64>,
    deaths: watch::Receiver<Option<DateTime<Utc>>>,
    pace: Pace,
    cautions: Cautions,
    rng: StdRng,
    conflicts: u32,
    depth_at: Instant,
    /// Due timers were seen that others hold locked: how often in a row.
    locked_out: u32,
}

/// What to do after a step.
enum Next {
    Again,
    /// Until a wake-up, at the latest after this time.
    Sleep(Duration),
    Paused,
}

impl<T: TimerTable> Worker<T> {
    async fn run(mut self) {
        let queue = self.table.name();
        let mut trouble = 0u32;
        while self.node.ready().await {
            self.signal.borrow_and_update();
            self.note_deaths();
            match self.step().await {
                Ok(Next::Again) => trouble = 0,
                Ok(Next::Sleep(duration)) => {
                    trouble = 0;
                    self.sleep(duration).await;
                }
                Ok(Next::Paused) => {
                    trouble = 0;
                    self.sleep(PAUSED_POLL).await;
                }
                Err(error) => {
                    trouble = trouble.saturating_add(1);
                    figures::trouble(queue);
                    let pause = pace::trouble_pause(trouble).mul_f64(0.8 + 0.4 * self.rng.random::<f64>());
                    tracing::warn!(queue, %error, ?pause, "the timer engine had trouble and goes on after a pause");
                    tokio::select! {
                        () = self.node.stopping().cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    self.pace.sweep_soon(Instant::now());
                }
            }
        }
        self.wake.announce(queue, None);
    }

    fn note_deaths(&mut self) {
        if !self.settings.cautious_after_crash || !self.deaths.has_changed().unwrap_or(false) {
            return;
        }
        if let Some(death) = *self.deaths.borrow_and_update() {
            // As many as one node can have claimed at once.
            let count = self.settings.max_batch.max(1) * i64::from(self.settings.workers.max(1));
            if self.cautions.heed(death, count) {
                tracing::warn!(
                    queue = self.table.name(), %death, at_most = count,
                    "another node died; in case a timer did that, those due by then run one at a time until they are through"
                );
            }
        }
    }

    /// Runs a suspect alone, or waits until the first worker has run them all.
    async fn cautiously(&mut self) -> Result<Next, sqlx::Error> {
        if self.number > 0 {
            tokio::select! {
                () = self.node.stopping().cancelled() => {}
                () = self.cautions.over() => {}
            }
            return Ok(Next::Again);
        }
        let run = Run { node_id: self.node.id(), started: Instant::now() };
        let step = caution::step(&self.pool, &*self.table, &run, &self.cautions, &mut self.rng).await?;
        self.wake.outbox();
        Ok(match step {
            Step::Next => Next::Again,
            Step::Elsewhere => Next::Sleep(ELSEWHERE),
            Step::Paused => Next::Paused,
        })
    }

    async fn step(&mut self) -> Result<Next, sqlx::Error> {
        if self.cautions.until().is_some() {
            return self.cautiously().await;
        }
        let mut connection = db::acquire(&self.pool).await?;
        self.measure_depth(&mut connection).await?;
        let run = Run { node_id: self.node.id(), started: Instant::now() };
        let outcome = batch::run(
            &mut connection,
            &*self.table,
            &run,
            self.pace.claim_floor(),
            self.pace.limit(),
            &mut self.rng,
            self.conflicts < MAX_CONFLICTS,
        )
        .await?;
        let claimed = match outcome {
            Outcome::Paused => return Ok(Next::Paused),
            Outcome::Stuck => return Ok(Next::Sleep(STUCK)),
            Outcome::Conflict => {
                self.conflicts += 1;
                return Ok(Next::Again);
            }
            Outcome::Done(claimed) => claimed,
        };
        self.conflicts = 0;
        if claimed.count > 0 {
            self.locked_out = 0;
            self.wake.outbox();
        }
        match self.pace.learn(claimed, Instant::now()) {
            Then::Claim => Ok(Next::Again),
            Then::Sleep => self.until_next(&mut connection, claimed.now, None).await,
            Then::SleepUntilSweep(at) => self.until_next(&mut connection, claimed.now, Some(at)).await,
        }
    }

    /// How long to sleep; announces it, so that only an earlier timer wakes us.
    async fn until_next(
        &mut self,
        connection: &mut PgConnection,
        mut now: DateTime<Utc>,
        sweep: Option<Instant>,
    ) -> Result<Next, sqlx::Error> {
        let asked = Instant::now();
        let due = self.table.next_due(connection, self.pace.floor()).await?;
        now += TimeDelta::from_std(asked.elapsed()).unwrap_or_default();
        let (shortest, longest) = self.settings.safety_poll;
        let longest = longest.min(MAX_SLEEP);
        let shortest = shortest.min(longest);
        let poll = shortest + longest.saturating_sub(shortest).mul_f64(self.rng.random::<f64>());
        let mut pause = match due {
            Some(due) if due <= TimeDelta::zero() => {
                // Due, but not for us: another node holds it. Look again soon, for that node may die.
                self.locked_out = self.locked_out.saturating_add(1);
                if self.locked_out == 1 {
                    return Ok(Next::Again);
                }
                Duration::from_millis(10 << self.locked_out.min(5))
            }
            due => {
                self.locked_out = 0;
                due.map_or(poll, |due| due.to_std().unwrap_or_default().min(poll))
            }
        };
        if let Some(sweep) = sweep {
            pause = pause.min(sweep.saturating_duration_since(Instant::now()));
        }
        let until = Instant::now() + pause;
        let until_by_database = now + TimeDelta::from_std(pause).unwrap_or_default();
        self.wake.announce(self.table.name(), Some((until_by_database, until)));
        Ok(Next::Sleep(pause))
    }

    async fn sleep(&mut self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            _ = self.signal.changed() => {}
            _ = self.deaths.changed() => self.deaths.mark_changed(),
            () = self.node.stopping().cancelled() => {}
        }
        self.wake.announce(self.table.name(), None);
    }

    async fn measure_depth(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.depth_at <= Instant::now() {
            self.depth_at = Instant::now() + DEPTH_EVERY;
            if let Some(due) = self.table.depth(connection).await? {
                figures::depth(self.table.name(), due);
            }
        }
        Ok(())
    }
}
