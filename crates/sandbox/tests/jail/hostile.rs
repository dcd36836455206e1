//! Scripts that mean harm: each is stopped, each is explained to its author, and none is visible to the next run.

use std::time::Duration;

use sandbox::{File, Job, LimitKind, Limits, RunError, Rung, Sandbox};

use super::{impatient, job, on_rung, printed, seeded, short, text};

/// What must come of a hostile script.
enum Outcome {
    /// It raises, and the message for the author has one of these words.
    Explained(&'static [&'static str]),
    /// It tries many ways, prints those that worked, and so must print nothing.
    NothingWorks,
    /// It hits this limit; with whether the line is known.
    Limited(fn(&LimitKind) -> bool, Option<u32>),
    /// It dies of one of these signals, in this line.
    Killed(&'static [i32], Option<u32>),
    /// It ends well, having printed this.
    Prints(&'static str),
}
use Outcome::{Explained, Killed, Limited, NothingWorks, Prints};

const JAIL: &[&str] = &["scripts run in a jail: no network, no files"];

#[expect(clippy::too_many_lines, reason = "a table")]
fn scripts() -> Vec<(&'static str, &'static str, Outcome)> {
    let mut scripts = vec![
        ("reads the password file", "open('/etc/passwd').read()", Explained(JAIL)),
        ("reads many files", include_str!("hostile/read_files.py"), NothingWorks),
        ("writes a file", "import io; io.FileIO('/tmp/questhall-was-here', 'w')", Explained(JAIL)),
        (
            "writes into the library",
            "import os; open(os.path.dirname(os.__file__) + '/x', 'w')",
            Explained(JAIL),
        ),
        (
            "writes a file of its own",
            "open('/tmp/questhall-was-here', 'w').write('x'); print(open('/tmp/questhall-was-here').read())",
            Prints("x"),
        ),
        ("abuses its own files", include_str!("hostile/own_files.py"), NothingWorks),
        (
            "fills its own files",
            "f = open('/out/x', 'wb')\nwhile True: f.write(b'x' * 100_000)",
            Explained(&["/tmp and QUESTHALL_OUT hold at most 16 MiB together"]),
        ),
        (
            "makes files without end",
            "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close()\n    n += 1",
            Explained(&["hold at most 512 files together"]),
        ),
        ("changes files", include_str!("hostile/change_files.py"), NothingWorks),
        (
            "fills the disk through a temporary file",
            "import tempfile\nf = tempfile.TemporaryFile()\nwhile True: f.write(b'x' * 100_000)",
            Explained(&["hold at most 16 MiB together"]),
        ),
        ("connects", "import socket; socket.create_connection(('127.0.0.1', 22))", Explained(JAIL)),
        (
            "fetches a page",
            "import urllib.request; urllib.request.urlopen('http://127.0.0.1/')",
            Explained(&["jail", "can be imported"]),
        ),
        ("uses the network in many ways", include_str!("hostile/network.py"), NothingWorks),
        ("reads the environment", include_str!("hostile/environment.py"), NothingWorks),
        ("forks", "import os; os.fork()", Explained(JAIL)),
        ("runs a program", "import subprocess; subprocess.run(['/bin/sh', '-c', 'id'])", Explained(JAIL)),
        ("makes processes in many ways", include_str!("hostile/processes.py"), NothingWorks),
        (
            "starts a thread",
            "import threading; threading.Thread(target=print).start()",
            Explained(&["without threads"]),
        ),
        (
            "takes memory at once",
            "x = bytearray(1 << 30)",
            Limited(|k| matches!(k, LimitKind::Memory(_)), Some(1)),
        ),
        (
            "takes memory bit by bit",
            "x = []\nwhile True:\n    x.append('x' * 100_000)",
            Limited(|k| matches!(k, LimitKind::Memory(_)), Some(3)),
        ),
        ("shares memory", include_str!("hostile/shared_memory.py"), NothingWorks),
        (
            "sleeps",
            "import time\ndef wait():\n    time.sleep(1000)\nwait()",
            Limited(|k| matches!(k, LimitKind::Wall(_)), Some(3)),
        ),
        (
            "sleeps and will not be woken",
            include_str!("hostile/deaf.py"),
            Limited(|k| matches!(k, LimitKind::Wall(_)), None),
        ),
        (
            "computes for ever",
            "n = 0\nwhile True: n += 1",
            Limited(|k| matches!(k, LimitKind::Cpu(_)), Some(2)),
        ),
        (
            "computes for ever within C",
            "x = sum(range(10 ** 14))",
            Limited(|k| matches!(k, LimitKind::Cpu(_)), None),
        ),
        (
            "swallows every exception",
            "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
            Limited(|k| matches!(k, LimitKind::Cpu(_)), Some(3)),
        ),
        (
            "prints for ever",
            "while True: print('x' * 1000)",
            Limited(|k| matches!(k, LimitKind::Output(_)), None),
        ),
        (
            "prints just too much",
            "print('x' * (1 << 20))",
            Limited(|k| matches!(k, LimitKind::Output(_)), None),
        ),
        (
            "does not end when it ends",
            "import atexit, time\natexit.register(time.sleep, 1000)",
            Limited(|k| matches!(k, LimitKind::Wall(_)), None),
        ),
        ("signals processes", include_str!("hostile/signals.py"), NothingWorks),
        ("stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", Explained(JAIL)),
        ("has its parent signalled through fcntl", include_str!("hostile/fcntl_signals.py"), NothingWorks),
        ("asks devices", include_str!("hostile/ioctls.py"), NothingWorks),
        ("calls the kernel through ctypes", include_str!("hostile/system_calls.py"), NothingWorks),
        (
            "crashes the interpreter",
            "import ctypes\nctypes.string_at(1)",
            Killed(&[libc::SIGSEGV, libc::SIGBUS], Some(2)),
        ),
        ("raises its limits", include_str!("hostile/limits.py"), NothingWorks),
        ("looks for other processes", include_str!("hostile/proc.py"), NothingWorks),
        ("takes all descriptors", "import os\nwhile True: os.dup(0)", Explained(&["Too many open files"])),
        // Into the files that it may leave, too, which nobody takes for files then.
        (
            "writes to every descriptor",
            include_str!("hostile/forged.py"),
            Explained(&["the files that it made cannot be read"]),
        ),
        ("uses the zygote's objects", include_str!("hostile/zygote_objects.py"), NothingWorks),
        (
            "claims to have failed to lock itself in",
            "import os; os._exit(97)",
            Explained(&["exit status 97"]),
        ),
        (
            "closes everything",
            "import os\nos.closerange(0, 64)\nprint('x')",
            Explained(&["Bad file descriptor", "exit status"]),
        ),
        ("breaks what the next run uses", include_str!("hostile/vandal.py"), Prints("")),
        ("recurses", "def f(): f()\nf()", Explained(&["RecursionError"])),
        (
            "hides its exception's text",
            "class E(Exception):\n    def __str__(self): raise self\nraise E",
            Explained(&["E: (the exception's text could not be made)"]),
        ),
    ];
    if cfg!(target_arch = "x86_64") {
        scripts.push((
            "uses another machine's system calls",
            include_str!("hostile/foreign_calls.py"),
            Killed(&[libc::SIGSYS], None),
        ));
    }
    scripts
}

/// What every run must look like, whatever ran before it.
const CLEAN: &str = include_str!("hostile/clean.py");

async fn all_are_stopped(rung: Rung) {
    let waits =
        |outcome: &Outcome| matches!(outcome, Limited(which, _) if which(&LimitKind::Wall(Duration::ZERO)));
    let (waiting, working) = scripts().into_iter().partition(|(_, _, outcome)| waits(outcome));
    stop(on_rung(rung, impatient()).await, waiting, job).await;
    stop(on_rung(rung, short()).await, working, job).await;
}

/// A script as a checker runs: it reads an answer, finds files, and has limits of its own.
fn checker(script: &str) -> Job {
    let content = b"x = 1\n".as_slice().into();
    Job {
        stdin: Some(b"{\"part\": 1, \"answer\": \"x\"}".to_vec()),
        files: [File { path: "files/beside.py".to_owned(), content }].into(),
        limits: Some(Limits { output_bytes: 64 << 10, ..short() }),
        ..job(script)
    }
}

async fn stop(
    sandbox: Sandbox,
    scripts: Vec<(&'static str, &'static str, Outcome)>,
    dressed: fn(&str) -> Job,
) {
    let clean = printed(&sandbox, CLEAN).await;
    let zygotes = sandbox.zygotes();
    for (name, script, outcome) in scripts {
        let result = sandbox.run(1, dressed(script)).await;
        let shown = match &result {
            Ok(output) => format!("{:?}", String::from_utf8_lossy(&output.stdout)),
            Err(error) => error.to_string(),
        };
        let as_expected = match (&outcome, &result) {
            (Explained(words), Err(error @ RunError::Script { .. })) => {
                words.iter().any(|words| error.to_string().contains(words))
            }
            (NothingWorks, Ok(output)) => output.stdout.is_empty(),
            (Limited(which, line), Err(RunError::Limit { kind, line: at, .. })) => {
                which(kind) && line.is_none_or(|line| *at == Some(line))
            }
            (Killed(signals, line), Err(RunError::Killed { signal, line: at, .. })) => {
                signals.contains(signal) && at == line
            }
            (Prints(text), Ok(output)) => String::from_utf8_lossy(&output.stdout).trim_end() == *text,
            _ => false,
        };
        assert!(as_expected, "the script that {name}, on {}: {shown}", sandbox.rung());
        assert_eq!(printed(&sandbox, CLEAN).await, clean, "after the script that {name}");
    }
    assert_eq!(sandbox.zygotes(), zygotes, "no script harmed its zygote");
    assert_eq!(sandbox.stats().restarts, 0);
    assert!(!std::path::Path::new("/tmp/questhall-was-here").exists());
    sandbox.shutdown().await;
}

#[tokio::test]
async fn on_the_first_rung() {
    all_are_stopped(Rung::Namespaces).await;
}

#[tokio::test]
async fn on_the_second_rung() {
    all_are_stopped(Rung::Landlock).await;
}

#[tokio::test]
async fn on_the_third_rung() {
    all_are_stopped(Rung::Seccomp).await;
}

/// All but those that wait, of which the limit is another's.
#[tokio::test]
async fn as_checkers() {
    let working = scripts().into_iter().filter(|(_, _, outcome)| !matches!(outcome, Limited(..))).collect();
    stop(on_rung(Rung::Namespaces, short()).await, working, checker).await;
}

/// A script's text, seed and standard input must not be found in the memory that the next script inherits.
#[tokio::test]
async fn nothing_of_a_job_is_left_in_memory() {
    let sandbox = on_rung(Rung::Namespaces, short()).await;
    let secret = |part: &str| format!("very-{part}-secret");
    let mut confidential = job(&format!("x = '{}'\nprint(x)", secret("script")));
    confidential.seed = secret("seed");
    confidential.stdin = Some(secret("stdin").into_bytes());
    for _ in 0..3 {
        assert_eq!(text(sandbox.run(1, confidential.clone()).await), secret("script"));
    }
    // The searcher must not hold what it searches for, and it proves that it can find something.
    let found = printed(&sandbox, include_str!("hostile/search_memory.py")).await;
    assert_eq!(found, "control found; secrets 0");
}

/// What a script prints to standard error comes back with its own run and goes nowhere else.
#[tokio::test]
async fn standard_error_is_the_runs_own_and_bounded() {
    let sandbox = on_rung(Rung::Namespaces, short()).await;
    let script = "import os, sys\nprint('a note', file=sys.stderr)\nos.write(2, b'raw')\nprint(1)";
    let output = sandbox.run(1, job(script)).await.unwrap();
    assert_eq!((output.stderr.as_str(), output.stdout.as_slice()), ("a note\nraw", b"1\n".as_slice()));

    let flood = "import sys\nfor _ in range(1000): sys.stderr.write('x' * 1000)\nprint('through')";
    let output = sandbox.run(1, job(flood)).await.unwrap();
    assert_eq!(output.stdout, b"through\n");
    assert!((1 << 16..=(1 << 16) + 1).contains(&output.stderr.len()), "{}", output.stderr.len());

    let error = sandbox.run(1, job("import sys\nprint('why', file=sys.stderr)\n1 / 0")).await.unwrap_err();
    assert_eq!(error.stderr(), "why\n");
}

/// Whatever the kernel is asked for at random, only the asking script can come to harm.
#[tokio::test]
async fn random_system_calls_harm_nobody() {
    for rung in Rung::JAILED {
        let sandbox = on_rung(rung, impatient()).await;
        let clean = printed(&sandbox, CLEAN).await;
        let zygotes = sandbox.zygotes();
        let mut calls = 0;
        for seed in 0..8 {
            let run = seeded(include_str!("hostile/random_calls.py"), &format!("fuzz {seed}"));
            calls += match sandbox.run(1, run).await {
                Ok(output) => 100 * output.stderr.matches('.').count(),
                Err(error) => {
                    assert!(error.is_authors(), "{error}");
                    100 * error.stderr().matches('.').count()
                }
            };
            assert_eq!(printed(&sandbox, CLEAN).await, clean);
        }
        assert_eq!((sandbox.zygotes(), sandbox.stats().restarts), (zygotes, 0));
        assert!(calls > 2000, "every script harmed itself too soon, so this proves nothing: {calls} calls");
    }
}
