//! The sandbox that callers hold: its workers, who waits for them, and what happens when one dies.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::interpreter::{self, Interpreter};
use crate::plan::{HASH_SEEDS, Plan};
use crate::queue::FairQueue;
use crate::worker::{Died, Worker};
use crate::{Config, Job, Limits, Output, RunError, Rung, StartError, Stats, report};

/// How often a run whose zygote dies is begun.
const ATTEMPTS: u32 = 2;
/// The pauses before a dead zygote is started again double from the first to the last.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];
/// How long the worker with the other hash seed is kept after a check.
const VARIANT_KEPT: Duration = Duration::from_mins(1);

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
struct Shared {
    exe: PathBuf,
    limits: Limits,
    rung: Rung,
    python: Interpreter,
    ordinary: Lane,
    variant: Lane,
    closing: CancellationToken,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    succeeded: AtomicU64,
    failed: AtomicU64,
    unavailable: AtomicU64,
    cancelled: AtomicU64,
    restarts: AtomicU64,
    running: AtomicUsize,
    workers: AtomicUsize,
    /// Process ids of the zygotes that are up, for the benchmark's account of processor time.
    zygotes: Mutex<Vec<u32>>,
}

/// Runs that wait for one kind of worker.
struct Lane {
    /// `None` once the sandbox closes.
    queue: Mutex<Option<FairQueue<Ticket>>>,
    /// As many permits as there is work, at least.
    work: Semaphore,
}

struct Ticket {
    job: Job,
    answer: oneshot::Sender<Result<Output, RunError>>,
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
    async fn next(&self) -> Ticket {
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
    fn refuse_all(&self, reason: &str) -> usize {
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

    async fn start_worker(&self, hash_seed: u32) -> Result<Worker, String> {
        let plan = Plan { rung: self.rung, python: self.python.clone(), hash_seed };
        let worker = Worker::start(&self.exe, &plan).await?;
        self.worker_came(&worker);
        Ok(worker)
    }

    fn worker_came(&self, worker: &Worker) {
        self.counts.workers.fetch_add(1, Ordering::Relaxed);
        locked(&self.counts.zygotes).push(worker.pid);
    }

    fn worker_went(&self, worker: &Worker) {
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
        for _ in 0..config.workers.max(1) {
            tasks.push(tokio::spawn(Post::new(&shared, HASH_SEEDS[0]).keep(first.take())));
        }
        tasks.push(tokio::spawn(Post::new(&shared, HASH_SEEDS[1]).keep(None)));
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

/// Tries rung after rung, on each every interpreter, until one starts and its jail passes its own test.
async fn climb(
    config: &Config,
    wanted: impl Fn(Rung) -> bool,
) -> Result<(Rung, Interpreter, Worker), StartError> {
    if !config.exe.exists() {
        return Err(StartError::Exe { exe: config.exe.clone(), reason: "there is no such file".to_owned() });
    }
    let mut pythons = Pythons::new(config);
    let mut failures = Vec::new();
    let unjailed = config.allow_unjailed.then_some(Rung::Unjailed);
    for rung in Rung::JAILED.into_iter().chain(unjailed).filter(|rung| wanted(*rung)) {
        for number in 0.. {
            let Some(python) = pythons.get(number).await else { break };
            match try_rung(config, rung, python).await {
                Ok(worker) => return Ok((rung, python.clone(), worker)),
                Err(reason) => {
                    tracing::debug!(%rung, python = %python.executable.display(), reason, "this jail does not hold");
                    failures.push(format!("{rung}: {reason}"));
                }
            }
        }
    }
    if failures.is_empty() && pythons.get(0).await.is_none() {
        let unfit = pythons.unfit;
        let reason = if unfit.is_empty() { "there is no python3".to_owned() } else { unfit.join("; ") };
        return Err(StartError::NoPython(reason));
    }
    Err(StartError::NoJail(failures.join("; ")))
}

/// The machine's interpreters, each examined when it is its turn: the first one will usually do.
struct Pythons {
    candidates: std::vec::IntoIter<PathBuf>,
    fit: Vec<Interpreter>,
    unfit: Vec<String>,
}

impl Pythons {
    fn new(config: &Config) -> Self {
        let candidates = interpreter::candidates(config.python.as_deref()).into_iter();
        Self { candidates, fit: Vec::new(), unfit: Vec::new() }
    }

    async fn get(&mut self, number: usize) -> Option<&Interpreter> {
        while self.fit.len() <= number {
            match interpreter::examine(&self.candidates.next()?).await {
                Ok(found) if self.fit.iter().all(|known| known.executable != found.executable) => {
                    self.fit.push(found);
                }
                Ok(_) => {}
                Err(reason) => self.unfit.push(reason),
            }
        }
        self.fit.get(number)
    }
}

async fn try_rung(config: &Config, rung: Rung, python: &Interpreter) -> Result<Worker, String> {
    let plan = Plan { rung, python: python.clone(), hash_seed: HASH_SEEDS[0] };
    let mut worker = Worker::start(&config.exe, &plan).await?;
    let job = Job {
        script: include_str!("self_test.py").into(),
        file_name: "self_test.py".into(),
        seed: "self-test".to_owned(),
        stdin: None,
        hash_seed_variant: false,
    };
    let limits = Limits::default();
    let finished = worker.run(&job, &limits, std::future::pending()).await.map_err(|Died(reason)| reason)?;
    let output = report::judge(finished, &job, &limits)
        .map_err(|report::NotArmed(reason)| reason)?
        .map_err(|error| format!("the jail's own test failed: {error}"))?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "" => Ok(worker),
        _ if rung == Rung::Unjailed => Ok(worker),
        got_through => Err(format!("the jail's own test could do what it must not: {got_through}")),
    }
}

/// Ends when the zygote, if there is one, dies while it has nothing to do. Cancel-safe.
async fn death(worker: Option<&Worker>) -> Died {
    match worker {
        Some(worker) => worker.died().await,
        None => std::future::pending().await,
    }
}

/// One worker's place: keeps a zygote there and gives it work.
struct Post {
    shared: Arc<Shared>,
    hash_seed: u32,
    /// Deaths and failed starts since the last run that came to an end.
    setbacks: u32,
}

impl Post {
    fn new(shared: &Arc<Shared>, hash_seed: u32) -> Self {
        Self { shared: Arc::clone(shared), hash_seed, setbacks: 0 }
    }

    const fn is_variant(&self) -> bool {
        self.hash_seed != HASH_SEEDS[0]
    }

    fn lane(&self) -> &Lane {
        if self.is_variant() { &self.shared.variant } else { &self.shared.ordinary }
    }

    /// Works until the sandbox closes.
    async fn keep(mut self, mut worker: Option<Worker>) {
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
            let limits = self.shared.limits;
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
