//! The thread that starts the private PostgreSQL, waits on it, and starts it again when it dies.
//!
//! It is a thread and not a task because the kernel ends the server when the thread that started it ends
//! ([`super::spawn`]); a runtime's worker threads come and go. It holds the lock on the data directory until the
//! server has gone, so whoever gets the lock next finds the cluster closed or orphaned, never in somebody's hands.

use std::{
    process::{Child, Command, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use tokio::sync::watch;

use super::{
    State,
    error::{PrivateError, io as failed},
    layout::Lock,
    orphans,
    prepare::Prepared,
    spawn,
};
use crate::pool::ServerEpoch;

/// How often a starting server is looked at.
const START_POLL: Duration = Duration::from_millis(10);

/// Pause before the second restart in a row; doubles up to one of the two below.
const BACKOFF_MIN: Duration = Duration::from_millis(100);

/// Longest pause before a server that did take connections before it died.
const BACKOFF_ONCE_READY: Duration = Duration::from_millis(500);

/// Longest pause before one that does not even start: a full disk, say, needs somebody's hand.
const BACKOFF_MAX: Duration = Duration::from_secs(15);

/// A server that ran this long counts as healthy again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// What the thread and its handle share.
#[derive(Debug, Default)]
pub(super) struct Control {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    stop: bool,
    /// Some only while the process is ours and not yet reaped, so a signal never hits a stranger.
    child: Option<Pid>,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the end: no more restarts, and `signal` to the server if it runs.
    pub(super) fn stop(&self, signal: Signal) {
        let mut inner = self.lock();
        inner.stop = true;
        if let Some(pid) = inner.child {
            // It may be a zombie by now; then there is nothing left to stop.
            let _ = kill(pid, signal);
        }
        self.changed.notify_all();
    }

    /// The server's process id while it runs.
    pub(super) fn child(&self) -> Option<Pid> {
        self.lock().child
    }

    /// Waits that long unless the end is asked for first. True: go on.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), duration, |inner| !inner.stop);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }

    /// Starts the process unless the end was asked for.
    fn spawn(&self, command: &mut Command) -> Result<Child, PrivateError> {
        let mut inner = self.lock();
        if inner.stop {
            return Err(PrivateError::Stopped);
        }
        let child = command.spawn().map_err(failed("cannot run postgres"))?;
        inner.child = i32::try_from(child.id()).ok().map(Pid::from_raw);
        Ok(child)
    }

    /// Reaps the process if it has ended.
    fn try_reap(&self, child: &mut Child) -> Option<ExitStatus> {
        let mut inner = self.lock();
        let status = child.try_wait().ok().flatten()?;
        inner.child = None;
        Some(status)
    }

    /// Waits for the process to end, without holding the lock meanwhile, then reaps it.
    fn wait(&self, child: &mut Child) -> Option<ExitStatus> {
        let pid = self.child()?;
        while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
            == Err(nix::errno::Errno::EINTR)
        {}
        let mut inner = self.lock();
        let status = child.wait().ok();
        inner.child = None;
        status
    }
}

/// The thread's state.
pub(super) struct Supervisor {
    pub(super) prepared: Prepared,
    pub(super) control: Arc<Control>,
    pub(super) state: watch::Sender<State>,
    pub(super) epoch: ServerEpoch,
    pub(super) lock: Lock,
}

impl Supervisor {
    /// Starts the server for the first time and calls `ready` with the outcome; then keeps it running until it is
    /// asked to stop.
    pub(super) fn run(self, ready: impl FnOnce(Result<(), PrivateError>)) {
        let first = self.launch();
        let mut child = match first {
            Ok(child) => {
                self.state.send_replace(State::Ready);
                ready(Ok(()));
                child
            }
            Err(error) => {
                self.finish();
                ready(Err(error));
                return;
            }
        };
        let mut failures = 0_u32;
        loop {
            let since = Instant::now();
            let status = self.control.wait(&mut child);
            // Whoever takes a connection from now on gets a fresh one, or waits.
            self.epoch.restarted();
            if self.control.lock().stop {
                break;
            }
            failures = if since.elapsed() >= HEALTHY_AFTER { 0 } else { failures.saturating_add(1) };
            let reason = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
            tracing::error!(%reason, "the private PostgreSQL ended unexpectedly, starting it again");
            let Some(restarted) = self.restart(failures, reason) else { break };
            child = restarted;
        }
        self.finish();
    }

    /// Tries until the server runs again or we are asked to stop (None).
    fn restart(&self, mut failures: u32, mut reason: String) -> Option<Child> {
        let mut longest = BACKOFF_ONCE_READY;
        loop {
            self.state.send_replace(State::Restarting { attempt: failures.max(1), reason });
            // The first restart is immediate: one crash is bad luck, two are a pattern.
            if failures > 1 {
                let doubled = BACKOFF_MIN.saturating_mul(1 << (failures - 2).min(16));
                if !self.control.pause(doubled.min(longest)) {
                    return None;
                }
            }
            match self.launch() {
                Ok(child) => {
                    self.epoch.restarted();
                    self.state.send_replace(State::Ready);
                    tracing::info!("the private PostgreSQL runs again");
                    return Some(child);
                }
                Err(PrivateError::Stopped) => return None,
                Err(error) => {
                    tracing::error!(%error, "the private PostgreSQL could not be started again, trying later");
                    failures = failures.saturating_add(1);
                    longest = BACKOFF_MAX;
                    reason = error.to_string();
                }
            }
        }
    }

    /// Clears the way, starts the server and waits until it takes connections.
    fn launch(&self) -> Result<Child, PrivateError> {
        launch(&self.prepared, &self.control, true)
    }

    /// The server has gone: others may have the folder now. Told last, so that whoever hears it can start anew.
    fn finish(self) {
        // A postmaster that was killed leaves its children to notice; until then the cluster is not closed.
        let wait = || {
            std::thread::park_timeout(START_POLL);
            true
        };
        if let Err(error) = orphans::end(&self.prepared.layout.pgdata, wait) {
            tracing::error!(%error, "the private PostgreSQL was not stopped completely");
        }
        drop(self.lock);
        self.state.send_replace(State::Stopped);
    }
}

/// See [`Supervisor::launch`]. Not `tied`, the server outlives this thread and this process.
pub(super) fn launch(prepared: &Prepared, control: &Control, tied: bool) -> Result<Child, PrivateError> {
    let layout = &prepared.layout;
    orphans::end(&layout.pgdata, || control.pause(START_POLL))?;
    prepared.clear_socket_dir();
    let log = layout.open_log()?;
    let log_start = log.metadata().map_or(0, |metadata| metadata.len());
    let mut command = prepared.command(log)?;
    if tied {
        spawn::stop_with_this_thread(&mut command);
    }
    let mut child = control.spawn(&mut command)?;
    let since = Instant::now();
    let mut told = since;
    loop {
        if let Some(status) = control.try_reap(&mut child) {
            if control.lock().stop {
                return Err(PrivateError::Stopped);
            }
            let tail = layout.log_tail(log_start);
            if tail.contains("No space left on device") {
                let free_mib = super::tuning::free_mib(&layout.data_dir).unwrap_or(0);
                return Err(PrivateError::DiskFull {
                    dir: layout.data_dir.clone(),
                    free_mib,
                    needed_mib: 64,
                });
            }
            return Err(PrivateError::Died { status: status.to_string(), tail, log: layout.log.clone() });
        }
        let ready = orphans::postmaster_file(&layout.pgdata)
            .is_some_and(|(pid, ready)| ready && u32::try_from(pid.as_raw()) == Ok(child.id()));
        if ready {
            return Ok(child);
        }
        // No limit: replaying a long log after a crash takes what it takes, and giving up would only begin it anew.
        if told.elapsed() > Duration::from_secs(10) {
            tracing::warn!(elapsed = ?since.elapsed(), "PostgreSQL is still starting, probably recovering from a crash");
            told = Instant::now();
        }
        // Asked to stop: the signal is on its way to the child already, whose end the next round sees.
        control.pause(START_POLL);
        if control.lock().stop {
            control.wait(&mut child);
            return Err(PrivateError::Stopped);
        }
    }
}
