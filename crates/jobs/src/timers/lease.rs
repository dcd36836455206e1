//! Runs the timers of a leased kind: claimed in a short transaction, run outside of any, completed by token.
//!
//! The lease is renewed while the handler runs. A node that dies stops renewing, and another takes over with a greater token.
//! A node that merely hung finds out that its lease is lost when it renews, confirms or completes; its handler is dropped.
//! A node that stops gives back what is not done in its last moments: the next to come, or itself when it is back, begins it anew.
//! So a timer may begin more than once, and effects outside the database need an idempotency key (the timer's id).

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures::FutureExt;
use kernel::TimerId;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    QUEUE, Timer,
    handlers::Leased,
    lease_store::{self, Claimed},
    table::emit_failed,
};
use crate::{
    engine::{panic_message, retry_pause},
    node::NodeHandle,
    queues,
    table::{MAX_RETRIES, TimerError},
    wake::{MAX_SLEEP, Wake},
};

/// How long a handler may go on when its node stops. It is cut off then as by a crash, which all of them have to bear; but its timer is
/// free at once, and the node leaves in good order.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

/// The lease was taken over by another node: stop, and write nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease of the timer was lost to another node")]
pub struct LeaseLost;

impl From<LeaseLost> for TimerError {
    fn from(lost: LeaseLost) -> Self {
        Self::Retry(lost.to_string())
    }
}

/// The right to run a timer for a while. A handler that writes to the database makes its writes exactly once by calling
/// [`Lease::complete`] in the transaction of its last write, and fences earlier ones with [`Lease::confirm`].
#[derive(Debug, Clone)]
pub struct Lease {
    id: TimerId,
    token: i64,
}

impl Lease {
    /// Errs unless the lease still holds; if it does, nobody can take it over before the caller's transaction ends.
    pub async fn confirm(&self, connection: &mut PgConnection) -> Result<(), TimerError> {
        if lease_store::confirm(connection, self.id, self.token).await? {
            Ok(())
        } else {
            Err(LeaseLost.into())
        }
    }

    /// Marks the timer COMPLETED in the caller's transaction, so that its writes and the completion stand or fall together.
    /// Errs when the lease was lost: roll back then. Without this call the timer is completed when the handler returns.
    pub async fn complete(&self, connection: &mut PgConnection) -> Result<(), TimerError> {
        if lease_store::complete(connection, self.id, self.token).await? {
            Ok(())
        } else {
            Err(LeaseLost.into())
        }
    }

    /// Grows with every lease of the timer: for systems outside that can refuse an older one.
    pub fn token(&self) -> i64 {
        self.token
    }
}

/// Starts to run timers of `kind` until the node stops; those that run then are finished, or given back.
pub(super) fn spawn(pool: PgPool, kind: &'static str, handler: Leased, node: NodeHandle, wake: &Wake) {
    let signal = wake.subscribe(QUEUE);
    let tasks = node.clone();
    let runner = Runner {
        slots: Arc::new(Semaphore::new(handler.settings.concurrency.max(1) as usize)),
        rng: StdRng::seed_from_u64(node.id().as_u64_pair().1),
        wake: wake.clone(),
        pool,
        kind,
        handler,
        node,
        signal,
    };
    tasks.spawn(runner.run());
}

struct Runner {
    pool: PgPool,
    kind: &'static str,
    handler: Leased,
    node: NodeHandle,
    wake: Wake,
    signal: watch::Receiver<u64>,
    slots: Arc<Semaphore>,
    rng: StdRng,
}

