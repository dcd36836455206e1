//! Processes of an earlier PostgreSQL that still have a cluster open, and getting rid of them.
//!
//! Every process of a cluster has the cluster's folder as its working directory, so `/proc` tells them apart from
//! whatever else bears a recycled process id. While any lives, a new postmaster must not start (two of them on shared
//! memory would ruin the data), and `postmaster.pid` must stay.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::error::PrivateError;

/// How long each word is given time to work before the next, harder one.
const PATIENCE: [(Signal, Duration); 3] = [
    // Fast shutdown: rolls back, writes a checkpoint.
    (Signal::SIGINT, Duration::from_secs(30)),
    // Immediate: no checkpoint; the next start replays the log.
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// The processes that have `pgdata` as their working directory.
pub(super) fn processes_in(pgdata: &Path) -> Vec<Pid> {
    let Ok(wanted) = fs::metadata(pgdata) else { return Vec::new() };
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let cwd = fs::metadata(entry.path().join("cwd")).ok()?;
            // A shell that happens to stand in the folder is nobody's orphan.
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            let same = (cwd.dev(), cwd.ino()) == (wanted.dev(), wanted.ino());
            (same && name.trim_end() == "postgres").then(|| Pid::from_raw(pid))
        })
        .collect()
}

/// What `postmaster.pid` says: the postmaster's process id, and whether it is ready for connections.
pub(super) fn postmaster_file(pgdata: &Path) -> Option<(Pid, bool)> {
    let text = fs::read_to_string(pgdata.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().map(Pid::from_raw)?;
    let ready = lines.nth(6).is_some_and(|line| line.trim_end() == "ready");
    Some((pid, ready))
}

/// Ends whatever still has the cluster open, gently first. `pause` waits a moment and says whether to go on.
pub(super) fn end(pgdata: &Path, mut pause: impl FnMut() -> bool) -> Result<(), PrivateError> {
    let mut alive = processes_in(pgdata);
    if !alive.is_empty() {
        tracing::warn!(?alive, "PostgreSQL processes of an earlier run are still there, ending them");
    }
    for (signal, patience) in PATIENCE {
        if alive.is_empty() {
            break;
        }
        let postmaster = postmaster_file(pgdata).map(|(pid, _)| pid).filter(|pid| alive.contains(pid));
        let since = Instant::now();
        match postmaster {
            Some(pid) => signal_to(pid, signal),
            // Its children notice by themselves that it is gone; those that are busy need the harder words.
            None if signal == Signal::SIGINT => {}
            None => signal_all(&alive, signal),
        }
        let patience =
            if postmaster.is_none() && signal == Signal::SIGINT { Duration::from_secs(3) } else { patience };
        while !alive.is_empty() && since.elapsed() < patience {
            if !pause() {
                return Err(PrivateError::Stopped);
            }
            alive = processes_in(pgdata);
        }
        if signal == Signal::SIGKILL {
            signal_all(&alive, signal);
        }
    }
    if !alive.is_empty() {
        let pids = alive.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(PrivateError::Orphans { dir: pgdata.to_owned(), pids });
    }
    forget_recycled_pid(pgdata)
}

/// PostgreSQL refuses to start when the process id in a stale `postmaster.pid` exists: given to somebody else meanwhile
/// (common in containers, where ids are small), or a zombie whose new parent is slow to reap it. We know better:
/// nobody has the cluster open, and who has left its folder has left its memory and files before (Linux ends a process
/// in that order).
fn forget_recycled_pid(pgdata: &Path) -> Result<(), PrivateError> {
    let recycled = postmaster_file(pgdata).is_some_and(|(pid, _)| kill(pid, None).is_ok());
    if !recycled {
        return Ok(());
    }
    match fs::remove_file(pgdata.join("postmaster.pid")) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(PrivateError::Io { what: "cannot remove the stale postmaster.pid".to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn signal_all(pids: &[Pid], signal: Signal) {
    for pid in pids {
        signal_to(*pid, signal);
    }
}

/// A process that is gone already needs no signal.
fn signal_to(pid: Pid, signal: Signal) {
    if let Err(error) = kill(pid, signal)
        && error != nix::errno::Errno::ESRCH
    {
        tracing::warn!(%pid, %signal, %error, "a PostgreSQL process could not be signalled");
    }
}
