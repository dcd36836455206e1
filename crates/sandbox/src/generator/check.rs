//! The check of a generator before it is trusted: several seeds, each run twice, on different days and with different hash
//! seeds.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{JoinError, JoinSet};

use super::{Generated, GeneratorError, findings, generate};
use crate::{File, Job, Sandbox};

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// One entry per seed, in the order given.
    pub seeds: Vec<SeedReport>,
    /// What must be mended; what several seeds share is said once.
    pub problems: Vec<Problem>,
    /// Things that work but that an author will want to know, in sentences.
    pub warnings: Vec<String>,
}

impl CheckReport {
    /// Whether every seed gave the same good result twice, and no two of them contradict each other.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Something that must be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A sentence for the author.
    pub message: String,
    /// The line of the script, where it is known.
    pub line: Option<u32>,
    /// The seeds that showed it.
    pub seeds: Vec<String>,
    /// Python's traceback of the first of them, where there is one.
    pub traceback: String,
    /// What the script printed to standard error in the first of them.
    pub stderr: String,
}

/// What one seed gave.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedReport {
    /// The seed.
    pub seed: String,
    /// The first run's result.
    pub outcome: Result<Generated, GeneratorError>,
    /// The size of the input as a participant downloads it, in bytes. 0 when there is none.
    pub input_bytes: usize,
    /// The longer of both runs.
    pub wall: Duration,
    /// The more processor time of both runs.
    pub cpu: Duration,
    /// What the second run gave otherwise.
    pub differences: Vec<Difference>,
}

/// One thing that two runs with the same seed gave differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs: `input`, a place in it such as `input.grid[3]`, `result`, or the outcome as a whole.
    pub what: String,
    /// What the first run gave there, shortened.
    pub first: String,
    /// What the second run gave there, shortened.
    pub second: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, first, second } = self;
        write!(
            f,
            "run twice with the same seed, the script gave a different {what}: first {first}, then {second}. Its \
             output must depend on the seed alone: not on the clock, os.urandom, secrets or uuid4, not on id(), and \
             not on the order of a set (sort it first)"
        )
    }
}

/// A script that takes no longer than this for any of the first seeds is fast, and worth trying on more.
const FAST: Duration = Duration::from_millis(250);

/// Runs a generator on each seed twice, with different hash seeds and on different days, on all workers at once, and says
/// what its author should know. The seeds of `more` are tried where the script is fast. `script` is what runs; its seed is
/// not regarded.
///
/// A run that could not be done for want of a worker shows as that seed's outcome.
pub async fn check(
    sandbox: &Sandbox,
    tenant: i64,
    script: &Job,
    seeds: &[String],
    more: &[String],
) -> CheckReport {
    let mut reports = run_all(sandbox, tenant, script, seeds).await;
    if reports.iter().all(|report| report.wall <= FAST && report.outcome.is_ok()) {
        reports.extend(run_all(sandbox, tenant, script, more).await);
    }
    let problems = findings::problems(&reports);
    let warnings = findings::warnings(&reports, sandbox.limits());
    CheckReport { seeds: reports, problems, warnings }
}

async fn run_all(sandbox: &Sandbox, tenant: i64, script: &Job, seeds: &[String]) -> Vec<SeedReport> {
    let mut reports: Vec<Option<SeedReport>> = seeds.iter().map(|_| None).collect();
    let mut running = JoinSet::new();
    for (n, seed) in seeds.iter().enumerate() {
        // A few more than there are workers, so that none waits; not all, so that few outputs are held twice.
        while running.len() > sandbox.workers() {
            gather(&mut reports, running.join_next().await);
        }
        let job = Job { seed: seed.clone(), ..script.clone() };
        let sandbox = sandbox.clone();
        running.spawn(async move { (n, run_twice(&sandbox, tenant, job).await) });
    }
    while !running.is_empty() {
        gather(&mut reports, running.join_next().await);
    }
    reports.into_iter().flatten().collect()
}

fn gather(reports: &mut [Option<SeedReport>], done: Option<Result<(usize, SeedReport), JoinError>>) {
    match done {
        Some(Ok((n, report))) => reports[n] = Some(report),
        Some(Err(error)) => tracing::error!(%error, "a seed's check was lost"),
        None => {}
    }
}

async fn run_twice(sandbox: &Sandbox, tenant: i64, job: Job) -> SeedReport {
    let seed = job.seed.clone();
    let second = Job { hash_seed_variant: true, ..job.clone() };
    let (first, second) = tokio::join!(generate(sandbox, tenant, job), generate(sandbox, tenant, second));
    let longest = |time: fn(&Generated) -> Duration| {
        [&first, &second].into_iter().flatten().map(time).max().unwrap_or_default()
    };
    SeedReport {
        seed,
        input_bytes: first.as_ref().map_or(0, |made| download(&made.input).len()),
        wall: longest(|made| made.wall),
        cpu: longest(|made| made.cpu),
        differences: differences(&first, &second),
        outcome: first,
    }
}

