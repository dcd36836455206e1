//! An author's own solutions beside the generator: `solve.py` and others, run on every input that a check makes.
//!
//! A solution reads the input on standard input as a participant downloads it, and prints an answer a line, one for each
//! part (or a JSON list of them). `solve_wrong_….py` is declared wrong and must be so at least once, `solve_slow_….py` may be
//! stopped for its time; any other `solve….py` must be right always, and on the statement's example.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use challenges::checks::checker_run;
use challenges::rules::{AnswerRule, is_right, rule_of};
use futures::StreamExt as _;
use sandbox::generator::{canonical, shown_answer};
use sandbox::{Files, Job, RunError, Sandbox};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::bundle::ChallengeBundle;
use super::files::text_read;
use super::mistake::Mistake;
use super::statement::Statement;

/// The most solutions that are run for a challenge.
const MOST_SOLUTIONS: usize = 10;
/// How much of an answer is shown.
const SHOWN: usize = 60;

/// What an author declares of a solution, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Declared {
    /// Right for every input.
    Right,
    /// Wrong for some input.
    Wrong,
    /// Right, but it may take longer than scripts are given.
    Slow,
}

/// A solution of the author's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// Its name in the challenge's folder.
    pub name: String,
    /// Its text.
    pub script: String,
    /// What it is declared to be.
    pub declared: Declared,
}

/// How a solution did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SolutionReport {
    /// Its name in the challenge's folder.
    pub name: String,
    /// What it is declared to be.
    pub declared: Declared,
    /// For how many inputs it was right.
    pub right: usize,
    /// For how many it ran.
    pub runs: usize,
    /// Its longest run, in milliseconds.
    pub slowest_ms: u64,
}

/// An input with its answers.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) seed: String,
    pub(super) input: Arc<str>,
    /// The same as a checker reads it.
    pub(super) value: Value,
    pub(super) results: Vec<String>,
    /// What the solution finds: the author's files, and those of the participant under `input/`.
    pub(super) files: Files,
}

/// Reads the solutions of a challenge's folder, in the order of their names.
pub fn solutions_read(dir: &Path, slug: &str, mistakes: &mut Vec<Mistake>) -> Vec<Solution> {
    let Ok(entries) = dir.join(slug).read_dir() else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            let stem = name.strip_suffix(".py");
            stem.is_some_and(|stem| {
                stem == "solve" || stem.starts_with("solve_") || stem.starts_with("solve-")
            })
        })
        .collect();
    names.sort();
    names.truncate(MOST_SOLUTIONS);
    names
        .into_iter()
        .filter_map(|name| {
            let script = text_read(dir, &format!("{slug}/{name}"), mistakes)?;
            let declared = if name.contains("wrong") {
                Declared::Wrong
            } else if name.contains("slow") {
                Declared::Slow
            } else {
                Declared::Right
            };
            Some(Solution { name, script, declared })
        })
        .collect()
}

