//! What callers hand in and get back.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::files::{File, Files};

/// What one run may use. What spec.md section 3 sets is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time from start to end, waiting included. Default 10 s.
    pub wall: Duration,
    /// Processor time. The kernel counts it in whole seconds: a fraction is rounded up. Default 5 s.
    pub cpu: Duration,
    /// Address space beyond what the interpreter itself takes, in bytes. Default 256 MiB.
    pub memory_bytes: u64,
    /// Standard output, in bytes. Default 4 MiB.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(10),
            cpu: Duration::from_secs(5),
            memory_bytes: 256 << 20,
            output_bytes: 4 << 20,
        }
    }
}

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The binary whose `main` begins with [`crate::zygote_main_if_asked`]. Default: the running one.
    pub exe: PathBuf,
    /// The interpreter. Default: the first of the machine's that is new enough and works in the jail.
    pub python: Option<PathBuf>,
    /// How many scripts run at once. Default: the number of cores.
    pub workers: usize,
    /// What one run may use.
    pub limits: Limits,
    /// Run scripts although no jail can be built here. They then have all the server's own rights.
    pub allow_unjailed: bool,
    /// How many runs of one tenant may wait. Default 10,000.
    pub queue_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // Linux keeps this link valid even when the binary has been replaced by an update meanwhile.
            exe: PathBuf::from("/proc/self/exe"),
            python: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
            allow_unjailed: false,
            queue_limit: 10_000,
        }
    }
}

/// One run of one script.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// The script's source text.
    pub script: Arc<str>,
    /// Its name in tracebacks, such as `03-maze/generate.py`.
    pub file_name: Arc<str>,
    /// What `random` is seeded with, and what stands in `QUESTHALL_SEED`.
    pub seed: String,
    /// What the script can read on standard input. `None`: nothing.
    pub stdin: Option<Vec<u8>>,
    /// Run with another hash seed than usual and, where the script looks at the clock, on another day. A check uses it to
    /// find scripts that depend on the order of a set, or on the date.
    pub hash_seed_variant: bool,
    /// What it finds beside it: `files/…`, and `lib/…` beside its folder.
    pub files: Files,
    /// What this run may use, where that is less than runs may in general.
    pub limits: Option<Limits>,
}

/// What a script that ended well left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Everything it printed, within the limit.
    pub stdout: Vec<u8>,
    /// The first 64 KiB of what it printed to standard error, with undecodable bytes replaced.
    pub stderr: String,
    /// The files that it left in `QUESTHALL_OUT`, by name.
    pub made: Vec<File>,
    /// Time from start to end.
    pub wall: Duration,
    /// Processor time of the script's process, its fork included.
    pub cpu: Duration,
}

/// How strong the jail is, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Own namespaces with a file system that holds only Python, Landlock, and a seccomp allowlist.
    Namespaces,
    /// Landlock and a seccomp allowlist.
    Landlock,
    /// A seccomp allowlist that opens no file at all: only modules imported beforehand work.
    Seccomp,
    /// No jail. Only when the operator allowed it in words.
    Unjailed,
}

impl Rung {
    /// The jails, strongest first.
    pub const JAILED: [Self; 3] = [Self::Namespaces, Self::Landlock, Self::Seccomp];
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespaces => "namespaces + Landlock + seccomp",
            Self::Landlock => "Landlock + seccomp",
            Self::Seccomp => "seccomp with preloaded modules only",
            Self::Unjailed => "no jail",
        })
    }
}

/// What a sandbox has done since it started, and what it is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Runs that ended well.
    pub succeeded: u64,
    /// Runs that ended with an error of the script's making.
    pub failed: u64,
    /// Runs that could not be done, through no fault of the script.
    pub unavailable: u64,
    /// Runs whose caller went away before the end.
    pub cancelled: u64,
    /// Workers started again after their zygote died.
    pub restarts: u64,
    /// Runs waiting now.
    pub queued: usize,
    /// Runs going on now.
    pub running: usize,
    /// Workers whose zygote is up.
    pub workers: usize,
}
