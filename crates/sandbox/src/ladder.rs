//! The ladder of jails, climbed at start: the strongest that holds, with the first Python that works in it.

use std::path::PathBuf;

use crate::interpreter::{self, Interpreter};
use crate::plan::{HASH_SEEDS, Plan};
use crate::worker::{Died, Worker};
use crate::{Config, Job, Limits, Rung, StartError, report};

/// Tries rung after rung, on each every interpreter, until one starts and its jail passes its own test.
pub(crate) async fn climb(
    config: &Config,
    wanted: impl Fn(Rung) -> bool,
) -> Result<(Rung, Interpreter, Worker), StartError> {
    if !config.exe.exists() {
        return Err(StartError::Exe { exe: config.exe.clone(), reason: "there is no such file".to_owned() });
    }
    let mut pythons = Pythons::new(config);
    let mut failures = Vec::new();
    let unjailed = config.allow_unjailed.then_some(Rung::Unjailed);
    for rung in Rung::JAILED.into_iter().chain(unjailed).filter(|rung| wanted(*rung)) {
        for number in 0.. {
            let Some(python) = pythons.get(number).await else { break };
            match try_rung(config, rung, python).await {
                Ok(worker) => return Ok((rung, python.clone(), worker)),
                Err(reason) => {
                    tracing::debug!(%rung, python = %python.executable.display(), reason, "this jail does not hold");
                    failures.push(format!("{rung}: {reason}"));
                }
            }
        }
    }
    if failures.is_empty() && pythons.get(0).await.is_none() {
        let unfit = pythons.unfit;
        let reason = if unfit.is_empty() { "there is no python3".to_owned() } else { unfit.join("; ") };
        return Err(StartError::NoPython(reason));
    }
    Err(StartError::NoJail(failures.join("; ")))
}

/// The machine's interpreters, each examined when it is its turn: the first one will usually do.
struct Pythons {
    candidates: std::vec::IntoIter<PathBuf>,
    fit: Vec<Interpreter>,
    unfit: Vec<String>,
}

impl Pythons {
    fn new(config: &Config) -> Self {
        let candidates = interpreter::candidates(config.python.as_deref()).into_iter();
        Self { candidates, fit: Vec::new(), unfit: Vec::new() }
    }

    async fn get(&mut self, number: usize) -> Option<&Interpreter> {
        while self.fit.len() <= number {
            match interpreter::examine(&self.candidates.next()?).await {
                Ok(found) if self.fit.iter().all(|known| known.executable != found.executable) => {
                    self.fit.push(found);
                }
                Ok(_) => {}
                Err(reason) => self.unfit.push(reason),
            }
        }
        self.fit.get(number)
    }
}

async fn try_rung(config: &Config, rung: Rung, python: &Interpreter) -> Result<Worker, String> {
    let plan = Plan { rung, python: python.clone(), hash_seed: HASH_SEEDS[0] };
    let mut worker = Worker::start(&config.exe, &plan).await?;
    let job = Job {
        script: include_str!("self_test.py").into(),
        file_name: "self_test.py".into(),
        seed: "self-test".to_owned(),
        ..Job::default()
    };
    let limits = Limits::default();
    let finished = worker.run(&job, &limits, std::future::pending()).await.map_err(|Died(reason)| reason)?;
    let output = report::judge(finished, &job, &limits)
        .map_err(|report::NotArmed(reason)| reason)?
        .map_err(|error| format!("the jail's own test failed: {error}"))?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "" => Ok(worker),
        _ if rung == Rung::Unjailed => Ok(worker),
        got_through => Err(format!("the jail's own test could do what it must not: {got_through}")),
    }
}