/// What says whether an answer is right.
enum Judge<'a> {
    Rules(&'a [AnswerRule]),
    Checker(&'a Job),
}

/// What came of one run.
enum Outcome {
    Right,
    /// Of this part: what it said, and what the generator says.
    Wrong(i32, String, String),
    /// It printed something else than answers.
    Unreadable(String),
    Failed(RunError),
}

/// Runs a solution on inputs, and on the statement's example, and says what does not agree with its name.
pub(super) async fn solution_run(
    sandbox: &Sandbox,
    tenant: i64,
    (challenge, solution, checker): (&ChallengeBundle, &Solution, Option<&Job>),
    cases: &[Case],
    statements: &[(String, Statement)],
) -> (SolutionReport, Vec<Mistake>, Vec<Mistake>) {
    let slug = challenge.slug.as_str();
    let file = format!("{slug}/{}", solution.name);
    let judge = match checker {
        Some(checker) => Judge::Checker(checker),
        None => Judge::Rules(&challenge.answers),
    };
    let runs: Vec<_> =
        cases.iter().map(|case| run(sandbox, tenant, (&file, solution, &judge), case)).collect();
    let runs: Vec<_> = futures::stream::iter(runs).buffered(sandbox.workers() + 1).collect().await;
    let slowest = runs.iter().map(|(_, wall)| *wall).max().unwrap_or_default();
    let right = runs.iter().filter(|(outcome, _)| matches!(outcome, Outcome::Right)).count();
    let report = SolutionReport {
        name: solution.name.clone(),
        declared: solution.declared,
        right,
        runs: runs.len(),
        slowest_ms: u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX),
    };
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    match solution.declared {
        Declared::Wrong if right == runs.len() && right > 0 => errors.push(Mistake::of(
            &file,
            format!("is declared wrong, but was right for all {right} inputs: they do not tell it from a right solution"),
        )),
        Declared::Wrong => {}
        Declared::Right | Declared::Slow => {
            let failures = runs.iter().map(|(outcome, _)| outcome).zip(cases).filter(|(outcome, _)| match outcome {
                Outcome::Right => false,
                Outcome::Failed(RunError::Limit { .. }) => solution.declared != Declared::Slow,
                _ => true,
            });
            errors.extend(disagreement(&file, &failures.collect::<Vec<_>>(), runs.len()));
            if solution.declared == Declared::Right && errors.is_empty() {
                let none = Files::default();
                let (parts, files) = cases.first().map_or((1, &none), |case| (case.results.len(), &case.files));
                for (readme, statement) in statements {
                    let of = (format!("{slug}/{readme}"), file.as_str(), solution);
                    warnings
                        .extend(example_check(sandbox, tenant, of, (statement, &judge), (parts, files)).await);
                }
            }
        }
    }
    (report, errors, warnings)
}

async fn run(
    sandbox: &Sandbox,
    tenant: i64,
    (file, solution, judge): (&str, &Solution, &Judge<'_>),
    case: &Case,
) -> (Outcome, Duration) {
    match sandbox.run(tenant, job(file, solution, &case.seed, (&case.input, &case.files))).await {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let outcome = match answers(&said, case.results.len()) {
                Err(problem) => Outcome::Unreadable(problem),
                Ok(answers) => judged(sandbox, tenant, judge, (case, &answers)).await,
            };
            (outcome, output.wall)
        }
        Err(error) => (Outcome::Failed(error), Duration::ZERO),
    }
}

/// Judges a solution's answers as participants' are judged.
async fn judged(
    sandbox: &Sandbox,
    tenant: i64,
    judge: &Judge<'_>,
    (case, answers): (&Case, &[String]),
) -> Outcome {
    for (part, (said, right)) in (1..).zip(answers.iter().zip(&case.results)) {
        let is_right = match judge {
            Judge::Rules(rules) => is_right(rule_of(rules, part), said, right),
            Judge::Checker(checker) => {
                let asked = (&case.value, right.as_str());
                match checker_run(sandbox, tenant, checker, asked, (part, said)).await {
                    Ok(said) => said.correct,
                    Err(failure) => {
                        let why =
                            failure.for_author.unwrap_or_else(|| "the checker could not be run".to_owned());
                        return Outcome::Unreadable(format!("gave an answer to part {part} on which {why}"));
                    }
                }
            }
        };
        if !is_right {
            return Outcome::Wrong(part, said.clone(), shown_answer(right).into_owned());
        }
    }
    Outcome::Right
}

fn job(file: &str, solution: &Solution, seed: &str, (input, files): (&str, &Files)) -> Job {
    Job {
        script: solution.script.as_str().into(),
        file_name: file.into(),
        seed: seed.to_owned(),
        stdin: Some(input.as_bytes().to_vec()),
        files: Arc::clone(files),
        ..Job::default()
    }
}

/// The answers that a solution printed: a line for each part, or a JSON list; the whole where there is one part.
fn answers(said: &str, parts: usize) -> Result<Vec<String>, String> {
    let whole = canonical(said);
    if let Ok(list) = serde_json::from_str::<Vec<serde_json::Value>>(&whole)
        && list.len() == parts
        && (parts > 1 || !list[0].is_array())
    {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => canonical(&text).into_owned(),
            other => other.to_string(),
        };
        return Ok(list.into_iter().map(text).collect());
    }
    if whole.is_empty() {
        return Err("printed nothing; it should print an answer a line, one for each part".to_owned());
    }
    if parts == 1 {
        return Ok(vec![whole.into_owned()]);
    }
    let lines: Vec<String> =
        whole.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.len() == parts {
        Ok(lines)
    } else {
        Err(format!("printed {} lines where {parts} answers were expected, a line each", lines.len()))
    }
}