/// An input as a participant downloads it: text as it is, anything else as JSON.
pub fn download(input: &Value) -> Cow<'_, str> {
    match input {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

fn differences(
    first: &Result<Generated, GeneratorError>,
    second: &Result<Generated, GeneratorError>,
) -> Vec<Difference> {
    match (first, second) {
        (Ok(first), Ok(second)) => {
            let mut found = Vec::new();
            found.extend(differing_input("input".to_owned(), &first.input, &second.input));
            if first.results != second.results {
                let shown = |made: &Generated| shorten(&made.results.join(", "));
                found.push(Difference {
                    what: "result".to_owned(),
                    first: shown(first),
                    second: shown(second),
                });
            }
            if let Some((made, other)) = differing_file(&first.files, &second.files) {
                found.push(Difference { what: "file".to_owned(), first: made, second: other });
            }
            found
        }
        // Both failed: the first failure says enough, and texts may differ by a time or an address.
        (Err(_), Err(_)) => Vec::new(),
        (first, second) => {
            // A second run that could not be done says nothing about the script.
            if [first, second].iter().any(|run| run.as_ref().is_err_and(|error| !error.is_authors())) {
                return Vec::new();
            }
            let shown = |run: &Result<Generated, GeneratorError>| match run {
                Ok(_) => "a good result".to_owned(),
                Err(error) => format!("an error ({error})"),
            };
            vec![Difference { what: "outcome".to_owned(), first: shown(first), second: shown(second) }]
        }
    }
}

/// The first file that two runs made differently, for people.
fn differing_file(first: &[File], second: &[File]) -> Option<(String, String)> {
    let shown = |file: Option<&File>| {
        file.map_or_else(
            || "none".to_owned(),
            |file| format!("{} of {} bytes", file.path, file.content.len()),
        )
    };
    (0..first.len().max(second.len()))
        .map(|n| (first.get(n), second.get(n)))
        .find(|(one, other)| one != other)
        .map(|(one, other)| match (one, other) {
            (Some(a), Some(b)) if a.path == b.path && a.content.len() == b.content.len() => {
                let at = a.content.iter().zip(&*b.content).position(|(a, b)| a != b).unwrap_or(0);
                (shown(one), format!("{}, other from byte {at} on", shown(other)))
            }
            _ => (shown(one), shown(other)),
        })
}

/// The first place where two inputs differ.
fn differing_input(place: String, first: &Value, second: &Value) -> Option<Difference> {
    match (first, second) {
        (first, second) if first == second => None,
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(at, (a, b))| differing_input(format!("{place}[{at}]"), a, b)),
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().zip(b.values()).find_map(|((key, a), b)| differing_input(format!("{place}.{key}"), a, b))
        }
        (Value::String(a), Value::String(b)) => {
            let line = a.lines().zip(b.lines()).position(|(a, b)| a != b);
            let line = line.unwrap_or_else(|| a.lines().count().min(b.lines().count()));
            let shown = |text: &str| shorten(text.lines().nth(line).unwrap_or("(nothing)"));
            let what = if a.lines().count() > 1 { format!("{place}, line {}", line + 1) } else { place };
            Some(Difference { what, first: shown(a), second: shown(b) })
        }
        (a, b) => {
            Some(Difference { what: place, first: shorten(&a.to_string()), second: shorten(&b.to_string()) })
        }
    }
}

pub(super) fn shorten(text: &str) -> String {
    const LENGTH: usize = 80;
    let short: String = text.chars().take(LENGTH).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_differing_place_is_named() {
        let place = |a: Value, b: Value| differing_input("input".to_owned(), &a, &b).map(|found| found.what);
        assert_eq!(place(json!({"a": [1, 2]}), json!({"a": [1, 2]})), None);
        assert_eq!(place(json!({"a": [1, 2]}), json!({"a": [1, 3]})).as_deref(), Some("input.a[1]"));
        assert_eq!(place(json!([1]), json!([1, 2])).as_deref(), Some("input"));
        assert_eq!(place(json!("a\nb\nc"), json!("a\nx\nc")).as_deref(), Some("input, line 2"));
        assert_eq!(place(json!("a\nb"), json!("a\nb\nc")).as_deref(), Some("input, line 3"));
        assert_eq!(place(json!("ab"), json!("ac")).as_deref(), Some("input"));
    }
}
