//! `questhall serve` as a child process that tests start, kill and start again.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::{http, until};

/// Log lines kept for who has to find out what happened.
const KEPT: usize = 400;

/// What errors say that tell of PostgreSQL's death, or of a session's.
const DEATHS: [&str; 8] = [
    "private PostgreSQL",
    "terminating connection",
    "Broken pipe",
    "Connection reset",
    "Connection refused",
    "0 bytes at EOF",
    // Its socket is gone until it is back.
    "communicating with database: No such file",
    // Nor is it back soon on a busy machine.
    "pool timed out while waiting for an open connection",
];

/// A server, running or not; where it listens changes with every start.
pub(crate) struct Server {
    arguments: Vec<String>,
    child: Option<Child>,
    address: watch::Sender<Option<SocketAddr>>,
    log: Arc<Mutex<Log>>,
    /// Whatever its processes were when it was killed: none may live on.
    families: Vec<Process>,
}

#[derive(Default)]
struct Log {
    lines: VecDeque<String>,
    /// Lines that tell of a fault of ours.
    faults: Vec<String>,
}

/// A process, told from a later one with the same id by when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) name: String,
    parent: i32,
    began: String,
    dead: bool,
}

impl Server {
    /// Starts nothing yet.
    pub(crate) fn new(arguments: &[String]) -> Self {
        // Only `up` makes a database where none is.
        let command = if arguments.iter().any(|argument| argument == "--data-dir") { "up" } else { "serve" };
        let common =
            [command, "--listen", "127.0.0.1:0", "--set", "log.format=json", "--set", "log.filter=info"];
        // The same for all nodes, and no file in the data folder of whoever runs this.
        let key = ["--set", "secrets.key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];
        // What was begun may take its time to be finished, beside everything else that a machine does that tests.
        let unhurried = ["--set", "workers.stop_timeout=2m", "--set", "http.drain_timeout=2m"];
        let common = common.into_iter().chain(key).chain(unhurried);
        let arguments = common.map(str::to_owned).chain(arguments.iter().cloned()).collect();
        let (address, _) = watch::channel(None);
        Self { arguments, child: None, address, log: Arc::default(), families: Vec::new() }
    }

    /// Where it listens, while it does.
    pub(crate) fn address(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.address.subscribe()
    }

    /// Starts it and does not wait.
    pub(crate) fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let mut child = questhall(&self.arguments).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (log, address) = (Arc::clone(&self.log), self.address.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(at) = address_of(&line) {
                    address.send_replace(Some(at));
                }
                log.lock().unwrap().note(line);
            }
        });
        self.child = Some(child);
    }

    /// Waits until it says that it is ready; answers where it listens.
    pub(crate) async fn ready(&mut self) -> SocketAddr {
        let (mut address, child) = (self.address.subscribe(), self.child.as_mut().unwrap());
        until("the server is ready", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended by itself: {status}");
            }
            let at = (*address.borrow_and_update())?;
            let answer = http::get(at, "/readyz", None).await.ok()?;
            (answer.status == 200).then_some(at)
        })
        .await
    }

    /// Starts it and waits until it is ready; answers how long that took.
    pub(crate) async fn up(&mut self) -> Duration {
        let began = Instant::now();
        self.start();
        self.ready().await;
        began.elapsed()
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGKILL, as the kernel does when memory runs out.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        self.families.extend(descendants(&child));
        self.address.send_replace(None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and a good end.
    pub(crate) async fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        self.families.extend(descendants(&child));
        kill(pid_of(&child), Signal::SIGTERM).unwrap();
        let status = until("the server stops", async || child.try_wait().unwrap()).await;
        self.address.send_replace(None);
        assert!(status.success(), "it stopped with {status}\n{}", self.tail());
    }

    /// Its processes, itself not among them.
    pub(crate) fn family(&self) -> Vec<Process> {
        self.child.as_ref().map(descendants).unwrap_or_default()
    }

    /// Waits until nothing lives of what was ever killed or stopped.
    pub(crate) async fn nothing_left(&mut self) {
        let families = std::mem::take(&mut self.families);
        until("the processes of killed servers end", async || {
            let alive: Vec<Process> = processes();
            let left = families.iter().find(|old| {
                alive.iter().any(|new| new.pid == old.pid && new.began == old.began && !new.dead)
            });
            left.is_none().then_some(())
        })
        .await;
    }

    /// What it logged as a fault of its own.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.log.lock().unwrap().faults.clone()
    }

    fn tail(&self) -> String {
        self.log.lock().unwrap().lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.tail());
        }
    }
}

impl Log {
    fn note(&mut self, line: String) {
        let error = line.contains(r#""level":"ERROR""#);
        let fault = error && !DEATHS.iter().any(|death| line.contains(death)) || line.contains("panicked");
        if fault {
            self.faults.push(line.clone());
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// The binary with these arguments and an environment without surprises: the one that was built with the tests, unless another is named.
pub(crate) fn questhall(arguments: &[String]) -> Command {
    let other = std::env::var_os("QUESTHALL_CHAOS_BINARY");
    let mut command = Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_questhall").into()));
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    for name in ["PATH", "HOME", "USER", "TMPDIR", "LANG"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

fn address_of(line: &str) -> Option<SocketAddr> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    (fields["message"] == "ready").then(|| fields["address"].as_str()?.parse().ok()).flatten()
}

fn descendants(child: &Child) -> Vec<Process> {
    let all = processes();
    let mut family = vec![pid_of(child).as_raw()];
    let mut found = Vec::new();
    while let Some(parent) = family.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            family.push(process.pid);
            found.push(process.clone());
        }
    }
    found
}

/// Every process there is.
fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        let (head, rest) = stat.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let (state, parent, began) =
            (*fields.first()?, fields.get(1)?.parse().ok()?, (*fields.get(19)?).to_owned());
        Some(Self { pid, name, parent, began, dead: matches!(state, "Z" | "X") })
    }
}