impl Runner {
    async fn run(mut self) {
        let mut running = JoinSet::new();
        let mut trouble = Duration::from_millis(100);
        while self.node.ready().await {
            // A free slot first: a claimed timer must not wait for one under its lease.
            let stopping = self.node.stopping().clone();
            tokio::select! {
                () = stopping.cancelled() => break,
                slot = self.slots.acquire() => drop(slot),
            }
            self.signal.borrow_and_update();
            while running.try_join_next().is_some() {}
            let pause = match self.step(&mut running).await {
                Ok(pause) => {
                    trouble = Duration::from_millis(100);
                    pause
                }
                Err(error) => {
                    trouble = (trouble * 2).min(MAX_SLEEP);
                    tracing::warn!(kind = self.kind, %error, pause = ?trouble, "leased timers could not be claimed");
                    trouble
                }
            };
            tokio::select! {
                () = stopping.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                _ = self.signal.changed() => {}
            }
        }
        running.join_all().await;
    }

    /// Claims as many as there are free slots, starts them, and says how long to sleep.
    async fn step(&mut self, running: &mut JoinSet<()>) -> Result<Duration, sqlx::Error> {
        let free = i64::try_from(self.slots.available_permits()).unwrap_or(i64::MAX);
        let mut connection = db::acquire(&self.pool).await?;
        if queues::is_paused(&mut connection, QUEUE).await? {
            return Ok(Duration::from_secs(1));
        }
        let lease = self.handler.settings.lease;
        let claimed = lease_store::claim(&mut connection, self.kind, self.node.id(), lease, free).await?;
        let full = i64::try_from(claimed.len()).unwrap_or(i64::MAX) >= free;
        for claimed in claimed {
            if !claimed.running {
                self.buried(&mut connection, &claimed).await?;
                continue;
            }
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                // Cannot be: only this task takes slots. Its lease would end and it would be claimed again.
                continue;
            };
            let work = Work {
                pool: self.pool.clone(),
                handler: self.handler.clone(),
                kind: self.kind,
                node: self.node.clone(),
                wake: self.wake.clone(),
                chance: self.rng.random(),
            };
            running.spawn(async move {
                work.run(claimed).await;
                drop(slot);
            });
        }
        if full {
            // Go on as soon as a slot is free.
            return Ok(Duration::ZERO);
        }
        let due = lease_store::next_due(&mut connection, self.kind).await?;
        let poll = MAX_SLEEP.mul_f64(0.2 + 0.8 * self.rng.random::<f64>());
        Ok(due.map_or(poll, |due| due.to_std().unwrap_or(Duration::from_millis(50)).min(poll)))
    }

    /// One that was FAILED by the claim, because node after node did not come back from it.
    async fn buried(&self, connection: &mut PgConnection, claimed: &Claimed) -> Result<(), sqlx::Error> {
        let error = "the nodes that ran it did not come back";
        tracing::error!(queue = QUEUE, kind = self.kind, timer = %claimed.timer.id, error,
            "a timer failed for good; an admin must re-run it");
        count(self.kind, "failed");
        emit_failed(connection, &claimed.timer, error).await?;
        self.wake.outbox();
        Ok(())
    }
}

fn count(kind: &'static str, result: &'static str) {
    metrics::counter!("questhall_timers_executed_total", "queue" => QUEUE, "kind" => kind, "result" => result).increment(1);
}

/// One run of a handler.
struct Work {
    pool: PgPool,
    handler: Leased,
    kind: &'static str,
    node: NodeHandle,
    wake: Wake,
    /// For the jitter of a retry, in 0..1.
    chance: f64,
}

impl Work {
    async fn run(self, claimed: Claimed) {
        metrics::histogram!("questhall_timer_lateness_seconds", "queue" => QUEUE)
            .record(claimed.lateness.max(TimeDelta::zero()).as_seconds_f64());
        let timer = claimed.timer;
        let lease = Lease { id: timer.id, token: claimed.token };
        let handler =
            AssertUnwindSafe(async { (self.handler.handler)(&timer, lease.clone()).await }).catch_unwind();
        let result = tokio::select! {
            result = handler => result
                .unwrap_or_else(|panic| Err(TimerError::Retry(format!("panicked: {}", panic_message(&*panic))))),
            () = self.keep(&lease) => {
                tracing::warn!(kind = self.kind, timer = %timer.id, "the lease of a timer was lost; its handler is stopped");
                count(self.kind, "lost");
                return;
            }
            () = self.node.last_moments(LAST_MOMENTS) => return self.give_back(&timer, &lease).await,
        };
        if let Err(error) = self.finish(&timer, &lease, result).await {
            // Its lease ends, and it is run again.
            tracing::warn!(kind = self.kind, timer = %timer.id, %error, "the end of a timer could not be stored");
        }
        self.wake.outbox();
    }

