//! Zygotes that die, callers that go away, servers that stop: no run is lost without a word and nothing is left over.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{RunError, Sandbox};

use super::{job, printed, sandbox, until};

fn kill_zygotes(sandbox: &Sandbox) {
    for pid in sandbox.zygotes() {
        // It may just have died.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
    }
}

fn is_gone(pid: u32) -> bool {
    !std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn an_idle_zygote_that_dies_is_replaced() {
    let sandbox = sandbox(1).await;
    let first = printed(&sandbox, "import random\nprint(random.random())").await;
    for round in 1..=2 {
        let before = sandbox.zygotes();
        kill_zygotes(&sandbox);
        until(|| sandbox.stats().restarts == round && sandbox.stats().workers == 1).await;
        assert_ne!(sandbox.zygotes(), before);
        assert_eq!(printed(&sandbox, "import random\nprint(random.random())").await, first);
    }
}

#[tokio::test]
async fn a_run_whose_zygote_dies_is_begun_again_once() {
    let sandbox = sandbox(1).await;
    let caller = sandbox.clone();
    let run =
        tokio::spawn(async move { caller.run(1, job("import time\ntime.sleep(0.3)\nprint('done')")).await });
    until(|| sandbox.stats().running == 1).await;
    kill_zygotes(&sandbox);
    assert_eq!(run.await.unwrap().unwrap().stdout, b"done\n");
    assert_eq!(sandbox.stats().restarts, 1);

    let caller = sandbox.clone();
    let run = tokio::spawn(async move { caller.run(1, job("import time\ntime.sleep(1000)")).await });
    until(|| sandbox.stats().running == 1).await;
    until(|| {
        kill_zygotes(&sandbox);
        run.is_finished()
    })
    .await;
    let error = run.await.unwrap().unwrap_err();
    assert!(matches!(error, RunError::Unavailable(_)) && !error.is_authors(), "{error}");
    until(|| sandbox.stats().workers == 1).await;
    assert_eq!(printed(&sandbox, "print('well again')").await, "well again");
}

#[tokio::test]
async fn a_caller_who_goes_away_stops_the_script() {
    let sandbox = sandbox(1).await;
    for number in 1..=3 {
        let endless = sandbox.run(1, job("while True: pass"));
        tokio::select! {
            _ = endless => panic!("it cannot end"),
            () = until(|| sandbox.stats().running == 1) => {}
        }
        until(|| sandbox.stats().cancelled == number && sandbox.stats().running == 0).await;
    }
    // One that still waits is never begun.
    let (a, b) = (sandbox.run(1, job("print(1)")), sandbox.run(1, job("while True: pass")));
    let given_up = tokio::time::timeout(Duration::ZERO, b);
    let (a, b) = tokio::join!(a, given_up);
    assert!(a.is_ok() && b.is_err());
    assert_eq!(printed(&sandbox, "print('next')").await, "next");
    assert_eq!(sandbox.stats().restarts, 0);
}

/// After hundreds of runs of all kinds no descriptor is open and no process is left that was not there before.
#[tokio::test]
async fn nothing_leaks() {
    let sandbox = sandbox(2).await;
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let children = || {
        let all =
            std::fs::read_to_string(format!("/proc/self/task/{}/children", nix::unistd::gettid())).unwrap();
        all.split_whitespace().count()
    };
    let of_zygotes = |sandbox: &Sandbox| -> Vec<Option<usize>> {
        let count = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).ok().map(Iterator::count);
        sandbox.zygotes().into_iter().map(count).collect()
    };
    until(|| sandbox.stats().workers == 2).await;
    printed(&sandbox, "print(1)").await;
    let (open, processes, inside) = (descriptors(), children(), of_zygotes(&sandbox));
    assert!(processes >= 2 && open > 4);
    for number in 0..60 {
        printed(&sandbox, "print(1)").await;
        sandbox.run(1, job("1 / 0")).await.unwrap_err();
        sandbox.run(1, job("import os, ctypes\nctypes.string_at(1)")).await.unwrap_err();
        let mut with_input = job("print(input())");
        with_input.stdin = Some(b"x".to_vec());
        sandbox.run(1, with_input).await.unwrap();
        let run = sandbox.run(1, job("while True: pass"));
        tokio::select! {
            _ = run => panic!("it cannot end"),
            () = until(|| sandbox.stats().running == 1) => {}
        }
        until(|| sandbox.stats().cancelled == number + 1).await;
    }
    until(|| sandbox.stats().running == 0).await;
    assert_eq!((descriptors(), children(), of_zygotes(&sandbox)), (open, processes, inside));

    let zygotes = sandbox.zygotes();
    assert_eq!(zygotes.len(), 2);
    sandbox.shutdown().await;
    assert!(zygotes.into_iter().all(is_gone));
    assert_eq!(children(), 0, "no child is left, not even as a zombie");
}

#[tokio::test]
async fn shutting_down_lets_runs_end_and_refuses_the_waiting() {
    let sandbox = sandbox(1).await;
    let start = |script: &'static str| {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { sandbox.run(1, job(script)).await })
    };
    let running = start("import time\ntime.sleep(0.5)\nprint('ended')");
    until(|| sandbox.stats().running == 1).await;
    let waiting = start("print('never')");
    until(|| sandbox.stats().queued == 1).await;
    let late = sandbox.clone();
    sandbox.shutdown().await;
    assert_eq!(running.await.unwrap().unwrap().stdout, b"ended\n");
    for refused in [waiting.await.unwrap(), late.run(1, job("print('never')")).await] {
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("shutting down"), "{error}");
    }
    assert_eq!(late.stats().workers, 0);
}

/// Dropping the last handle, as a panicking server does, ends the zygotes too.
#[tokio::test]
async fn a_dropped_sandbox_ends_its_zygotes() {
    let sandbox = sandbox(1).await;
    let zygotes = sandbox.zygotes();
    drop(sandbox);
    until(|| zygotes.iter().copied().all(is_gone)).await;
}

/// A server that is killed leaves no guard, no zygote and no script behind.
#[tokio::test]
async fn a_killed_server_leaves_nothing_running() {
    let script = std::env::temp_dir().join(format!("questhall-endless-{}.py", std::process::id()));
    std::fs::write(&script, "while True: pass").unwrap();
    let mut server = std::process::Command::new(env!("CARGO_BIN_EXE_sandbox-zygote"))
        .arg(&script)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Guard, zygote and the script's own process. Before, there are those that only ask Python about itself.
    let all = || descendants(server.id());
    until(|| all().len() == 3).await;
    let pids = all();
    server.kill().unwrap();
    server.wait().unwrap();
    until(|| pids.iter().copied().all(is_gone)).await;
    std::fs::remove_file(script).unwrap();
}

fn descendants(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    children.flat_map(|pid| [vec![pid], descendants(pid)].concat()).collect()
}
