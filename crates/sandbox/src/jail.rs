//! What happens inside the process that the server starts: it builds the jail around itself and becomes Python.
//!
//! Two processes come of it. The first stays outside as a guard: it ends the second when the server goes away, and
//! ends itself when the second does. The second confines itself, in this order, and becomes the zygote: namespaces
//! and a file system of its own, another user, limits, Landlock, no new privileges.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::personality::{self, Persona};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, getgid, getuid, setgroups, sethostname, setresgid, setresuid, setsid};

use crate::Rung;
use crate::interpreter::Interpreter;
use crate::plan::{ASK, MESSAGE_MAX, NOBODY, Plan};
use crate::{landlocked, mounts, raw};

/// What teaches Python the script's own files, then the zygote itself.
const ZYGOTE: &str = concat!(include_str!("files.py"), "\n\n", include_str!("zygote.py"));

/// Descriptor 0 is the control socket.
const CONTROL: i32 = 0;

/// Becomes a zygote when the arguments ask for it, and then never returns; otherwise does nothing.
///
/// It must be the first thing that `main` does, before any thread is started (so not inside `#[tokio::main]`):
/// workers start the running binary again with this request.
pub fn zygote_main_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ASK) {
        let code = match guard() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("{error}");
                1
            }
        };
        std::process::exit(code);
    }
}

/// Receives the plan, starts the zygote and watches over it until either side ends.
fn guard() -> io::Result<i32> {
    raw::close_from(3)?;
    let mut message = vec![0; MESSAGE_MAX];
    let length = recv(CONTROL, &mut message, MsgFlags::empty())?;
    let plan: Plan = serde_json::from_slice(&message[..length])?;
    drop(message);
    setsid()?;
    std::env::set_current_dir("/")?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    // When the machine runs out of memory, scripts go before the server and its database. Best effort.
    let _ = std::fs::write("/proc/self/oom_score_adj", "800");
    if plan.rung == Rung::Namespaces {
        enter_namespaces()?;
    }
    let Some(zygote) = raw::fork_single_threaded()? else {
        let Err(error) = confine_and_become_python(&plan);
        return Err(error);
    };
    send(CONTROL, format!("pid {zygote}").as_bytes(), MsgFlags::MSG_NOSIGNAL)?;
    if plan.rung != Rung::Unjailed && getuid().is_root() {
        become_nobody()?;
    }
    watch(zygote)
}

/// Waits until the zygote ends, or the server's end of the control socket closes; then neither is left.
fn watch(zygote: Pid) -> io::Result<i32> {
    let ended = raw::pidfd_open(zygote)?;
    let control = io::stdin();
    loop {
        let mut watched = [
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
            // No events asked for: only the hang-up is reported.
            PollFd::new(control.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => break,
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Already ended, or to end now: either way this is not an error of ours.
    let _ = nix::sys::signal::kill(zygote, Signal::SIGKILL);
    Ok(match waitpid(zygote, None)? {
        nix::sys::wait::WaitStatus::Exited(_, code) => code,
        _ => 1,
    })
}

/// Leaves the machine's namespaces. The process namespace takes effect for the next fork.
fn enter_namespaces() -> io::Result<()> {
    let ours = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if getuid().is_root() && unshare(ours).is_ok() {
        return Ok(());
    }
    if getuid().is_root() {
        // Root without its usual powers, as in many containers: try as anybody would.
        become_nobody()?;
        // The change of user made our /proc files root's; without this the maps below could not be written.
        prctl::set_dumpable(true)?;
    }
    let (user, group) = (getuid(), getgid());
    unshare(ours | CloneFlags::CLONE_NEWUSER).map_err(|error| {
        io::Error::other(format!("unprivileged user namespaces are not to be had: {error}"))
    })?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{NOBODY} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{NOBODY} {group} 1"))?;
    Ok(())
}

fn become_nobody() -> io::Result<()> {
    setgroups(&[])?;
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    Ok(())
}

fn confine_and_become_python(plan: &Plan) -> io::Result<std::convert::Infallible> {
    // Before files of any size are forbidden.
    let source = zygote_source()?;
    let step = |what: &'static str| move |error: io::Error| io::Error::other(format!("{what}: {error}"));
    if plan.rung == Rung::Namespaces {
        mounts::become_only_python(&plan.python).map_err(step("a file system of its own"))?;
        sethostname("jail")?;
    }
    if plan.rung != Rung::Unjailed && getuid().is_root() {
        become_nobody()?;
    }
    if plan.rung != Rung::Unjailed {
        limit_resources()?;
    }
    if matches!(plan.rung, Rung::Namespaces | Rung::Landlock) {
        landlocked::confine(&plan.python).map_err(step("Landlock"))?;
    }
    prctl::set_no_new_privs()?;
    // After the change of user, which would clear it. The guard is single-threaded, so this is about the process.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // Addresses that are the same in every zygote make `id()` and what hangs on it more alike. Best effort.
    if let Ok(persona) = personality::get() {
        let _ = personality::set(persona | Persona::ADDR_NO_RANDOMIZE);
    }
    let error = python(&plan.python, plan.hash_seed, &source).exec();
    Err(io::Error::other(format!("starting {}: {error}", plan.python.executable.display())))
}

/// Limits that hold for the zygote and all its scripts; those on time and memory are set per run.
fn limit_resources() -> io::Result<()> {
    const STACK: u64 = 8 << 20;
    for (resource, limit) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NOFILE, 64),
        (Resource::RLIMIT_MEMLOCK, 0),
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_STACK, STACK),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// The zygote's text in a file that Python inherits. As an argument it would fill every list of processes.
fn zygote_source() -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(c"zygote.py", MFdFlags::empty())?);
    file.write_all(ZYGOTE.as_bytes())?;
    file.rewind()?;
    Ok(file.into())
}

/// `-I` and `-E` would ignore the hash seed, so what they protect from is kept away by an environment of our own.
fn python(python: &Interpreter, hash_seed: u32, source: &OwnedFd) -> Command {
    let start = format!("exec(compile(open({}).read(), 'zygote.py', 'exec'))", source.as_raw_fd());
    let mut command = Command::new(&python.executable);
    command.args(["-s", "-S", "-P", "-B", "-X", "utf8", "-c", &start]).env_clear().envs([
        ("PYTHONHASHSEED", hash_seed.to_string()),
        ("PYTHONHOME", python.home.clone()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        // numpy's linear algebra would start a thread per core, which a fork does not survive.
        ("OPENBLAS_NUM_THREADS", "1".to_owned()),
        ("OMP_NUM_THREADS", "1".to_owned()),
    ]);
    command
}
