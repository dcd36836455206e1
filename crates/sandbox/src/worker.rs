//! One zygote, seen from the server: started, given one script at a time, stopped at the limits.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice, Seek as _, Write as _};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, recv, sendmsg, socketpair,
};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::files::{MADE_INDEX, MAX_MADE_BYTES};
use crate::plan::{ASK, COMMON, MESSAGE_MAX, NUMPY, Plan, RARE, Setup};
use crate::{Job, Limits, Rung, clock, filter, raw, report};

/// How long building the jail and importing the library may take.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Between the signal that makes Python say where it is and the one that ends it.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How long the kernel may take to end a killed process and the zygote to tell us. After it the zygote is given up.
const GRACE: Duration = Duration::from_secs(5);
/// How much is kept of what a script prints to standard error.
const STDERR_KEPT: usize = 64 << 10;
/// How much is kept of a child's report. Larger than any that the child writes by itself.
const REPORT_KEPT: usize = 128 << 10;
/// Address space assumed for the interpreter when the kernel does not tell.
const INTERPRETER_SPACE: u64 = 128 << 20;

/// A started zygote. Dropping it ends the zygote and whatever it runs.
pub(crate) struct Worker {
    control: AsyncFd<OwnedFd>,
    guard: Child,
    /// The zygote's process id, as the server sees it.
    pub(crate) pid: u32,
    /// Address space of the zygote itself, in bytes.
    space: u64,
    /// What guard and zygote said on their standard error.
    said: Arc<Mutex<Vec<u8>>>,
    /// Ends when neither of them can say any more.
    listener: Option<JoinHandle<()>>,
}

/// The zygote died, or had to be given up; the run is in nobody's hands.
#[derive(Debug)]
pub(crate) struct Died(pub(crate) String);

/// Why a run was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Wall,
    Output,
    Cancelled,
}

/// A run that is over, by the kernel's account.
#[derive(Debug)]
pub(crate) struct Finished {
    /// As `wait` gave it.
    pub(crate) status: i32,
    pub(crate) stopped: Option<Stopped>,
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) report: Vec<u8>,
    /// What it left as files, as it came out of the jail.
    pub(crate) made: Vec<u8>,
}

/// The job as the child reads it, out of the zygote's sight: a line that says where name, seed, script and the list of files
/// end and how many seconds its clock is ahead; then those four; then what the files hold.
fn job_file(job: &Job) -> io::Result<OwnedFd> {
    let (name, seed) = (job.file_name.as_bytes(), job.seed.as_bytes());
    let shift = if job.hash_seed_variant && clock::is_read(&job.script) { clock::SHIFT.as_secs() } else { 0 };
    let index: Vec<(&str, usize)> =
        job.files.iter().map(|file| (file.path.as_str(), file.content.len())).collect();
    let index = serde_json::to_vec(&index)?;
    let seed_end = name.len() + seed.len();
    let script_end = seed_end + job.script.len();
    let head = format!("{} {seed_end} {script_end} {} {shift}\n", name.len(), script_end + index.len());
    let mut parts = vec![head.as_bytes(), name, seed, job.script.as_bytes(), &index];
    parts.extend(job.files.iter().map(|file| &*file.content));
    memory_file(&parts)
}