    /// Leaves the timer to whoever comes next.
    async fn give_back(&self, timer: &Timer, lease: &Lease) {
        let given = async {
            let mut connection = db::acquire(&self.pool).await?;
            lease_store::give_back(&mut connection, lease.id, lease.token).await
        };
        match given.await {
            Ok(given) => {
                count(self.kind, if given { "given_back" } else { "lost" });
                tracing::info!(kind = self.kind, timer = %timer.id, "the node stops: a timer is left to the next one");
            }
            // Its lease ends, and it is run again.
            Err(error) => {
                tracing::warn!(kind = self.kind, timer = %timer.id, %error, "a timer could not be given back");
            }
        }
    }

    /// Renews the lease; returns when it is lost.
    async fn keep(&self, lease: &Lease) {
        let length = self.handler.settings.lease;
        loop {
            tokio::time::sleep(length / 3).await;
            let renewed = async {
                let mut connection = db::acquire(&self.pool).await?;
                lease_store::renew(&mut connection, lease.id, lease.token, length).await
            };
            match renewed.await {
                Ok(true) => {}
                Ok(false) => {
                    if !self.completed_itself(lease).await {
                        return;
                    }
                }
                // The database is away: the lease may end, but as long as nobody took it, we still hold the token.
                Err(error) => {
                    tracing::warn!(kind = self.kind, timer = %lease.id, %error, "a lease could not be renewed");
                }
            }
        }
    }

    /// A handler that completed its timer in its own transaction and still tidies up has not lost anything.
    async fn completed_itself(&self, lease: &Lease) -> bool {
        let row: sqlx::Result<Option<bool>> = async {
            let mut conn = db::acquire(&self.pool).await?;
            sqlx::query_scalar!(
                r#"SELECT status = 'COMPLETED' AND fencing_token = $2 AS "mine!" FROM jobs.timers WHERE id = $1"#,
                lease.id.get(),
                lease.token,
            )
            .fetch_optional(&mut *conn)
            .await
        }
        .await;
        matches!(row, Ok(Some(true)))
    }

    async fn finish(
        &self,
        timer: &Timer,
        lease: &Lease,
        result: Result<(), TimerError>,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = db::begin(&self.pool).await?;
        let error = match result {
            Ok(()) => {
                let mine = lease_store::complete(&mut transaction, lease.id, lease.token).await?;
                transaction.commit().await?;
                count(self.kind, if mine { "completed" } else { "lost" });
                return Ok(());
            }
            Err(error) => error,
        };
        let failures = timer.retry_count.saturating_add(1);
        let finally = matches!(error, TimerError::Fail(_)) || failures >= MAX_RETRIES;
        let retry_in = (!finally).then(|| retry_pause(failures, self.chance));
        let text = error.to_string();
        let stored = lease_store::fail(&mut transaction, lease.id, lease.token, &text, retry_in).await?;
        match stored.as_deref() {
            Some("FAILED") => {
                emit_failed(&mut transaction, timer, &text).await?;
                transaction.commit().await?;
                count(self.kind, "failed");
                tracing::error!(queue = QUEUE, kind = self.kind, timer = %timer.id, failures, error = text,
                    "a timer failed for good; an admin must re-run it");
            }
            Some(status) => {
                transaction.commit().await?;
                count(self.kind, "retried");
                tracing::warn!(queue = QUEUE, kind = self.kind, timer = %timer.id, failures, status, ?retry_in, error = text,
                    "a timer failed and will be tried again");
            }
            None => count(self.kind, "lost"),
        }
        Ok(())
    }
}
