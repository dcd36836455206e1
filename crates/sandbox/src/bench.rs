//! Figures for `questhall bench`: a typical generator in the jail, and by plain `python3` in the same run.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Job, RunError, Sandbox};

/// A generator of the usual kind: a 40 × 40 grid, a breadth-first search over it, and the answer.
pub const TYPICAL_SCRIPT: &str = include_str!("typical_generator.py");

/// What a series of runs took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// How many runs.
    pub runs: u32,
    /// From the first start to the last end.
    pub elapsed: Duration,
    /// Median time of one run, waiting for a worker not included.
    pub p50: Duration,
    /// The 99th percentile of the same.
    pub p99: Duration,
    /// Processor time per run, of all processes involved but the server's own.
    pub cpu_per_run: Duration,
}

impl Figures {
    /// Runs per second.
    pub fn per_second(&self) -> f64 {
        f64::from(self.runs) / self.elapsed.as_secs_f64()
    }
}

/// Runs the typical script in the jail, as many at once as the sandbox has workers.
///
/// # Errors
/// When a run fails.
pub async fn jailed(sandbox: &Sandbox, runs: u32) -> Result<Figures, RunError> {
    let script: Arc<str> = TYPICAL_SCRIPT.into();
    let at_once = u32::try_from(sandbox.stats().workers).unwrap_or(1).max(1);
    let before = zygotes_cpu(sandbox);
    let started = Instant::now();
    let one = |number: u32| {
        let (sandbox, script) = (sandbox.clone(), Arc::clone(&script));
        async move {
            let job = Job {
                script,
                file_name: "typical/generate.py".into(),
                seed: format!("bench {number}"),
                ..Job::default()
            };
            sandbox.run(0, job).await.map(|output| output.wall)
        }
    };
    let times = at_a_time(at_once, runs, one).await?;
    let elapsed = started.elapsed();
    Ok(figures(times, elapsed, zygotes_cpu(sandbox).saturating_sub(before)))
}

/// Runs the typical script by a fresh `python3` each, `at_once` at a time, without any jail.
///
/// # Errors
/// When the interpreter cannot be run or fails.
pub async fn plain_python(python: &Path, runs: u32, at_once: u32) -> Result<Figures, RunError> {
    let started = Instant::now();
    let before = children_cpu();
    let one = |number: u32| {
        let python = python.to_owned();
        async move {
            let started = Instant::now();
            let output = tokio::process::Command::new(&python)
                .args(["-s", "-S", "-P", "-B", "-X", "utf8", "-c", TYPICAL_SCRIPT])
                .env_clear()
                .env("QUESTHALL_SEED", format!("bench {number}"))
                .env("PYTHONHASHSEED", "0")
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output()
                .await
                .map_err(|error| RunError::Unavailable(error.to_string()))?;
            if output.status.success() {
                Ok(started.elapsed())
            } else {
                Err(RunError::Unavailable(String::from_utf8_lossy(&output.stderr).into_owned()))
            }
        }
    };
    let times = at_a_time(at_once, runs, one).await?;
    let elapsed = started.elapsed();
    Ok(figures(times, elapsed, children_cpu().saturating_sub(before)))
}

/// Processor time of the typical script's own work: run over and over within one interpreter, start-up excluded.
///
/// # Errors
/// When the interpreter cannot be run or fails.
pub async fn own_work(python: &Path, runs: u32) -> Result<Duration, RunError> {
    const REPEAT: &str = "import contextlib, io, json, random, sys, time\n\
        source, runs = sys.argv[1], int(sys.argv[2])\n\
        began = time.process_time()\n\
        for number in range(runs):\n\
        \x20   random.seed(number)\n\
        \x20   with contextlib.redirect_stdout(io.StringIO()):\n\
        \x20       exec(compile(source, 'typical', 'exec'), {'__name__': '__main__'})\n\
        print(time.process_time() - began)\n";
    let output = tokio::process::Command::new(python)
        .args(["-s", "-S", "-P", "-B", "-X", "utf8", "-c", REPEAT, TYPICAL_SCRIPT, &runs.to_string()])
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| RunError::Unavailable(error.to_string()))?;
    let seconds: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .map_err(|_| RunError::Unavailable(String::from_utf8_lossy(&output.stderr).into_owned()))?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or_default() / runs.max(1))
}

async fn at_a_time<F, R>(at_once: u32, runs: u32, one: F) -> Result<Vec<Duration>, RunError>
where
    F: Fn(u32) -> R,
    R: Future<Output = Result<Duration, RunError>> + Send + 'static,
{
    let mut going = tokio::task::JoinSet::new();
    let mut times = Vec::new();
    for number in 0..runs {
        if going.len() >= at_once as usize
            && let Some(ended) = going.join_next().await
        {
            times.push(ended.map_err(|error| RunError::Unavailable(error.to_string()))??);
        }
        going.spawn(one(number));
    }
    while let Some(ended) = going.join_next().await {
        times.push(ended.map_err(|error| RunError::Unavailable(error.to_string()))??);
    }
    Ok(times)
}

fn figures(mut times: Vec<Duration>, elapsed: Duration, cpu: Duration) -> Figures {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    let runs = u32::try_from(times.len()).unwrap_or(u32::MAX);
    Figures {
        runs,
        elapsed,
        p50: at(50).copied().unwrap_or_default(),
        p99: at(99).copied().unwrap_or_default(),
        cpu_per_run: cpu / runs.max(1),
    }
}

/// Processor time of the zygotes and of the scripts that they have waited for.
fn zygotes_cpu(sandbox: &Sandbox) -> Duration {
    // Fixed by the kernel's interface to user space on both our architectures.
    const TICKS_PER_SECOND: u64 = 100;
    let ticks: u64 = sandbox
        .zygotes()
        .iter()
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| {
            // After the name, which may hold anything: utime, stime, cutime and cstime are fields 14 to 17.
            let fields: Vec<u64> =
                stat.rsplit_once(')')?.1.split_whitespace().map(|f| f.parse().unwrap_or(0)).collect();
            fields.get(11..15).map(|times| times.iter().sum::<u64>())
        })
        .sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Processor time of all children that this process has waited for.
fn children_cpu() -> Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Duration::ZERO };
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs())
            + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    micros(usage.user_time()) + micros(usage.system_time())
}
