//! `questhall campaign check`: everything that is wrong with a folder, in its author's words. Needs no database.

use std::{collections::HashSet, fmt::Write as _, path::Path};

use campaigns::authoring::{self, Bundle, ChallengeReport, challenge_run};
use futures::{StreamExt as _, stream};
use sandbox::Sandbox;
use serde::Serialize;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

/// How many seeds `import` tries; whoever wants more runs `check`.
const SEEDS_BEFORE_IMPORT: usize = 2;

/// Something wrong, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Mistake {
    /// The file, relative to the campaign's folder.
    file: String,
    /// The line, from 1, where it is known.
    line: Option<usize>,
    /// What is wrong, and what was expected.
    message: String,
}

/// The whole answer.
#[derive(Debug, Serialize)]
struct Answer {
    /// Whether the folder can be imported.
    valid: bool,
    /// For how many participants each generator ran.
    seeds: usize,
    /// How strong the jail was.
    jail: String,
    /// What must be mended.
    errors: Vec<Mistake>,
    /// What deserves a look.
    warnings: Vec<Mistake>,
    /// What running the generators showed.
    challenges: Vec<ChallengeReport>,
}

pub(super) async fn run(global: &Global, dir: &Path, seeds: usize, screen: &Screen) -> Result<(), Failure> {
    let (answer, _) = examine(global, dir, seeds, screen).await?;
    screen.answer(&answer, |answer| told(dir, answer))?;
    if answer.valid { Ok(()) } else { Err(Failure::no()) }
}

/// The bundle of a folder that passes a short check; else its mistakes.
pub(super) async fn checked(global: &Global, dir: &Path, screen: &Screen) -> Result<Bundle, Failure> {
    let (answer, bundle) = examine(global, dir, SEEDS_BEFORE_IMPORT, screen).await?;
    match bundle {
        Some(bundle) if answer.valid => Ok(bundle),
        _ => {
            let lines = answer.errors.iter().map(line).collect::<Vec<_>>().join("\n");
            Err(Failure::new(Code::No, format!("{} cannot be imported:\n{lines}", dir.display())))
        }
    }
}

pub(super) fn ensure_folder(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() {
        return Ok(());
    }
    Err(Failure::new(Code::Unavailable, format!("there is no folder {}", dir.display())))
}

async fn examine(
    global: &Global,
    dir: &Path,
    seeds: usize,
    screen: &Screen,
) -> Result<(Answer, Option<Bundle>), Failure> {
    ensure_folder(dir)?;
    let settings = setup::settings(global, &[])?;
    let (campaign, challenges, findings) = authoring::read_partly(dir);
    let config = settings.sandbox.config();
    let at_once = config.workers;
    let sandbox = Sandbox::start(config).await.or_fail(Code::Unavailable)?;
    let bar = screen.bar(challenges.len(), "running generators");
    let reports: Vec<ChallengeReport> = stream::iter(&challenges)
        .map(|challenge| {
            // A tenant each: the queue's limit is none of the author's business.
            let run = challenge_run(&sandbox, 0, challenge, seeds);
            async {
                let report = run.await;
                bar.inc(1);
                report
            }
        })
        .buffered(at_once)
        .collect()
        .await;
    bar.finish_and_clear();
    let jail = sandbox.rung().to_string();
    sandbox.shutdown().await;

    let mut errors: Vec<Mistake> = findings
        .into_iter()
        .map(|finding| Mistake { file: finding.file, line: finding.line, message: finding.message })
        .collect();
    let mut warnings = Vec::new();
    for report in &reports {
        let of = |message: &String| Mistake {
            file: format!("{}/generate.py", report.slug),
            line: named_line(message),
            message: message.clone(),
        };
        errors.extend(each_kind_once(&report.problems).into_iter().map(of));
        warnings.extend(report.warnings.iter().map(of));
    }
    errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let answer = Answer { valid: errors.is_empty(), seeds, jail, errors, warnings, challenges: reports };
    Ok((answer, campaign.map(|campaign| Bundle { campaign, challenges })))
}

/// The line of the script that a message names: `(in line 5)`.
fn named_line(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("(in line ")?;
    let (number, _) = rest.split_once(')')?;
    number.parse().ok()
}

/// Each kind of problem once: what differs between the seeds (numbers, and what the script printed) makes no new kind.
fn each_kind_once(problems: &[String]) -> Vec<&String> {
    let mut kinds = HashSet::new();
    problems.iter().filter(|problem| kinds.insert(kind_of(problem))).collect()
}

fn kind_of(problem: &str) -> String {
    let unquoted = problem.split('"').step_by(2).collect::<String>();
    unquoted.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn line(mistake: &Mistake) -> String {
    // Tracebacks have several lines; the further ones belong to the first.
    let message = mistake.message.trim_end().replace('\n', "\n    ");
    match mistake.line {
        Some(number) => format!("{}:{number}: {message}", mistake.file),
        None => format!("{}: {message}", mistake.file),
    }
}

fn told(dir: &Path, answer: &Answer) -> String {
    let mut text = format!(
        "{}: {} generators, {} seeds each, in the jail \"{}\"\n",
        dir.display(),
        answer.challenges.len(),
        answer.seeds,
        answer.jail
    );
    let rows = answer.challenges.iter().map(|report| {
        let input = match report.input_bytes {
            None => "-".to_owned(),
            Some((least, most)) if least == most => size(least),
            Some((least, most)) => format!("{} to {}", size(least), size(most)),
        };
        let slowest = report.input_bytes.map_or("-".to_owned(), |_| format!("{} ms", report.slowest_ms));
        [report.slug.clone(), input, slowest, shortened(&report.sample_results.join(" · "))]
    });
    let _ =
        write!(text, "\n{}\n", table(["challenge", "input", "slowest", "answers of the first seed"], rows));
    for (heading, mistakes) in [("Errors", &answer.errors), ("Warnings", &answer.warnings)] {
        if !mistakes.is_empty() {
            let lines = mistakes.iter().map(line).collect::<Vec<_>>().join("\n");
            let _ = write!(text, "\n{heading}\n{lines}\n");
        }
    }
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let verdict = if answer.valid { "It can be imported" } else { "It cannot be imported" };
    let (errors, warnings) = (count(answer.errors.len(), "error"), count(answer.warnings.len(), "warning"));
    let _ = write!(text, "\n{verdict}: {errors}, {warnings}.");
    text
}

fn size(bytes: usize) -> String {
    if bytes < 1000 { format!("{bytes} B") } else { format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100) }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_where_a_message_names_one() {
        assert_eq!(named_line("the script failed (in line 15): IndexError"), Some(15));
        assert_eq!(named_line("the script was stopped: it printed more than 4 MiB"), None);
    }

    #[test]
    fn what_differs_by_seed_alone_is_told_once() {
        let problems =
            ["first \"1\", then \"2\" (in line 3)", "first \"7\", then \"8\" (in line 4)", "no result"];
        let problems = problems.map(str::to_owned);
        assert_eq!(each_kind_once(&problems), [&problems[0], &problems[2]]);
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            (size(999), size(1_000), size(20_440)),
            ("999 B".into(), "1.0 kB".into(), "20.4 kB".into())
        );
    }
}
