//! What the runs of a check say about a generator: what must be mended, and what works but deserves a look.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::check::shorten;
use super::{Generated, Problem, SeedReport, alternatives, shown_answer};
use crate::{File, Limits};

/// An input larger than this is slow to open and to paste, in bytes.
const LARGE_INPUT: usize = 1_000_000;
/// So many runs show whether there are few answers.
const ENOUGH_RUNS: usize = 10;
/// How many characters are kept of what a script printed to standard error.
const SHOWN_STDERR: usize = 4_000;

/// Everything that must be mended. What several seeds share is said once, with all of them.
pub(super) fn problems(reports: &[SeedReport]) -> Vec<Problem> {
    let mut problems: Vec<(String, Problem)> = Vec::new();
    for report in reports {
        if let Err(error) = &report.outcome {
            let message = error.to_string();
            note(&mut problems, kind_of(&message), &report.seed, || Problem {
                message,
                line: error.line(),
                seeds: Vec::new(),
                traceback: error.traceback().to_owned(),
                stderr: error.stderr().chars().take(SHOWN_STDERR).collect(),
            });
        }
        for difference in &report.differences {
            // `input.grid[3]` and `input.grid[5]` have the same cause, most likely.
            let place = difference.what.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
            let stderr = report.outcome.as_ref().map_or("", |made| &made.stderr);
            note(&mut problems, format!("differs {place}"), &report.seed, || Problem {
                message: difference.to_string(),
                line: None,
                seeds: Vec::new(),
                traceback: String::new(),
                stderr: stderr.chars().take(SHOWN_STDERR).collect(),
            });
        }
    }
    let mut problems: Vec<Problem> = problems.into_iter().map(|(_, problem)| problem).collect();
    for problem in &mut problems {
        if problem.seeds.len() < reports.len() {
            let (count, all, seeds) = (problem.seeds.len(), reports.len(), problem.seeds.join(", "));
            let _ = write!(problem.message, " (in {count} of {all} runs: {seeds})");
        }
    }
    problems.extend(contradiction(reports));
    problems
}

fn note(problems: &mut Vec<(String, Problem)>, kind: String, seed: &str, make: impl FnOnce() -> Problem) {
    let at = problems.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
        problems.push((kind, make()));
        problems.len() - 1
    });
    let seeds = &mut problems[at].1.seeds;
    if seeds.last().is_none_or(|last| last != seed) {
        seeds.push(seed.to_owned());
    }
}

/// What differs between the seeds, numbers and what the script printed, makes no new kind of problem.
fn kind_of(message: &str) -> String {
    let unquoted = message.split('"').step_by(2).collect::<String>();
    unquoted.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// All that a participant is given.
type Given<'a> = (String, &'a [File]);

/// Two participants who get the same input and are asked for different answers.
fn contradiction(reports: &[SeedReport]) -> Option<Problem> {
    let mut seen: HashMap<Given<'_>, (&str, &[String])> = HashMap::new();
    for (seed, made) in made(reports) {
        let input = (made.input.to_string(), made.files.as_slice());
        match seen.get(&input) {
            Some((other, results)) if *results != made.results.as_slice() => {
                let shown = |results: &[String]| shorten(&results.join(", "));
                return Some(Problem {
                    message: format!(
                        "two seeds gave the same input but different answers, {} and {}: the answer must follow from \
                         what participants see",
                        shown(results),
                        shown(&made.results)
                    ),
                    line: None,
                    seeds: vec![(*other).to_owned(), seed.to_owned()],
                    traceback: String::new(),
                    stderr: String::new(),
                });
            }
            Some(_) => {}
            None => {
                seen.insert(input, (seed, made.results.as_slice()));
            }
        }
    }
    None
}

fn made(reports: &[SeedReport]) -> impl Iterator<Item = (&str, &Generated)> {
    reports.iter().filter_map(|report| Some((report.seed.as_str(), report.outcome.as_ref().ok()?)))
}

/// What works but is worth a look, a sentence each.
pub(super) fn warnings(reports: &[SeedReport], limits: &Limits) -> Vec<String> {
    let made: Vec<&Generated> = made(reports).map(|(_, made)| made).collect();
    let mut warnings = Vec::new();
    if let [first, rest @ ..] = made.as_slice()
        && !rest.is_empty()
    {
        if rest.iter().all(|other| other.input == first.input && other.files == first.files) {
            warnings.push(
                "every seed gave the same input, so all participants would share it: draw from `random`, or from \
                 QUESTHALL_SEED"
                    .to_owned(),
            );
        } else {
            warnings.extend(few_answers(&made));
        }
        if rest.iter().any(|other| other.results.len() != first.results.len()) {
            warnings.push(
                "some seeds gave more answers than others: a challenge has as many for everybody".to_owned(),
            );
        }
        warnings.extend(answers_inside(&made));
    }
    warnings.extend(near_limits(reports, limits));
    warnings
}