/// The first disagreement, with all seeds that show one.
fn disagreement(file: &str, failures: &[(&Outcome, &Case)], runs: usize) -> Option<Mistake> {
    let (first, _) = failures.first()?;
    let mut mistake = match first {
        Outcome::Right => return None,
        Outcome::Wrong(part, said, right) => Mistake::of(
            file,
            format!("says {} for part {part} where generate.py says {}", shown(said), shown(right)),
        ),
        Outcome::Unreadable(problem) => Mistake::of(file, problem.clone()),
        Outcome::Failed(error) => {
            let slow = matches!(error, RunError::Limit { .. });
            let hint = if slow { "; if it is meant to be slow, call it `solve_slow_….py`" } else { "" };
            let line = error.line().and_then(|line| usize::try_from(line).ok());
            let traceback = match error {
                RunError::Script { traceback, .. } => traceback.clone(),
                _ => String::new(),
            };
            let stderr = error.stderr().to_owned();
            Mistake { traceback, stderr, ..Mistake::new(file, line, format!("{error}{hint}")) }
        }
    };
    mistake.seeds = failures.iter().map(|(_, case)| case.seed.clone()).collect();
    if failures.len() < runs {
        let seeds = mistake.seeds.join(", ");
        let _ = write!(mistake.message, " (in {} of {runs} runs: {seeds})", failures.len());
    }
    Some(mistake)
}

/// Whether the text states what the solution says of an example in it. An example is a block of code; the first one whose
/// answers the text names is it.
async fn example_check(
    sandbox: &Sandbox,
    tenant: i64,
    (readme, file, solution): (String, &str, &Solution),
    (statement, judge): (&Statement, &Judge<'_>),
    (parts, files): (usize, &Files),
) -> Option<Mistake> {
    const MOST_BLOCKS: usize = 5;
    let named = |part: i32, answer: &str| {
        let Judge::Rules(rules) = judge else { return statement.names(answer) };
        let is_like = |word: &str| is_right(rule_of(rules, part), word, answer);
        statement.names(answer) || statement.names_like(answer, is_like)
    };
    let mut first: Option<(usize, String)> = None;
    for block in statement.blocks.iter().take(MOST_BLOCKS) {
        let said = match sandbox.run(tenant, job(file, solution, "example", (&block.text, files))).await {
            Ok(output) => answers(&String::from_utf8_lossy(&output.stdout), parts),
            Err(error) => Err(error.to_string()),
        };
        match said {
            Ok(answers) => {
                let unnamed: Vec<String> = (1..)
                    .zip(&answers)
                    .filter(|(part, answer)| !named(*part, answer))
                    .map(|(_, answer)| shown(answer))
                    .collect();
                if unnamed.is_empty() {
                    return None;
                }
                first.get_or_insert((
                    block.line,
                    format!("says {}, which the text names nowhere", unnamed.join(" and ")),
                ));
            }
            Err(problem) => {
                first.get_or_insert((block.line, format!("makes nothing of it ({problem})")));
            }
        }
    }
    let (line, problem) = first?;
    Some(Mistake::new(
        readme,
        Some(line),
        format!(
            "if this is an example of an input, {} {problem}: state the example's answers",
            solution.name
        ),
    ))
}

fn shown(answer: &str) -> String {
    let line = answer.lines().next().unwrap_or_default();
    let short: String = line.chars().take(SHOWN).collect();
    if short.len() < answer.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_lines_or_a_list() {
        let read = |said: &str, parts| {
            answers(said, parts).map_err(|error| error.chars().take(7).collect::<String>())
        };
        let texts = |list: &[&str]| Ok(list.iter().map(|&t| t.to_owned()).collect());
        assert_eq!(read("12\r\n", 1), texts(&["12"]));
        assert_eq!(read("a\nb\n", 1), texts(&["a\nb"]));
        assert_eq!(read(" 1 \n\n2\n", 2), texts(&["1", "2"]));
        assert_eq!(read("[1, \"two\\nlines\"]", 2), texts(&["1", "two\nlines"]));
        assert_eq!(read("1\n", 2), Err("printed".to_owned()));
        assert_eq!(read(" \n", 1), Err("printed".to_owned()));
    }
}
