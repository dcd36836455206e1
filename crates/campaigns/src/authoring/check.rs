//! `campaign check`: runs every generator on several seeds, in the jail, and the author's own solutions on what they made;
//! looks at times, prices and links; and tells the author what they would want to know before participants do.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use challenges::catalogue::CampaignFiles;
use challenges::checks::checker_job;
use challenges::rules::{AnswerRule, Compare, rule_of};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use sandbox::generator::{
    self, Generated, MAX_ANSWER_BYTES, alternatives, canonical, download, shown_answer, untypable,
};
use sandbox::{File, Files, Job, Sandbox};
use serde::Serialize;
use utoipa::ToSchema;

use super::bundle::{Bundle, ChallengeBundle};
use super::checker::checker_check;
use super::files::text_read;
use super::flags::flags_of;
use super::keys::key_line;
use super::mistake::Mistake;
use super::plan::plan_check;
use super::readme::file_of;
use super::solutions::{Case, Solution, SolutionReport, solution_run, solutions_read};
use super::statement::{Statement, links_check, statement};
use crate::model::CampaignSettings;

/// Answers of at most this many characters over all seeds are pointed out as guessable.
const GUESSABLE_LENGTH: usize = 3;

/// For how many made-up participants a generator runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// Always.
    pub first: usize,
    /// In addition, where the script is fast.
    pub more: usize,
}

impl Seeds {
    /// What a check runs unless it is told: enough to find what fails for one participant in twenty, where that is quick.
    pub const USUAL: Self = Self { first: 5, more: 15 };

    /// So many, fast or not.
    pub const fn exactly(count: usize) -> Self {
        Self { first: count, more: 0 }
    }

    fn named(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
        range.map(|n| format!("check-{n}")).collect()
    }
}

/// What a check showed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckReport {
    /// Whether the campaign can be imported.
    pub valid: bool,
    /// What must be mended.
    pub errors: Vec<Mistake>,
    /// What deserves a look.
    pub warnings: Vec<Mistake>,
    /// A report a challenge, in their order.
    pub challenges: Vec<ChallengeReport>,
}

/// What running one generator showed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChallengeReport {
    /// The challenge's folder.
    pub slug: String,
    /// For how many made-up participants it ran.
    pub seeds: usize,
    /// Files made for the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<MadeFile>,
    /// Smallest and largest input, in bytes.
    pub input_bytes: Option<(usize, usize)>,
    /// Longest run, in milliseconds.
    pub slowest_ms: u64,
    /// The answers of the first seed, for the author to compare.
    pub sample_results: Vec<String>,
    /// How the author's own solutions did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub solutions: Vec<SolutionReport>,
}

/// A file that a generator made.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CheckedFile)]
pub struct MadeFile {
    /// Its name.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: usize,
}

/// How far a check is.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// A challenge's scripts begin to run.
    Begun(&'a str),
    /// They are done.
    Done(&'a str),
}

/// What is checked: a campaign's settings, where they are known, and challenges.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// The settings.
    pub campaign: Option<&'a CampaignSettings>,
    /// The challenges, in their order.
    pub challenges: &'a [ChallengeBundle],
    /// Their files.
    pub files: &'a CampaignFiles,
    /// The folder that they came from: solutions, pictures and the lines of keys are there.
    pub folder: Option<&'a Path>,
    /// Those whose scripts run, by their slugs; all, where none are named.
    pub only: Option<&'a HashSet<String>>,
    /// What time it is.
    pub now: DateTime<Utc>,
}

impl<'a> Checked<'a> {
    /// A whole campaign, without a folder.
    pub const fn bundle(bundle: &'a Bundle, files: &'a CampaignFiles, now: DateTime<Utc>) -> Self {
        let challenges = bundle.challenges.as_slice();
        Self { campaign: Some(&bundle.campaign), challenges, files, folder: None, only: None, now }
    }
}