/// Parts whose answers are too few for as many runs.
fn few_answers(made: &[&Generated]) -> Vec<String> {
    let parts = made.iter().map(|made| made.results.len()).min().unwrap_or_default();
    let several = parts > 1;
    (0..parts)
        .filter_map(|part| {
            let answers: HashSet<&str> = made.iter().map(|made| made.results[part].as_str()).collect();
            let which = if several { format!(" to part {}", part + 1) } else { String::new() };
            match answers.len() {
                1 => Some(format!(
                    "every seed gave the same answer{which}, so participants could copy it from each other"
                )),
                few if made.len() >= ENOUGH_RUNS && few * 2 < made.len() => {
                    let mut shown: Vec<&str> = answers.into_iter().collect();
                    shown.sort_unstable();
                    shown.truncate(3);
                    Some(format!(
                        "{} runs gave only {few} different answers{which} (such as {}), so a few guesses find them: ask \
                         for something that depends on more of the input",
                        made.len(),
                        shown.iter().map(|answer| shorten(&shown_answer(answer))).collect::<Vec<_>>().join(", ")
                    ))
                }
                _ => None,
            }
        })
        .collect()
}

/// Parts whose answer stands in the input of every run, as a word or a value of its own.
fn answers_inside(made: &[&Generated]) -> Vec<String> {
    let parts = made.iter().map(|made| made.results.len()).min().unwrap_or_default();
    (0..parts)
        .filter(|part| {
            made.iter().all(|made| {
                alternatives(&made.results[*part]).any(|answer| stands_in(&made.input, answer))
            })
        })
        .map(|part| {
            format!(
                "the answer to part {} stands in the input of every run (such as {}): whoever submits what stands there \
                 need not solve anything",
                part + 1,
                shorten(&shown_answer(&made[0].results[part]))
            )
        })
        .collect()
}

fn stands_in(input: &Value, answer: &str) -> bool {
    match input {
        Value::String(text) => text.match_indices(answer).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + answer.len()..]);
            let belongs = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '-';
            !before.ends_with(belongs) && !after.starts_with(belongs)
        }),
        Value::Array(items) => items.iter().any(|item| stands_in(item, answer)),
        Value::Object(members) => members.values().any(|value| stands_in(value, answer)),
        Value::Number(number) => number.to_string() == answer,
        Value::Bool(_) | Value::Null => false,
    }
}

