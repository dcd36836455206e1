//! One worker's place: a zygote is kept there and given work, whatever happens to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::plan::HASH_SEEDS;
use crate::pool::{Lane, Shared, Ticket};
use crate::worker::{Died, Worker};
use crate::{RunError, report};

/// How often a run whose zygote dies is begun.
const ATTEMPTS: u32 = 2;
/// The pauses before a dead zygote is started again double from the first to the last.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];
/// How long a worker with the other hash seed is kept after a check.
const VARIANT_KEPT: Duration = Duration::from_mins(1);

/// Ends when the zygote, if there is one, dies while it has nothing to do. Cancel-safe.
async fn death(worker: Option<&Worker>) -> Died {
    match worker {
        Some(worker) => worker.died().await,
        None => std::future::pending().await,
    }
}

/// One worker's place: keeps a zygote there and gives it work.
pub(crate) struct Post {
    shared: Arc<Shared>,
    hash_seed: u32,
    /// Deaths and failed starts since the last run that came to an end.
    setbacks: u32,
}

impl Post {
    pub(crate) fn new(shared: &Arc<Shared>, hash_seed: u32) -> Self {
        Self { shared: Arc::clone(shared), hash_seed, setbacks: 0 }
    }

    const fn is_variant(&self) -> bool {
        self.hash_seed != HASH_SEEDS[0]
    }

    fn lane(&self) -> &Lane {
        if self.is_variant() { &self.shared.variant } else { &self.shared.ordinary }
    }

    /// Works until the sandbox closes.
    pub(crate) async fn keep(mut self, mut worker: Option<Worker>) {
        let closing = self.shared.closing.clone();
        while !closing.is_cancelled() {
            if worker.is_none() && !self.is_variant() {
                worker = self.man().await;
                continue;
            }
            let ticket = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                died = death(worker.as_ref()) => {
                    self.lost(worker.take(), &died).await;
                    continue;
                }
                ticket = self.lane().next() => ticket,
                () = sleep(VARIANT_KEPT), if self.is_variant() && worker.is_some() => {
                    self.dismiss(worker.take()).await;
                    continue;
                }
            };
            worker = self.serve(worker, ticket).await;
        }
        self.dismiss(worker.take()).await;
    }

    /// Starts a zygote, after the pause that past setbacks call for. Who waits while no worker at all is up is told.
    async fn man(&mut self) -> Option<Worker> {
        if self.setbacks > 0 {
            let pause = BACK_OFF[0] * 2_u32.saturating_pow(self.setbacks - 1).min(1 << 10);
            if timeout(pause.min(BACK_OFF[1]), self.shared.closing.cancelled()).await.is_ok() {
                return None;
            }
        }
        match self.shared.start_worker(self.hash_seed).await {
            Ok(worker) => Some(worker),
            Err(reason) => {
                self.setbacks += 1;
                tracing::error!(reason, "a sandbox worker could not be started");
                if self.shared.counts.workers.load(Ordering::Relaxed) == 0 {
                    let refused = self.lane().refuse_all("the sandbox's workers could not be started");
                    self.shared.counts.unavailable.fetch_add(refused as u64, Ordering::Relaxed);
                }
                None
            }
        }
    }

    async fn lost(&mut self, worker: Option<Worker>, Died(reason): &Died) {
        self.setbacks += 1;
        self.shared.counts.restarts.fetch_add(1, Ordering::Relaxed);
        tracing::error!(reason, "a sandbox worker's zygote died");
        self.dismiss(worker).await;
    }

    async fn dismiss(&self, worker: Option<Worker>) {
        if let Some(worker) = worker {
            self.shared.worker_went(&worker);
            worker.stop().await;
        }
    }

    /// Runs one script, a second time when the zygote dies under it. Gives back the worker when it is still good.
    async fn serve(&mut self, mut worker: Option<Worker>, ticket: Ticket) -> Option<Worker> {
        let Ticket { job, mut answer } = ticket;
        let counts = &self.shared.counts;
        counts.running.fetch_add(1, Ordering::Relaxed);
        let mut verdict = Err(RunError::Unavailable("the script's run was lost, twice".to_owned()));
        for _ in 0..ATTEMPTS {
            if answer.is_closed() {
                break;
            }
            if worker.is_none() {
                match self.shared.start_worker(self.hash_seed).await {
                    Ok(started) => worker = Some(started),
                    Err(reason) => {
                        tracing::error!(reason, "a sandbox worker could not be started");
                        verdict = Err(RunError::Unavailable("its worker could not be started".to_owned()));
                        self.setbacks += 1;
                        break;
                    }
                }
            }
            let Some(zygote) = &mut worker else { break };
            let limits = job.limits.unwrap_or(self.shared.limits);
            let judged = match zygote.run(&job, &limits, answer.closed()).await {
                Ok(finished) => {
                    report::judge(finished, &job, &limits).map_err(|report::NotArmed(why)| Died(why))
                }
                Err(died) => Err(died),
            };
            match judged {
                Ok(result) => {
                    self.setbacks = 0;
                    verdict = result;
                    break;
                }
                Err(died) => self.lost(worker.take(), &died).await,
            }
        }
        let counts = &self.shared.counts;
        let count = match &verdict {
            _ if answer.is_closed() => &counts.cancelled,
            Ok(_) => &counts.succeeded,
            Err(error) if error.is_authors() => &counts.failed,
            Err(_) => &counts.unavailable,
        };
        count.fetch_add(1, Ordering::Relaxed);
        counts.running.fetch_sub(1, Ordering::Relaxed);
        // Who went away needs no answer.
        let _ = answer.send(verdict);
        worker
    }
}
