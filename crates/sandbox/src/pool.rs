//! The sandbox that callers hold: its workers, who waits for them, and what happens when one dies.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::interpreter::Interpreter;
use crate::ladder::climb;
use crate::plan::{HASH_SEEDS, Plan};
use crate::post::Post;
use crate::queue::FairQueue;
use crate::worker::Worker;
use crate::{Config, Job, Limits, Output, RunError, Rung, StartError, Stats};

/// Runs scripts. Clones share the workers; when the last is dropped, they end.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    handle: Arc<Handle>,
}

/// Ends the workers when nobody holds the sandbox any more.
struct Handle {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// What callers and workers share.
pub(crate) struct Shared {
    pub(crate) exe: PathBuf,
    pub(crate) limits: Limits,
    workers: usize,
    pub(crate) rung: Rung,
    pub(crate) python: Interpreter,
    pub(crate) ordinary: Lane,
    pub(crate) variant: Lane,
    pub(crate) closing: CancellationToken,
    pub(crate) counts: Counts,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) succeeded: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) unavailable: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) restarts: AtomicU64,
    pub(crate) running: AtomicUsize,
    pub(crate) workers: AtomicUsize,
    /// Process ids of the zygotes that are up, for the benchmark's account of processor time.
    pub(crate) zygotes: Mutex<Vec<u32>>,
}

/// Runs that wait for one kind of worker.
pub(crate) struct Lane {
    /// `None` once the sandbox closes.
    queue: Mutex<Option<FairQueue<Ticket>>>,
    /// As many permits as there is work, at least.
    work: Semaphore,
}

pub(crate) struct Ticket {
    pub(crate) job: Job,
    pub(crate) answer: oneshot::Sender<Result<Output, RunError>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these locks, and their contents are valid at every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    fn new(limit: usize) -> Self {
        Self { queue: Mutex::new(Some(FairQueue::new(limit))), work: Semaphore::new(0) }
    }

    fn push(&self, tenant: i64, ticket: Ticket) -> Result<(), RunError> {
        let mut queue = locked(&self.queue);
        let Some(queue) = queue.as_mut() else {
            return Err(RunError::Unavailable("the server is shutting down".to_owned()));
        };
        queue.push(tenant, ticket, |ticket| !ticket.answer.is_closed()).map_err(|_| RunError::QueueFull)?;
        self.work.add_permits(1);
        Ok(())
    }

    /// The next run that somebody still waits for. Cancel-safe.
    pub(crate) async fn next(&self) -> Ticket {
        loop {
            // Never closed.
            if let Ok(permit) = self.work.acquire().await {
                permit.forget();
            }
            if let Some(ticket) = locked(&self.queue).as_mut().and_then(FairQueue::pop) {
                return ticket;
            }
        }
    }

    fn waiting(&self) -> usize {
        locked(&self.queue).as_ref().map_or(0, FairQueue::len)
    }

    /// Answers everybody who waits.
    pub(crate) fn refuse_all(&self, reason: &str) -> usize {
        let tickets = locked(&self.queue).as_mut().map(FairQueue::drain).unwrap_or_default();
        let count = tickets.len();
        for ticket in tickets {
            // Who went away meanwhile needs no answer.
            let _ = ticket.answer.send(Err(RunError::Unavailable(reason.to_owned())));
        }
        count
    }
}

impl Shared {
    fn close(&self) {
        self.closing.cancel();
        for lane in [&self.ordinary, &self.variant] {
            lane.refuse_all("the server is shutting down");
            *locked(&lane.queue) = None;
        }
    }

    pub(crate) async fn start_worker(&self, hash_seed: u32) -> Result<Worker, String> {
        let plan = Plan { rung: self.rung, python: self.python.clone(), hash_seed };
        let worker = Worker::start(&self.exe, &plan).await?;
        self.worker_came(&worker);
        Ok(worker)
    }

    fn worker_came(&self, worker: &Worker) {
        self.counts.workers.fetch_add(1, Ordering::Relaxed);
        locked(&self.counts.zygotes).push(worker.pid);
    }

    pub(crate) fn worker_went(&self, worker: &Worker) {
        self.counts.workers.fetch_sub(1, Ordering::Relaxed);
        locked(&self.counts.zygotes).retain(|pid| *pid != worker.pid);
    }
}

