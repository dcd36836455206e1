//! The check of a generator before it is trusted: several seeds, each run twice with different hash seeds.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Generated, GeneratorError, generate};
use crate::{Job, Sandbox};

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// One entry per seed, in the order given.
    pub seeds: Vec<SeedReport>,
    /// Things that work but that an author will want to know, in sentences.
    pub warnings: Vec<String>,
}

impl CheckReport {
    /// Whether every seed gave the same good result twice.
    pub fn is_good(&self) -> bool {
        self.seeds.iter().all(|seed| seed.outcome.is_ok() && seed.differences.is_empty())
    }

    /// Everything that is wrong, a sentence each. What several seeds share is said once.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut differing = Vec::new();
        for seed in &self.seeds {
            if let Err(error) = &seed.outcome {
                let problem = error.to_string();
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            for difference in &seed.differences {
                // `input.grid[3]` and `input.grid[5]` have the same cause, most likely.
                let kind = difference.what.split(|c: char| !c.is_alphabetic()).next();
                if !differing.contains(&kind) {
                    differing.push(kind);
                    problems.push(difference.to_string());
                }
            }
        }
        problems
    }
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

/// Runs a generator on each seed twice, with different hash seeds, and says what its author should know.
///
/// A run that could not be done for want of a worker shows as that seed's outcome.
pub async fn check(
    sandbox: &Sandbox,
    tenant: i64,
    script: Arc<str>,
    file_name: Arc<str>,
    seeds: &[String],
) -> CheckReport {
    let mut reports = Vec::with_capacity(seeds.len());
    for seed in seeds {
        let job = |hash_seed_variant| Job {
            script: Arc::clone(&script),
            file_name: Arc::clone(&file_name),
            seed: seed.clone(),
            stdin: None,
            hash_seed_variant,
        };
        let (first, second) =
            tokio::join!(generate(sandbox, tenant, job(false)), generate(sandbox, tenant, job(true)));
        let wall = [&first, &second].into_iter().flatten().map(|made| made.wall).max().unwrap_or_default();
        reports.push(SeedReport {
            seed: seed.clone(),
            input_bytes: first.as_ref().map_or(0, |made| input_bytes(&made.input)),
            wall,
            differences: differences(&first, &second),
            outcome: first,
        });
    }
    let warnings = warnings(&reports, sandbox.limits().wall);
    CheckReport { seeds: reports, warnings }
}

fn input_bytes(input: &Value) -> usize {
    match input {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
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

fn shorten(text: &str) -> String {
    const LENGTH: usize = 80;
    let short: String = text.chars().take(LENGTH).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

fn warnings(reports: &[SeedReport], limit: Duration) -> Vec<String> {
    let made: Vec<&Generated> = reports.iter().filter_map(|report| report.outcome.as_ref().ok()).collect();
    let mut warnings = Vec::new();
    if let [first, rest @ ..] = made.as_slice()
        && !rest.is_empty()
    {
        if rest.iter().all(|other| other.input == first.input) {
            warnings.push(
                "every seed gave the same input, so all participants would share it: draw from `random`, or from \
                 QUESTHALL_SEED"
                    .to_owned(),
            );
        } else if rest.iter().all(|other| other.results == first.results) {
            warnings.push(
                "every seed gave the same answer, so participants could copy it from each other".to_owned(),
            );
        }
        if rest.iter().any(|other| other.results.len() != first.results.len()) {
            warnings.push(
                "some seeds gave one answer and others two: a challenge has one part or two".to_owned(),
            );
        }
    }
    if made.iter().flat_map(|made| &made.results).any(|result| is_fraction(result)) {
        warnings.push(
            "an answer is a fractional number, and answers are compared as text: 0.5 is right then and 0.50 wrong; \
             round it and say how in the challenge's text"
                .to_owned(),
        );
    }
    if let Some(slowest) = reports.iter().map(|report| report.wall).max()
        && slowest * 2 > limit
    {
        warnings.push(format!(
            "the slowest run took {:.1} s of the {} s allowed; a busy server may be slower",
            slowest.as_secs_f64(),
            limit.as_secs_f64()
        ));
    }
    warnings
}

fn is_fraction(result: &str) -> bool {
    result.contains(['.', 'e', 'E']) && result.parse::<f64>().is_ok()
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
