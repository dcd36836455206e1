//! Inputs: a typical generator in the jail, beside plain `python3` and beside the script's own work.

use anyhow::Result;
use sandbox::{Config, Sandbox, bench};

use crate::figure::{Figure, Target, Unit};
use crate::progress;

const SECTION: &str = "inputs";
/// Longest that we wait for all workers.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

pub(crate) async fn measure(quick: bool) -> Result<Vec<Figure>> {
    let _spinner = progress::spinner("running generators");
    let runs = if quick { 8 } else { 1_500 };
    let sandbox = Sandbox::start(Config::default()).await?;
    let outcome = with(&sandbox, runs).await;
    sandbox.shutdown().await;
    outcome
}

async fn with(sandbox: &Sandbox, runs: u32) -> Result<Vec<Figure>> {
    let python = sandbox.python().0.to_owned();
    // What is loaded on first use is not the jail's work; and the second worker comes up meanwhile.
    let started = std::time::Instant::now();
    while sandbox.stats().workers < Config::default().workers && started.elapsed() < PATIENCE {
        bench::jailed(sandbox, 8).await?;
    }
    let workers = u32::try_from(sandbox.stats().workers).unwrap_or(1);
    let jailed = bench::jailed(sandbox, runs).await?;
    let plain = bench::plain_python(&python, (runs / 5).max(1), workers).await?;
    let own = bench::own_work(&python, (runs / 3).max(1)).await?.as_secs_f64() * 1e3;
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    let cpu = ms(jailed.cpu_per_run);
    Ok(vec![
        Figure::new(
            SECTION,
            format!("typical generators, {workers} workers, {}", sandbox.rung()),
            jailed.per_second(),
            Unit::PerSecond,
        )
        .target(Target::AtLeast(250.0))
        .limit(plain.per_second(), "plain python3 for each run, no jail"),
        Figure::new(SECTION, "one run, p50", ms(jailed.p50), Unit::Milliseconds)
            .limit(ms(plain.p50), "plain python3"),
        Figure::new(SECTION, "one run, p99", ms(jailed.p99), Unit::Milliseconds)
            .limit(ms(plain.p99), "plain python3"),
        Figure::new(SECTION, "CPU of one run", cpu, Unit::Milliseconds)
            .limit(own, "the script's own work, within one interpreter"),
        Figure::new(SECTION, "CPU that the jail adds", (cpu - own).max(0.0), Unit::Milliseconds)
            .target(Target::AtMost(5.0))
            .limit(ms(plain.cpu_per_run) - own, "what a fresh python3 adds"),
    ])
}