impl Sandbox {
    /// Finds a Python and the strongest jail that holds here, and starts the workers in it.
    ///
    /// # Errors
    /// When there is no usable Python, or no jail and running without one was not allowed.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_from(config, Rung::Namespaces).await
    }

    /// The same with no stronger a jail than `strongest`. For `doctor` and tests.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn start_from(config: Config, strongest: Rung) -> Result<Self, StartError> {
        Self::start_on(config, |rung| rung >= strongest).await
    }

    /// The same with one jail and no other.
    pub(crate) async fn start_only(config: Config, only: Rung) -> Result<Self, StartError> {
        Self::start_on(config, |rung| rung == only).await
    }

    async fn start_on(config: Config, wanted: impl Fn(Rung) -> bool) -> Result<Self, StartError> {
        let (rung, python, first) = climb(&config, wanted).await?;
        if rung == Rung::Unjailed {
            tracing::warn!(
                "scripts run WITHOUT A JAIL, with all the server's rights, as the operator allowed"
            );
        } else {
            tracing::info!(jail = %rung, python = %python.executable.display(), "scripts run in a jail");
        }
        let shared = Arc::new(Shared {
            exe: config.exe,
            limits: config.limits,
            workers: config.workers.max(1),
            rung,
            python,
            ordinary: Lane::new(config.queue_limit),
            variant: Lane::new(config.queue_limit),
            closing: CancellationToken::new(),
            counts: Counts::default(),
        });
        shared.worker_came(&first);
        let mut first = Some(first);
        let mut tasks = Vec::new();
        for _ in 0..shared.workers {
            tasks.push(tokio::spawn(Post::new(&shared, HASH_SEEDS[0]).keep(first.take())));
            // Starts its zygote when a check needs it.
            tasks.push(tokio::spawn(Post::new(&shared, HASH_SEEDS[1]).keep(None)));
        }
        Ok(Self {
            handle: Arc::new(Handle { shared: Arc::clone(&shared), tasks: Mutex::new(tasks) }),
            shared,
        })
    }

    /// How strong the jail is.
    pub fn rung(&self) -> Rung {
        self.shared.rung
    }

    /// The interpreter that runs the scripts, and its version.
    pub fn python(&self) -> (&std::path::Path, [u32; 3]) {
        (&self.shared.python.executable, self.shared.python.version)
    }

    /// Whether scripts can import numpy.
    pub fn has_numpy(&self) -> bool {
        !self.shared.python.numpy.is_empty()
    }

    /// How many scripts run at once.
    pub fn workers(&self) -> usize {
        self.shared.workers
    }

    /// What one run may use.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Runs one script, when the tenant's turn comes. Dropping the future stops the script.
    ///
    /// # Errors
    /// See [`RunError`]; [`RunError::is_authors`] tells whose fault it is.
    pub async fn run(&self, tenant: i64, job: Job) -> Result<Output, RunError> {
        let lane = if job.hash_seed_variant { &self.shared.variant } else { &self.shared.ordinary };
        let (answer, result) = oneshot::channel();
        lane.push(tenant, Ticket { job, answer })?;
        result.await.unwrap_or_else(|_| Err(RunError::Unavailable("the server is shutting down".to_owned())))
    }

    /// Takes no more runs, refuses those that wait, lets those that run come to their end, and ends the workers.
    pub async fn shutdown(self) {
        self.shared.close();
        let tasks = std::mem::take(&mut *locked(&self.handle.tasks));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a sandbox worker's task failed");
            }
        }
    }

    /// What has been done and what is going on.
    pub fn stats(&self) -> Stats {
        let Counts { succeeded, failed, unavailable, cancelled, restarts, running, workers, zygotes: _ } =
            &self.shared.counts;
        Stats {
            succeeded: succeeded.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
            unavailable: unavailable.load(Ordering::Relaxed),
            cancelled: cancelled.load(Ordering::Relaxed),
            restarts: restarts.load(Ordering::Relaxed),
            queued: self.shared.ordinary.waiting() + self.shared.variant.waiting(),
            running: running.load(Ordering::Relaxed),
            workers: workers.load(Ordering::Relaxed),
        }
    }

    /// Process ids of the zygotes that are up.
    pub fn zygotes(&self) -> Vec<u32> {
        locked(&self.shared.counts.zygotes).clone()
    }
}