/// Checks everything that there is, on all of the sandbox's workers; `progress` is told of each challenge.
pub async fn check(
    sandbox: &Sandbox,
    tenant: i64,
    what: Checked<'_>,
    seeds: Seeds,
    progress: impl Fn(Step<'_>),
) -> CheckReport {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    if let Some(settings) = what.campaign {
        let line = |file: &str, key: &str| key_line(&text_read(what.folder?, file, &mut Vec::new())?, key);
        let plan = plan_check(settings, what.challenges, what.now, &line);
        errors.extend(plan.errors);
        warnings.extend(plan.warnings);
    }
    let progress = &progress;
    // Made before they are awaited: a stream's own closure would not do for every lifetime in a handler.
    let mut runs = Vec::with_capacity(what.challenges.len());
    let runs_too = |challenge: &&ChallengeBundle| what.only.is_none_or(|only| only.contains(&challenge.slug));
    for challenge in what.challenges.iter().filter(runs_too) {
        runs.push(async move {
            progress(Step::Begun(&challenge.slug));
            let found = what.files.found_by(&challenge.slug);
            let run = challenge_run(sandbox, tenant, (challenge, found), what.folder, seeds).await;
            progress(Step::Done(&challenge.slug));
            run
        });
    }
    let runs: Vec<_> = futures::stream::iter(runs).buffered(sandbox.workers()).collect().await;
    let mut challenges = Vec::with_capacity(runs.len());
    for run in runs {
        errors.extend(run.errors);
        warnings.extend(run.warnings);
        challenges.push(run.report);
    }
    for of in [&mut errors, &mut warnings] {
        of.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }
    CheckReport { valid: errors.is_empty(), errors, warnings, challenges }
}

struct Run {
    report: ChallengeReport,
    errors: Vec<Mistake>,
    warnings: Vec<Mistake>,
}

#[expect(clippy::too_many_lines, reason = "what is asked of a challenge, one after the other")]
async fn challenge_run(
    sandbox: &Sandbox,
    tenant: i64,
    (challenge, files): (&ChallengeBundle, Files),
    folder: Option<&Path>,
    Seeds { first, more }: Seeds,
) -> Run {
    if let Some(flags) = flags_of(&challenge.generation_script) {
        return fixed(challenge, &flags);
    }
    let file = format!("{}/generate.py", challenge.slug);
    let script = Job {
        script: challenge.generation_script.as_str().into(),
        file_name: file.as_str().into(),
        files: Arc::clone(&files),
        ..Job::default()
    };
    let (first, more) = (Seeds::named(1..=first), Seeds::named(first + 1..=first + more));
    let found = generator::check(sandbox, tenant, &script, &first, &more).await;
    let made: Vec<&Generated> = found.seeds.iter().filter_map(|s| s.outcome.as_ref().ok()).collect();
    let sizes = found.seeds.iter().filter(|s| s.outcome.is_ok()).map(|s| s.input_bytes);
    let slowest = found.seeds.iter().map(|s| s.wall.as_millis()).max().unwrap_or(0);
    let mut report = ChallengeReport {
        slug: challenge.slug.clone(),
        seeds: found.seeds.len(),
        files: made
            .first()
            .map(|made| {
                made.files.iter().map(|f| MadeFile { name: f.path.clone(), bytes: f.content.len() }).collect()
            })
            .unwrap_or_default(),
        input_bytes: sizes.clone().min().zip(sizes.max()),
        slowest_ms: u64::try_from(slowest).unwrap_or(u64::MAX),
        sample_results: made
            .first()
            .map(|generated| {
                generated.results.iter().map(|answer| shown_answer(answer).into_owned()).collect()
            })
            .unwrap_or_default(),
        solutions: Vec::new(),
    };
    let mut errors: Vec<Mistake> = found
        .problems
        .into_iter()
        .map(|problem| Mistake {
            seeds: problem.seeds,
            traceback: problem.traceback,
            stderr: problem.stderr,
            ..Mistake::new(&file, problem.line.and_then(|line| usize::try_from(line).ok()), problem.message)
        })
        .collect();
    errors.extend(parts_problem(&made, challenge.parts).map(|message| Mistake::of(&file, message)));
    let mut warnings: Vec<Mistake> =
        found.warnings.into_iter().map(|message| Mistake::of(&file, message)).collect();
    let compares = |rule: &AnswerRule| *rule != AnswerRule { points: rule.points, ..AnswerRule::default() };
    if challenge.checker_script.is_none() {
        warnings
            .extend(fraction_warning(&made, &challenge.answers).map(|message| Mistake::of(&file, message)));
    } else if challenge.answers.iter().any(compares) {
        let message =
            "`[[answers]]` says how answers are compared, but check.py judges them; only `points` counts";
        warnings.push(Mistake::of(format!("{}/challenge.toml", challenge.slug), message));
    }
    warnings.extend(guessable_warning(&made).map(|message| Mistake::of(&file, message)));
    let checker = challenge
        .checker_script
        .as_deref()
        .map(|script| checker_job(script.into(), &challenge.slug, Arc::clone(&files), sandbox.limits()));
    if let (Some(checker), true) = (&checker, errors.is_empty()) {
        let made: Vec<(&str, &Generated)> = found
            .seeds
            .iter()
            .filter_map(|seed| Some((seed.seed.as_str(), seed.outcome.as_ref().ok()?)))
            .collect();
        let (wrong, worth_a_look) = checker_check(sandbox, tenant, (&challenge.slug, checker), &made).await;
        errors.extend(wrong);
        warnings.extend(worth_a_look);
    }
    if let Some(dir) = folder {
        let readmes = readmes(dir, challenge);
        for (name, readme) in &readmes {
            warnings.extend(links_check(dir, (&challenge.slug, name), readme));
        }
        let solutions = solutions_read(dir, &challenge.slug, &mut errors);
        let cases: Vec<Case> = found
            .seeds
            .iter()
            .filter_map(|seed| {
                let made = seed.outcome.as_ref().ok()?;
                let input = download(&made.input).as_ref().into();
                let mut found = files.to_vec();
                found.extend(
                    made.files
                        .iter()
                        .map(|file| File { path: format!("input/{}", file.path), ..file.clone() }),
                );
                Some(Case {
                    seed: seed.seed.clone(),
                    input,
                    value: made.input.clone(),
                    results: made.results.clone(),
                    files: found.into(),
                })
            })
            .collect();
        if errors.is_empty() {
            let statements: Vec<(String, Statement)> =
                readmes.iter().map(|(name, readme)| (name.clone(), statement(readme))).collect();
            for solution in &solutions {
                let of = (challenge, solution, checker.as_ref());
                solved(sandbox, tenant, of, &cases, &statements, (&mut report, &mut errors, &mut warnings))
                    .await;
            }
        }
    }
    Run { report, errors, warnings }
}

/// The READMEs of a challenge in all of its languages, by name.
fn readmes(dir: &Path, challenge: &ChallengeBundle) -> Vec<(String, String)> {
    let languages = challenge.translations.iter().map(|translation| Some(translation.language.as_str()));
    [None]
        .into_iter()
        .chain(languages)
        .filter_map(|language| {
            let name = file_of(language);
            let text = text_read(dir, &format!("{}/{name}", challenge.slug), &mut Vec::new())?;
            Some((name, text))
        })
        .collect()
}

async fn solved(
    sandbox: &Sandbox,
    tenant: i64,
    of: (&ChallengeBundle, &Solution, Option<&Job>),
    cases: &[Case],
    statements: &[(String, Statement)],
    (report, errors, warnings): (&mut ChallengeReport, &mut Vec<Mistake>, &mut Vec<Mistake>),
) {
    let (did, wrong, worth_a_look) = solution_run(sandbox, tenant, of, cases, statements).await;
    report.solutions.push(did);
    errors.extend(wrong);
    warnings.extend(worth_a_look);
}

/// A challenge whose answers are the same for everybody: nothing runs, and it is said what is lost by that.
fn fixed(challenge: &ChallengeBundle, flags: &[Vec<String>]) -> Run {
    let file = format!("{}/challenge.toml", challenge.slug);
    let mut errors = Vec::new();
    if i32::try_from(flags.len()) != Ok(challenge.parts) {
        errors.push(Mistake::of(
            &file,
            format!("`flags` has answers for {} parts, but `parts` is {}", flags.len(), challenge.parts),
        ));
    }
    let fits = |flag: &String| {
        let flag = canonical(flag);
        !flag.is_empty() && flag.len() <= MAX_ANSWER_BYTES && untypable(&flag).is_none()
    };
    if flags.iter().any(Vec::is_empty) || !flags.iter().flatten().all(fits) {
        errors.push(Mistake::of(
            &file,
            format!(
                "`flags` needs an answer for each part, of 1 to {MAX_ANSWER_BYTES} bytes that can be typed"
            ),
        ));
    }
    let warnings = vec![Mistake::of(
        &file,
        "the answers are the same for everybody (`flags`): participants can copy them from each other, and nobody can tell",
    )];
    let sample_results = flags.iter().map(|flags| flags.join(" or ")).collect();
    let report = ChallengeReport {
        slug: challenge.slug.clone(),
        seeds: 0,
        files: Vec::new(),
        input_bytes: None,
        slowest_ms: 0,
        sample_results,
        solutions: Vec::new(),
    };
    Run { report, errors, warnings }
}

/// Fractional numbers that are compared as text.
fn fraction_warning(made: &[&Generated], rules: &[AnswerRule]) -> Option<String> {
    let is_fraction = |answer: &str| answer.contains(['.', 'e', 'E']) && answer.parse::<f64>().is_ok();
    let as_text = |part: i32| rule_of(rules, part).is_none_or(|rule| rule.compare != Compare::Number);
    let mut answers = made.iter().flat_map(|made| (1..).zip(&made.results));
    answers.any(|(part, answer)| as_text(part) && alternatives(answer).any(is_fraction)).then(|| {
        "an answer is a fractional number, and answers are compared as text: 0.5 is right then and 0.50 wrong; say `compare = \
         \"number\"` with a tolerance in `[[answers]]`, or round it and say how in the challenge's text"
            .to_owned()
    })
}

fn parts_problem(made: &[&Generated], parts: i32) -> Option<String> {
    let count = made.iter().map(|m| m.results.len()).find(|n| i32::try_from(*n) != Ok(parts))?;
    Some(match parts {
        1 => format!("`result` has {count} answers, but challenge.toml does not say `parts = {count}`"),
        _ => format!(
            "challenge.toml says `parts = {parts}`, so `result` must be a list of {parts} answers; it has {count}"
        ),
    })
}

/// Answers that a handful of guesses would find: short over all seeds, or few of them.
fn guessable_warning(made: &[&Generated]) -> Option<String> {
    let parts = made.iter().map(|m| m.results.len()).min().filter(|_| made.len() >= 2)?;
    for part in 0..parts {
        let answers: Vec<&str> = made.iter().map(|m| m.results[part].as_str()).collect();
        if answers.iter().all(|a| a.len() <= GUESSABLE_LENGTH) {
            return Some(format!(
                "the answers of part {} are very short ({}): a few guesses find them, and a right answer is never \
                 refused for being one of a burst; ask for something longer, or switch on `rate_limit.lockout_seconds`",
                part + 1,
                answers.iter().take(3).map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", "),
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn generated(results: &[&str]) -> Generated {
        Generated {
            input: serde_json::Value::Null,
            results: results.iter().map(|&r| r.to_owned()).collect(),
            files: Vec::new(),
            stderr: String::new(),
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        }
    }

    #[test]
    fn the_number_of_answers_must_be_that_of_the_parts() {
        let (one, two) = (generated(&["12345"]), generated(&["12345", "67890"]));
        assert_eq!(parts_problem(&[&one], 1), None);
        assert_eq!(parts_problem(&[&two], 2), None);
        assert!(parts_problem(&[&two, &one], 2).unwrap().contains("list of 2"));
        assert!(parts_problem(&[&two], 1).unwrap().contains("parts = 2"));
    }

    #[test]
    fn answers_that_a_few_guesses_find_are_pointed_out() {
        let (yes, no, long) = (generated(&["yes"]), generated(&["no"]), generated(&["91823"]));
        assert!(guessable_warning(&[&yes, &no]).unwrap().contains("part 1"));
        assert_eq!(guessable_warning(&[&yes, &long]), None);
    }

    #[test]
    fn fractions_want_a_tolerance() {
        let made = generated(&["12", "0.5"]);
        let rule = |compare| AnswerRule { compare, ..AnswerRule::default() };
        assert!(fraction_warning(&[&made], &[]).unwrap().contains("compare = \"number\""));
        assert!(fraction_warning(&[&made], &[rule(Compare::Tokens)]).is_some());
        assert_eq!(fraction_warning(&[&made], &[rule(Compare::Exact), rule(Compare::Number)]), None);
        assert_eq!(fraction_warning(&[&generated(&["12", "id"])], &[]), None);
    }
}