impl Worker {
    /// Starts `exe` as a zygote in the jail that the plan says.
    ///
    /// # Errors
    /// A sentence saying why it did not come up.
    pub(crate) async fn start(exe: &Path, plan: &Plan) -> Result<Self, String> {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .map_err(|error| format!("no socket pair: {error}"))?;
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|error| error.to_string())?;
        let mut guard = Command::new(exe)
            .arg0("questhall-sandbox")
            .arg(ASK)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .current_dir("/")
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", exe.display()))?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let listener = guard.stderr.take().map(|stderr| tokio::spawn(listen(stderr, Arc::clone(&said))));
        let control = raw::watched(ours).map_err(|error| error.to_string())?;
        let mut worker = Self { control, guard, pid: 0, space: INTERPRETER_SPACE, said, listener };
        match timeout(START_PATIENCE, worker.shake_hands(plan)).await {
            Ok(Ok(())) => Ok(worker),
            Ok(Err(error)) => Err(worker.why(&error.to_string()).await),
            Err(_) => Err(worker.why("it did not get ready in time").await),
        }
    }

    async fn shake_hands(&mut self, plan: &Plan) -> io::Result<()> {
        let filter = match plan.rung {
            Rung::Unjailed => None,
            rung => Some(filter::script_filter(rung != Rung::Seccomp).map_err(io::Error::other)?),
        };
        let setup = Setup {
            filter: filter.as_ref().map(filter::to_hex),
            paths: plan.python.extra_paths(),
            preload: [
                (COMMON, true),
                (RARE, plan.rung == Rung::Seccomp),
                (NUMPY, !plan.python.numpy.is_empty()),
            ]
            .into_iter()
            .filter(|(_, wanted)| *wanted)
            .flat_map(|(modules, _)| modules.split_whitespace())
            .collect(),
        };
        self.send(&serde_json::to_vec(plan)?, &[]).await?;
        let pid = self.receive().await?;
        self.pid = text_after("pid ", &pid)?.trim().parse().map_err(io::Error::other)?;
        self.send(&serde_json::to_vec(&setup)?, &[]).await?;
        let ready = self.receive().await?;
        text_after("ready ", &ready)?;
        if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            && let Some(size) = status.lines().find_map(|line| line.strip_prefix("VmSize:"))
            && let Some(kilobytes) = size.split_whitespace().next().and_then(|n| n.parse::<u64>().ok())
        {
            self.space = kilobytes << 10;
        }
        Ok(())
    }

    /// Why it did not work: what the process said, or else `otherwise`.
    async fn why(&mut self, otherwise: &str) -> String {
        // Its last words come before its end; a process that hangs is not waited for.
        if let Some(listener) = &mut self.listener
            && timeout(Duration::from_millis(500), &mut *listener).await.is_ok()
        {
            self.listener = None;
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&said);
        said.trim().lines().last().map_or_else(|| otherwise.to_owned(), str::to_owned)
    }

    /// Ends the zygote and waits until it is gone.
    pub(crate) async fn stop(self) {
        let Self { control, mut guard, .. } = self;
        drop(control);
        if timeout(GRACE, guard.wait()).await.is_err() {
            // Not worth an error: dropping the handle kills it, and the zygote with it.
            let _ = guard.start_kill();
        }
    }

    /// Ends when the zygote dies while it has nothing to do. Cancel-safe.
    pub(crate) async fn died(&self) -> Died {
        match self.receive().await {
            Ok(_) => Died("it spoke out of turn".to_owned()),
            Err(error) => Died(error.to_string()),
        }
    }

    /// Runs one script to its end, whatever end that is. `cancelled` makes it a quick one.
    ///
    /// # Errors
    /// When the zygote, rather than the script, fails. It must then not be used again.
    pub(crate) async fn run(
        &mut self,
        job: &Job,
        limits: &Limits,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Finished, Died> {
        match self.try_run(job, limits, cancelled).await {
            Ok(finished) => Ok(finished),
            Err(error) => Err(Died(self.why(&error.to_string()).await)),
        }
    }

    async fn try_run(
        &mut self,
        job: &Job,
        limits: &Limits,
        cancelled: impl Future<Output = ()>,
    ) -> io::Result<Finished> {
        let text = job_file(job)?;
        let stdin = job.stdin.as_deref().map(|stdin| memory_file(&[stdin])).transpose()?;
        let (stdout, stdout_theirs) = pipe_pair()?;
        let (stderr, stderr_theirs) = pipe_pair()?;
        let (report, report_theirs) = pipe_pair()?;
        let (made, made_theirs) = pipe_pair()?;

        let cpu = limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0);
        let order = format!("r {} {} {}", cpu.max(1), cpu.max(1) + 1, self.space + limits.memory_bytes);
        let fds = [&text, &stdout_theirs, &stderr_theirs, &report_theirs, &made_theirs];
        let fds: Vec<RawFd> = fds.into_iter().chain(&stdin).map(AsRawFd::as_raw_fd).collect();
        let started = Instant::now();
        self.send(order.as_bytes(), &fds).await?;
        drop((text, stdin, stdout_theirs, stderr_theirs, report_theirs, made_theirs));

        let (flood, dump) = (Notify::new(), Notify::new());
        let mut streams = pin!(async {
            tokio::join!(
                capture(stdout, limits.output_bytes, |kept| {
                    if kept.len() > limits.output_bytes {
                        flood.notify_one();
                    }
                }),
                capture(stderr, STDERR_KEPT, |_| ()),
                capture(report, REPORT_KEPT, |kept| {
                    if report::begins_with_dump(kept) {
                        dump.notify_one();
                    }
                }),
                capture(made, MAX_MADE_BYTES + MADE_INDEX, |_| ()),
            )
        });
        let mut captured = None;
        let mut cancelled = pin!(cancelled);
        let mut stopped = None;
        let (mut killed, mut dumped) = (false, false);
        let mut deadline = started + limits.wall;
        let done = loop {
            let stop = tokio::select! {
                message = self.receive() => break message?,
                all = &mut streams, if captured.is_none() => {
                    captured = Some(all);
                    continue;
                }
                () = dump.notified(), if stopped.is_none() && !dumped => {
                    // The kernel has told Python that its processor time is up, and Python has said where it was.
                    // It may still be ending by itself, so the verdict is left to how it ends.
                    dumped = true;
                    deadline = deadline.min(Instant::now() + LAST_WORDS);
                    continue;
                }
                () = flood.notified(), if stopped.is_none() => Stopped::Output,
                () = &mut cancelled, if stopped.is_none() => Stopped::Cancelled,
                () = sleep_until(deadline) => Stopped::Wall,
            };
            if killed {
                return Err(io::Error::other("a killed script did not end"));
            }
            let first = stopped.is_none();
            if !dumped || stop != Stopped::Wall {
                stopped = stopped.or(Some(stop));
            }
            if first && stop == Stopped::Wall && !dumped {
                self.send(b"x", &[]).await?;
                deadline = Instant::now() + LAST_WORDS;
            } else {
                self.send(b"k", &[]).await?;
                killed = true;
                deadline = Instant::now() + GRACE;
            }
        };
        let wall = started.elapsed();
        let (stdout, stderr, report, made) = match captured {
            Some(all) => all,
            None => timeout(GRACE, streams).await?,
        };
        let (stdout, stderr, report, made) = (stdout?, stderr?, report?, made?);
        let [status, user, system, _]: [i64; 4] = numbers(text_after("done ", &done)?)?;
        let micros = |count: i64| Duration::from_micros(count.unsigned_abs());
        Ok(Finished {
            status: i32::try_from(status).map_err(io::Error::other)?,
            // Too much output may be found only after the script has ended.
            stopped: stopped.or((stdout.len() > limits.output_bytes).then_some(Stopped::Output)),
            wall,
            cpu: micros(user) + micros(system),
            stdout,
            stderr,
            report,
            made,
        })
    }

    async fn send(&self, message: &[u8], fds: &[RawFd]) -> io::Result<()> {
        let rights = [ControlMessage::ScmRights(fds)];
        let rights = if fds.is_empty() { &rights[..0] } else { &rights[..] };
        let text = [IoSlice::new(message)];
        self.control
            .async_io(Interest::WRITABLE, |socket| {
                let flags = MsgFlags::MSG_NOSIGNAL;
                Ok(sendmsg::<()>(socket.as_raw_fd(), &text, rights, flags, None)?)
            })
            .await?;
        Ok(())
    }

    /// The next message. Cancel-safe.
    async fn receive(&self) -> io::Result<Vec<u8>> {
        let mut message = vec![0; MESSAGE_MAX.min(4096)];
        let length = self
            .control
            .async_io(Interest::READABLE, |socket| {
                Ok(recv(socket.as_raw_fd(), &mut message, MsgFlags::empty())?)
            })
            .await?;
        if length == 0 {
            return Err(io::Error::other("the zygote is gone"));
        }
        message.truncate(length);
        Ok(message)
    }
}

