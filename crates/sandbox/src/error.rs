//! What can go wrong, said so that the script's author can act on it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Why a sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No interpreter of the machine will do.
    #[error(
        "no usable Python was found: {0}. Install Python 3.11 or newer (Debian: apt-get install python3)"
    )]
    NoPython(String),
    /// No rung of the ladder holds, and running without a jail was not allowed.
    #[error(
        "this machine offers no jail for Python scripts, so none will be run ({0}). `questhall doctor` says what is \
         missing; the operator may write `allow_unjailed = true` to run scripts with all the server's rights"
    )]
    NoJail(String),
    /// The binary to start again does not answer as one that calls [`crate::zygote_main_if_asked`].
    #[error("{} cannot be started as a zygote: {reason}", exe.display())]
    Exe {
        /// The binary.
        exe: PathBuf,
        /// What happened.
        reason: String,
    },
}

/// Which limit a script hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Time from start to end.
    Wall(Duration),
    /// Processor time.
    Cpu(Duration),
    /// Memory, in bytes.
    Memory(u64),
    /// Standard output, in bytes.
    Output(usize),
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wall(limit) => write!(f, "it ran for longer than {} s", limit.as_secs_f64()),
            Self::Cpu(limit) => write!(f, "it used more than {} s of processor time", limit.as_secs_f64()),
            Self::Memory(limit) => write!(f, "it needed more than {} of memory", bytes(*limit)),
            Self::Output(limit) => write!(f, "it printed more than {}", bytes(*limit as u64)),
        }
    }
}

fn bytes(count: u64) -> String {
    match count {
        c if c >= 1 << 20 && c.is_multiple_of(1 << 20) => format!("{} MiB", c >> 20),
        c if c >= 1 << 10 && c.is_multiple_of(1 << 10) => format!("{} KiB", c >> 10),
        c => format!("{c} bytes"),
    }
}

/// Why a run gave no output. `Display` is written for the script's author; a participant is told less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The script raised an exception, did not compile, or ended itself with an error.
    Script {
        /// The exception and, where the jail was in the way, what the jail allows.
        message: String,
        /// The line of the script that was being executed, when known.
        line: Option<u32>,
        /// Python's traceback, within the script's own frames. Empty when there is none.
        traceback: String,
        /// The first 64 KiB of standard error.
        stderr: String,
    },
    /// The script hit a limit and was stopped.
    Limit {
        /// Which one, and how high it is.
        kind: LimitKind,
        /// The line that was being executed, when known.
        line: Option<u32>,
        /// The first 64 KiB of standard error.
        stderr: String,
    },
    /// The script's process died of a signal that was not ours: a crash of the interpreter, or the kernel's
    /// out-of-memory killer.
    Killed {
        /// The signal's number.
        signal: i32,
        /// The line that was being executed, when known.
        line: Option<u32>,
        /// The first 64 KiB of standard error.
        stderr: String,
    },
    /// The tenant has as many runs waiting as it may have.
    QueueFull,
    /// The script could not be run, through no fault of its own.
    Unavailable(String),
}

impl RunError {
    /// Whether the script, rather than the service, is to blame: running it again would give the same.
    pub const fn is_authors(&self) -> bool {
        matches!(self, Self::Script { .. } | Self::Limit { .. } | Self::Killed { .. })
    }

    /// The line of the script that was being executed, when known.
    pub const fn line(&self) -> Option<u32> {
        match self {
            Self::Script { line, .. } | Self::Limit { line, .. } | Self::Killed { line, .. } => *line,
            Self::QueueFull | Self::Unavailable(_) => None,
        }
    }

    /// What the script printed to standard error, as far as it was kept.
    pub fn stderr(&self) -> &str {
        match self {
            Self::Script { stderr, .. } | Self::Limit { stderr, .. } | Self::Killed { stderr, .. } => stderr,
            Self::QueueFull | Self::Unavailable(_) => "",
        }
    }
}

impl std::error::Error for RunError {}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |line: &Option<u32>| line.map_or_else(String::new, |line| format!(" (in line {line})"));
        match self {
            Self::Script { message, line, .. } => write!(f, "the script failed{}: {message}", at(line)),
            Self::Limit { kind, line, .. } => write!(f, "the script was stopped{}: {kind}", at(line)),
            Self::Killed { signal, line, .. } => write!(
                f,
                "the script's process was ended by signal {signal}{}{}: the interpreter crashed or the machine ran \
                 out of memory",
                nix::sys::signal::Signal::try_from(*signal).map_or(String::new(), |name| format!(", {name}")),
                at(line)
            ),
            Self::QueueFull => f.write_str("too many runs are waiting already; try again when some are done"),
            Self::Unavailable(reason) => write!(f, "scripts cannot be run just now: {reason}"),
        }
    }
}
