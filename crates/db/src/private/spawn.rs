//! The one place that needs `unsafe`: what a child does between fork and exec.
#![expect(
    unsafe_code,
    reason = "pre_exec is the only way to set a parent-death signal; see the SAFETY notes"
)]

use std::{io, os::unix::process::CommandExt, process::Command};

use nix::{
    sys::{prctl, signal::Signal},
    unistd::{Pid, getpid, getppid},
};

/// Makes the kernel send the child SIGINT, PostgreSQL's word for a fast and clean shutdown, when the thread that
/// spawns it ends, however it ends. So spawn it from a thread that lives as long as the child shall.
pub(super) fn stop_with_this_thread(command: &mut Command) {
    let parent: Pid = getpid();
    let arm = move || {
        prctl::set_pdeathsig(Signal::SIGINT)?;
        if getppid() != parent {
            // We died between fork and prctl; nobody would ever stop this child.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. The closure makes two system calls
    // (prctl, getppid), allocates nothing and takes no locks; both error conversions are plain values.
    unsafe { command.pre_exec(arm) };
}