/// Keeps the last few kilobytes of what guard and zygote say.
async fn listen(mut stderr: tokio::process::ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    const KEPT: usize = 8 << 10;
    let mut chunk = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&chunk[..length]);
        let excess = said.len().saturating_sub(KEPT);
        said.drain(..excess);
    }
}

/// Reads to the end and keeps the first `limit` bytes; one more is kept as the sign that there were more.
/// `look` sees what is kept whenever there was something to read.
async fn capture(mut pipe: pipe::Receiver, limit: usize, look: impl Fn(&[u8])) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let length = pipe.read(&mut chunk).await?;
        if length == 0 {
            return Ok(kept);
        }
        let room = (limit + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..length.min(room)]);
        look(&kept);
    }
}

fn pipe_pair() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (ours, theirs) = io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(ours.into())?, theirs.into()))
}

/// A file that lives in memory, to be read from its beginning.
fn memory_file(parts: &[&[u8]]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(c"job", MFdFlags::MFD_CLOEXEC)?);
    for part in parts {
        file.write_all(part)?;
    }
    file.rewind()?;
    Ok(file.into())
}

fn text_after<'a>(prefix: &str, message: &'a [u8]) -> io::Result<&'a str> {
    let text = std::str::from_utf8(message).map_err(io::Error::other)?;
    text.strip_prefix(prefix)
        .ok_or_else(|| io::Error::other(format!("the zygote said {text:?} instead of {prefix:?}")))
}

fn numbers<const N: usize>(text: &str) -> io::Result<[i64; N]> {
    let numbers: Vec<i64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(io::Error::other)?;
    numbers.try_into().map_err(|_| io::Error::other(format!("the zygote said {text:?}")))
}