fn near_limits(reports: &[SeedReport], limits: &Limits) -> Vec<String> {
    let mut warnings = Vec::new();
    let most = |of: fn(&SeedReport) -> Duration| {
        let worst = reports.iter().max_by_key(|report| of(report));
        worst.map_or((Duration::ZERO, ""), |report| (of(report), report.seed.as_str()))
    };
    let ((wall, slowest), (cpu, busiest)) = (most(|report| report.wall), most(|report| report.cpu));
    let seconds = Duration::as_secs_f64;
    if cpu * 2 > limits.cpu {
        warnings.push(format!(
            "a run (seed {busiest}) took {:.1} s of the {} s of processor time allowed; a busy server is slower: generate less, \
             or by a better algorithm",
            seconds(&cpu),
            seconds(&limits.cpu)
        ));
    } else if wall * 2 > limits.wall {
        warnings.push(format!(
            "a run (seed {slowest}) took {:.1} s of the {} s allowed; a busy server is slower: have it wait for nothing, and \
             generate less",
            seconds(&wall),
            seconds(&limits.wall)
        ));
    }
    let largest = reports.iter().max_by_key(|report| report.input_bytes);
    if let Some(SeedReport { input_bytes: bytes, seed, .. }) = largest.filter(|r| r.input_bytes > LARGE_INPUT)
    {
        warnings.push(format!(
            "an input (seed {seed}) is {}.{} MB large, and every participant downloads one: 100 kB are plenty for most \
             challenges",
            bytes / 1_000_000,
            bytes % 1_000_000 / 100_000
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::RunError;
    use crate::generator::{GeneratorError, download};

    fn report(seed: usize, input: Value, results: &[&str]) -> SeedReport {
        let input_bytes = download(&input).len();
        let generated = Generated {
            input,
            results: results.iter().map(|&r| r.to_owned()).collect(),
            files: Vec::new(),
            stderr: String::new(),
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        };
        SeedReport {
            seed: format!("check-{seed}"),
            outcome: Ok(generated),
            input_bytes,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            differences: Vec::new(),
        }
    }

    fn failed(seed: usize, message: &str) -> SeedReport {
        let error = RunError::Script {
            message: message.to_owned(),
            line: Some(3),
            traceback: "Traceback".to_owned(),
            stderr: "a note".to_owned(),
        };
        SeedReport { outcome: Err(GeneratorError::Run(error)), ..report(seed, json!(1), &[]) }
    }

    fn warned(reports: &[SeedReport]) -> String {
        warnings(reports, &Limits::default()).join("\n")
    }

    #[test]
    fn a_problem_names_the_seeds_that_show_it_with_what_the_first_one_said() {
        let mut runs: Vec<_> = (1..=18).map(|n| report(n, json!(n), &[&n.to_string()])).collect();
        runs.extend([failed(19, "IndexError: 4"), failed(20, "IndexError: 77")]);
        let found = problems(&runs);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].message,
            "the script failed (in line 3): IndexError: 4 (in 2 of 20 runs: check-19, check-20)"
        );
        assert_eq!((found[0].line, found[0].stderr.as_str()), (Some(3), "a note"));
        assert_eq!((found[0].traceback.as_str(), found[0].seeds.len()), ("Traceback", 2));
        // What all show needs no list.
        assert!(!problems(&[failed(1, "KeyError: 1")])[0].message.contains("runs"));
    }

    #[test]
    fn the_same_input_with_another_answer_is_a_contradiction() {
        let runs =
            [report(1, json!("x"), &["1"]), report(2, json!("y"), &["2"]), report(3, json!("x"), &["3"])];
        let found = problems(&runs);
        assert!(found[0].message.contains("same input but different answers, \"1\" and \"3\""), "{found:?}");
        assert_eq!(found[0].seeds, ["check-1", "check-3"]);
        assert_eq!(problems(&[report(1, json!("x"), &["1"]), report(2, json!("x"), &["1"])]), []);
    }

    /// What participants see may be in their files alone.
    #[test]
    fn files_are_part_of_what_participants_see() {
        let with = |seed: usize, content: &str, result: &str| {
            let mut report = report(seed, json!("in the file"), &[result]);
            if let Ok(made) = &mut report.outcome {
                made.files.push(File { path: "x".to_owned(), content: content.as_bytes().into() });
            }
            report
        };
        let runs = [with(1, "a", "11111"), with(2, "b", "22222")];
        assert_eq!(problems(&runs), []);
        assert_eq!(warned(&runs), "");
        assert!(problems(&[with(1, "a", "11111"), with(2, "a", "22222")])[0].message.contains("same input"));
    }

    #[test]
    fn few_and_constant_answers_are_named_with_their_part() {
        let runs: Vec<_> = (0..20)
            .map(|n| report(n, json!(n), &[&(n * 7919).to_string(), &(n % 4 + 9000).to_string()]))
            .collect();
        assert!(warned(&runs).contains("20 runs gave only 4 different answers to part 2 (such as \"9000\""));
        let constant: Vec<_> =
            (0..3).map(|n| report(n, json!(n), &[&(n * 7919).to_string(), "7777"])).collect();
        assert!(
            warned(&constant).contains("every seed gave the same answer to part 2"),
            "{}",
            warned(&constant)
        );
        let fine: Vec<_> = (0..20).map(|n| report(n, json!(n), &[&(n * 7919 + 5).to_string()])).collect();
        assert_eq!(warned(&fine), "");
    }

    #[test]
    fn an_answer_that_stands_in_every_input_is_pointed_out() {
        let named = |n: i32| report(1, json!(format!("anna-{n}: 7\nberta{n}: 8 q")), &[&format!("berta{n}")]);
        assert!(
            warned(&[named(1), named(2)])
                .contains("part 1 stands in the input of every run (such as \"berta1\")")
        );
        let leaf = |n: i32| report(1, json!({"a": [n, "x"]}), &[&n.to_string()]);
        assert!(warned(&[leaf(1111), leaf(2222)]).contains("stands in the input"));
        // Within a longer number or word it is chance.
        let within = |n: i32| report(1, json!(format!("9{n}.5 {n}x -{n}")), &[&n.to_string()]);
        assert_eq!(warned(&[within(1111), within(2222)]), "");
    }

    #[test]
    fn runs_near_the_limits_and_large_inputs_are_pointed_out() {
        let run = |wall, cpu| SeedReport {
            wall: Duration::from_millis(wall),
            cpu: Duration::from_millis(cpu),
            ..report(1, json!("x"), &["12345"])
        };
        assert!(
            warned(&[run(2600, 2600)]).contains("(seed check-1) took 2.6 s of the 5 s of processor time")
        );
        assert!(warned(&[run(5100, 10)]).contains("5.1 s of the 10 s allowed"));
        assert_eq!(warned(&[run(4900, 2400)]), "");
        let large = report(1, json!("x".repeat(1_250_000)), &["12345"]);
        assert!(warned(&[large]).contains("(seed check-1) is 1.2 MB large"));
    }
}
