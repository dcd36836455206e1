//! The sandbox as a program of its own: what the crate's tests start as a zygote, and a way to try things by hand.
//!
//! - `sandbox-zygote SCRIPT [SEED]` runs a script in the strongest jail that holds and prints what it printed.
//! - `sandbox-zygote --probe` says, as JSON, which jails hold.
//! - `sandbox-zygote --bench [RUNS]` compares the jail with plain `python3`.
//!
//! The environment variable `SANDBOX_PYTHON` names another interpreter than the one that would be found.

use std::error::Error;
use std::process::ExitCode;

use sandbox::{Config, Job, Sandbox, bench};

fn main() -> ExitCode {
    sandbox::zygote_main_if_asked();
    let mut arguments = std::env::args().skip(1);
    let (first, second) = (arguments.next(), arguments.next());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let result = match first.as_deref() {
        None => {
            eprintln!("usage: sandbox-zygote SCRIPT [SEED] | --probe | --bench [RUNS]");
            return ExitCode::from(2);
        }
        Some("--probe") => {
            println!("{}", serde_json::json!(sandbox::probe_with(&config())));
            Ok(())
        }
        Some("--bench") => {
            let runs = second.and_then(|runs| runs.parse().ok()).unwrap_or(1000);
            runtime.block_on(compare(runs))
        }
        Some(path) => runtime.block_on(try_script(path, second.unwrap_or_else(|| "seed".to_owned()))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn config() -> Config {
    Config { python: std::env::var_os("SANDBOX_PYTHON").map(Into::into), ..Config::default() }
}

async fn start(workers: usize) -> Result<Sandbox, Box<dyn Error>> {
    let sandbox = Sandbox::start(Config { workers, ..config() }).await?;
    let (python, version) = sandbox.python();
    let version = version.map(|n| n.to_string()).join(".");
    let numpy = if sandbox.has_numpy() { ", with numpy" } else { "" };
    eprintln!("{} · {} {version}{numpy}", sandbox.rung(), python.display());
    Ok(sandbox)
}

async fn try_script(path: &str, seed: String) -> Result<(), Box<dyn Error>> {
    let script = std::fs::read_to_string(path)?;
    let sandbox = start(1).await?;
    let job = Job { script: script.into(), file_name: path.into(), seed, ..Job::default() };
    let result = sandbox.run(0, job).await;
    sandbox.shutdown().await;
    match result {
        Ok(output) => {
            eprint!("{}", output.stderr);
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprintln!("wall {:?} · cpu {:?}", output.wall, output.cpu);
            Ok(())
        }
        Err(error) => {
            eprint!("{}", error.stderr());
            if let sandbox::RunError::Script { traceback, .. } = &error {
                eprint!("{traceback}");
            }
            Err(error.into())
        }
    }
}

async fn compare(runs: u32) -> Result<(), Box<dyn Error>> {
    let sandbox = start(Config::default().workers).await?;
    let python = sandbox.python().0.to_owned();
    let at_once = u32::try_from(Config::default().workers)?;
    bench::jailed(&sandbox, at_once * 5).await?;
    let jailed = bench::jailed(&sandbox, runs).await?;
    let plain = bench::plain_python(&python, (runs / 10).max(10), at_once).await?;
    let own = bench::own_work(&python, (runs / 5).max(10)).await?;
    for (name, figures) in [("jail", jailed), ("plain python3", plain)] {
        println!(
            "{name:14} {:7.1} runs/s   p50 {:6.2} ms   p99 {:6.2} ms   CPU {:6.2} ms a run",
            figures.per_second(),
            millis(figures.p50),
            millis(figures.p99),
            millis(figures.cpu_per_run)
        );
    }
    println!(
        "the script's own work: CPU {:.2} ms; the jail adds {:.2} ms",
        millis(own),
        millis(jailed.cpu_per_run.saturating_sub(own))
    );
    sandbox.shutdown().await;
    Ok(())
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
