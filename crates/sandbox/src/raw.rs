//! The few calls for which no safe wrapper exists. All `unsafe` of this crate is here.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::unistd::{ForkResult, Pid};
use tokio::io::unix::AsyncFd;

/// Forks. Refused unless the process has a single thread: the child of a threaded process may only call
/// async-signal-safe functions, and ours does much more.
#[expect(unsafe_code, reason = "fork has no safe wrapper")]
pub(crate) fn fork_single_threaded() -> io::Result<Option<Pid>> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("zygote_main_if_asked must be called before any thread is started"));
    }
    // SAFETY: there is no other thread that could hold a lock or be in the middle of anything.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// A descriptor that becomes readable when the process ends.
#[expect(unsafe_code, reason = "pidfd_open has no wrapper in nix")]
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes every descriptor from `first` up, whatever was inherited.
///
/// Call before any descriptor that somebody owns is opened.
#[expect(unsafe_code, reason = "close_range has no wrapper in nix")]
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: called first thing in a process that has opened nothing itself, so that no owner is cheated.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes a descriptor awaitable.
#[expect(unsafe_code, reason = "AsyncFd trusts its caller to keep the descriptor open")]
pub(crate) fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` stays open, and itself, until it is dropped, and the `AsyncFd` owns it.
    unsafe { AsyncFd::register(fd) }.map_err(io::Error::from)
}
