//! The seccomp allowlist of a script's process, for `x86_64` and `aarch64`.
//!
//! What is not listed answers EPERM: no process is made or signalled, nothing is connected, no file is opened for
//! writing, no other process is looked at. `fcntl` and `ioctl` are filtered by command: `F_SETOWN`, `F_SETSIG` and
//! `O_ASYNC` would have the kernel signal our own processes, and `SIOCGIFCONF` tells the machine's addresses.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Calls that are allowed whatever their arguments.
const ALWAYS: &[libc::c_long] = &[
    // descriptors it has
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_lseek,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fstat,
    // memory
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // time
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_times,
    libc::SYS_restart_syscall,
    // waiting and locks
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    // signals it gets
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // itself
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_getcwd,
    libc::SYS_getrandom,
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The same for calls that only `x86_64` has.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[libc::c_long] =
    &[libc::SYS_dup2, libc::SYS_poll, libc::SYS_select, libc::SYS_time, libc::SYS_arch_prctl];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[libc::c_long] = &[];

/// Looking at files, for importing modules: where Landlock or a file system of its own bounds what is seen.
const LOOKING: &[libc::c_long] =
    &[libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_getdents64];

#[cfg(target_arch = "x86_64")]
const LOOKING_HERE: &[libc::c_long] = &[libc::SYS_stat, libc::SYS_lstat, libc::SYS_access];
#[cfg(not(target_arch = "x86_64"))]
const LOOKING_HERE: &[libc::c_long] = &[];

/// `fcntl` commands that only touch the descriptor itself.
const FCNTL: &[libc::c_int] =
    &[libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL];

/// `ioctl` commands that Python's file objects use: "is it a terminal?" and close-on-exec.
const IOCTL: &[u64] = &[TCGETS, TCGETS2, FIOCLEX, FIONCLEX];
const TCGETS: u64 = 0x5401;
const TCGETS2: u64 = 0x802c_542a;
const FIOCLEX: u64 = 0x5451;
const FIONCLEX: u64 = 0x5450;

/// Any of these in `open`'s flags means more than reading.
const WRITING: libc::c_int =
    libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND | (libc::O_TMPFILE & !libc::O_DIRECTORY);

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the sandbox knows the system calls of x86_64 and aarch64 only");

/// Makes the program that a script's process loads.
///
/// `files`: whether files may be opened for reading, as far as the rest of the jail lets them be seen. Without, not
/// even the kernel's way of saying `fstat` by an empty path is allowed, for a filter cannot see what a path says;
/// Python does without.
pub(crate) fn script_filter(files: bool) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let mut always = |calls: &[libc::c_long]| {
        for call in calls {
            rules.insert(*call, Vec::new());
        }
    };
    always(ALWAYS);
    always(ALWAYS_HERE);
    if files {
        always(LOOKING);
        always(LOOKING_HERE);
        rules.insert(libc::SYS_openat, vec![read_only(2)?]);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, vec![read_only(1)?]);
    }
    rules.insert(
        libc::SYS_fcntl,
        FCNTL.iter().map(|command| equals(1, u64::from(command.unsigned_abs()))).collect::<Result<_, _>>()?,
    );
    rules.insert(libc::SYS_ioctl, IOCTL.iter().map(|command| equals(1, *command)).collect::<Result<_, _>>()?);
    // Reading its own limits; setting them, or touching another process, is refused.
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![
            SeccompCondition::new(0, Len::Dword, Op::Eq, 0)?,
            SeccompCondition::new(2, Len::Qword, Op::Eq, 0)?,
        ])?],
    );
    let refusal = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, refusal, SeccompAction::Allow, ARCH)?.try_into()
}

fn equals(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, Len::Dword, Op::Eq, value)?])
}

fn read_only(flags_argument: u8) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(
        flags_argument,
        Len::Dword,
        Op::MaskedEq(WRITING.unsigned_abs().into()),
        0,
    )?])
}

/// The program as the zygote hands it to the kernel: `struct sock_filter`s one after the other, in hex.
pub(crate) fn to_hex(program: &BpfProgram) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(program.len() * 16);
    for instruction in program {
        let mut bytes = Vec::with_capacity(8);
        bytes.extend(instruction.code.to_ne_bytes());
        bytes.extend([instruction.jt, instruction.jf]);
        bytes.extend(instruction.k.to_ne_bytes());
        for byte in bytes {
            let _ = write!(hex, "{byte:02x}");
        }
    }
    hex
}
