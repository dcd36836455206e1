//! The jail as its users see it: scripts go in, verdicts come out, and nothing else happens.

mod bad_days;
mod contract;
mod fairness;
mod files;
mod hostile;
mod ladder;
mod library;

use std::sync::Arc;
use std::time::Duration;

use sandbox::{Config, Job, Limits, Output, RunError, Rung, Sandbox};

/// Limits that a test can afford to reach. The wall clock runs on while a busy machine does other things, so it has
/// room here.
fn short() -> Limits {
    Limits {
        wall: Duration::from_secs(30),
        cpu: Duration::from_secs(1),
        memory_bytes: 128 << 20,
        output_bytes: 1 << 20,
    }
}

/// The same for scripts that wait instead of working.
fn impatient() -> Limits {
    Limits { wall: Duration::from_secs(1), cpu: Duration::from_secs(30), ..short() }
}

/// The environment variable `SANDBOX_PYTHON` names another interpreter to try all this with.
fn config(workers: usize) -> Config {
    Config {
        exe: env!("CARGO_BIN_EXE_sandbox-zygote").into(),
        python: std::env::var_os("SANDBOX_PYTHON").map(Into::into),
        workers,
        limits: Limits::default(),
        ..Config::default()
    }
}

async fn sandbox(workers: usize) -> Sandbox {
    Sandbox::start(config(workers)).await.expect("this machine offers a jail")
}

fn job(script: &str) -> Job {
    seeded(script, "seed")
}

fn seeded(script: &str, seed: &str) -> Job {
    Job {
        script: script.into(),
        file_name: Arc::from("03-maze/generate.py"),
        seed: seed.to_owned(),
        ..Job::default()
    }
}

/// What a script that must end well printed.
async fn printed(sandbox: &Sandbox, script: &str) -> String {
    text(sandbox.run(1, job(script)).await)
}

fn text(result: Result<Output, RunError>) -> String {
    match result {
        Ok(output) => String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned(),
        Err(RunError::Script { message, traceback, stderr, .. }) => {
            panic!("{message}\n{traceback}\n{stderr}")
        }
        Err(error) => panic!("{error}"),
    }
}

/// Waits until the condition holds, giving everything else its turn meanwhile.
async fn until(condition: impl Fn() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(30), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    patience.await.expect("the condition comes true");
}

/// The jails that hold on this machine. All three do where tests usually run.
async fn on_rung(rung: Rung, limits: Limits) -> Sandbox {
    let sandbox =
        Sandbox::start_from(Config { limits, ..config(1) }, rung).await.expect("this machine offers a jail");
    if sandbox.rung() != rung {
        eprintln!("this machine does not offer {rung}; tried with {} instead", sandbox.rung());
    }
    sandbox
}
