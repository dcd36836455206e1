//! `questhall campaign check`: everything that is wrong with a folder, in its author's words. Needs no database.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use campaigns::authoring::{self, Bundle, CheckReport, Checked, Mistake, Partly, Seeds, Step};
use clap::Args;
use kernel::Clock;
use sandbox::Sandbox;
use serde::Serialize;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The folder that holds campaign.toml, or that of one challenge in it.
    pub(crate) dir: PathBuf,
    /// Only challenges whose folder is called so, or begins so; may be repeated.
    #[arg(long, value_name = "CHALLENGE")]
    pub(crate) only: Vec<String>,
    /// For how many made-up participants each generator runs [default: 5, and 20 where it is fast].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) seeds: Option<u16>,
}

/// How many seeds `import` tries; whoever wants more runs `check`.
const SEEDS_BEFORE_IMPORT: Seeds = Seeds::exactly(2);
/// How many lines of a script's standard error are shown.
const STDERR_LINES: usize = 10;

/// The whole answer.
#[derive(Debug, Serialize)]
struct Answer {
    /// How strong the jail was.
    jail: String,
    /// Which Python ran.
    python: String,
    #[serde(flatten)]
    report: CheckReport,
}

/// What of a folder is looked at.
struct Wanted {
    dir: PathBuf,
    /// Only challenges whose folder is called so, or begins so.
    only: Vec<String>,
}

impl Wanted {
    /// A campaign's folder, or that of one challenge.
    fn of(dir: &Path, only: &[String]) -> Self {
        let (dir, challenge) = authoring::locate(dir);
        let mut only = only.to_vec();
        only.extend(challenge);
        Self { dir, only }
    }

    fn read(&self) -> Result<Partly, Failure> {
        let read = authoring::read_partly(&self.dir);
        if self.only.is_empty() {
            return Ok(read);
        }
        let means = |slug: &str, only: &str| slug == only || slug.trim_end_matches('/').starts_with(only);
        let folders: Vec<&str> = read
            .challenges
            .iter()
            .map(|challenge| challenge.slug.as_str())
            .chain(read.mistakes.iter().filter_map(|mistake| Some(mistake.file.split_once('/')?.0)))
            .collect();
        for only in &self.only {
            if !folders.iter().any(|slug| means(slug, only)) {
                return Err(Failure::new(
                    Code::Unavailable,
                    format!("{} has no challenge that is called {only}, or begins so", self.dir.display()),
                ));
            }
        }
        Ok(read.only(|slug| self.only.iter().any(|only| means(slug, only))))
    }
}

pub(super) async fn run(global: &Global, args: &CheckArgs, screen: &Screen) -> Result<(), Failure> {
    ensure_folder(&args.dir)?;
    let wanted = Wanted::of(&args.dir, &args.only);
    let seeds = args.seeds.map_or(Seeds::USUAL, |seeds| Seeds::exactly(usize::from(seeds)));
    let (answer, _) = examine(global, &wanted, seeds, screen).await?;
    screen.answer(&answer, |answer| told(&args.dir, answer))?;
    if answer.report.valid { Ok(()) } else { Err(Failure::no()) }
}

/// The bundle of a folder that passes a short check; else its mistakes.
pub(super) async fn checked(global: &Global, dir: &Path, screen: &Screen) -> Result<Bundle, Failure> {
    ensure_folder(dir)?;
    let wanted = Wanted { dir: dir.to_owned(), only: Vec::new() };
    let (answer, bundle) = examine(global, &wanted, SEEDS_BEFORE_IMPORT, screen).await?;
    match bundle {
        Some(bundle) if answer.report.valid => Ok(bundle),
        _ => {
            let lines = answer.report.errors.iter().map(paragraph).collect::<Vec<_>>().join("\n");
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

/// The operator's jail, with what is told of it.
pub(super) async fn start(global: &Global) -> Result<(Sandbox, String), Failure> {
    let settings = setup::settings(global, &[])?;
    let sandbox = Sandbox::start(settings.sandbox.config()).await.or_fail(Code::Unavailable)?;
    let (_, version) = sandbox.python();
    let numpy = if sandbox.has_numpy() { " with numpy" } else { "" };
    let python = format!("Python {}{numpy}", version.map(|n| n.to_string()).join("."));
    Ok((sandbox, python))
}

async fn examine(
    global: &Global,
    wanted: &Wanted,
    seeds: Seeds,
    screen: &Screen,
) -> Result<(Answer, Option<Bundle>), Failure> {
    let Partly { campaign, challenges, library, mistakes } = wanted.read()?;
    let files = authoring::files_of(&library, &challenges).map_err(kernel::Problem::fields)?;
    let (sandbox, python) = start(global).await?;
    let bar = screen.bar(challenges.len(), "running generators");
    let running = RefCell::new(Vec::new());
    let what = Checked {
        // Of one challenge, when the others are released is no question.
        campaign: campaign.as_ref().filter(|_| wanted.only.is_empty()),
        challenges: &challenges,
        files: &files,
        folder: Some(&wanted.dir),
        only: None,
        now: Clock::system().now(),
    };
    let mut report = authoring::check(&sandbox, 0, what, seeds, |step| {
        let mut running = running.borrow_mut();
        match step {
            Step::Begun(slug) => running.push(slug.to_owned()),
            Step::Done(slug) => {
                running.retain(|other| other != slug);
                bar.inc(1);
            }
        }
        bar.set_prefix(running.join(", "));
    })
    .await;
    bar.finish_and_clear();
    let jail = sandbox.rung().to_string();
    sandbox.shutdown().await;
    report.errors.extend(mistakes);
    report.errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    report.valid = report.errors.is_empty();
    let answer = Answer { jail, python, report };
    Ok((answer, campaign.map(|campaign| Bundle { campaign, challenges, library })))
}

/// A mistake with all that its script said.
pub(super) fn paragraph(mistake: &Mistake) -> String {
    let indented = |text: &str| text.trim_end().replace('\n', "\n    ");
    let mut text = indented(&mistake.to_string());
    if !mistake.traceback.is_empty() {
        let _ = write!(text, "\n    {}", indented(&mistake.traceback));
    }
    let said: Vec<&str> = mistake.stderr.trim_end().lines().collect();
    if !said.is_empty() {
        let left_out = said.len().saturating_sub(STDERR_LINES);
        let more = if left_out > 0 { format!(" (its last {STDERR_LINES} lines)") } else { String::new() };
        let _ = write!(text, "\n    On standard error{more}:\n      {}", said[left_out..].join("\n      "));
    }
    text
}

fn told(dir: &Path, answer: &Answer) -> String {
    let Answer { jail, python, report } = answer;
    let mut text = format!(
        "{}: {}, in the jail \"{jail}\", {python}\n",
        dir.display(),
        count(report.challenges.len(), "generator"),
    );
    let rows = report.challenges.iter().map(|report| {
        let input = match report.input_bytes {
            None => "-".to_owned(),
            Some((least, most)) if least == most => size(least),
            Some((least, most)) => format!("{} to {}", size(least), size(most)),
        };
        let slowest = report.input_bytes.map_or("-".to_owned(), |_| format!("{} ms", report.slowest_ms));
        let solutions = report.solutions.iter().map(|s| format!("{} {}/{}", s.name, s.right, s.runs));
        [
            report.slug.clone(),
            report.seeds.to_string(),
            input,
            slowest,
            solutions.collect::<Vec<_>>().join(", "),
            report.sample_results.iter().map(|answer| shortened(answer)).collect::<Vec<_>>().join(" · "),
        ]
    });
    let headings = ["challenge", "seeds", "input", "slowest", "solutions", "answers of the first seed"];
    let _ = write!(text, "\n{}\n", table(headings, rows));
    for (heading, mistakes) in [("Errors", &report.errors), ("Warnings", &report.warnings)] {
        if !mistakes.is_empty() {
            let lines = mistakes.iter().map(paragraph).collect::<Vec<_>>().join("\n");
            let _ = write!(text, "\n{heading}\n{lines}\n");
        }
    }
    let verdict = if report.valid { "It can be imported" } else { "It cannot be imported" };
    let (errors, warnings) = (count(report.errors.len(), "error"), count(report.warnings.len(), "warning"));
    let _ = write!(text, "\n{verdict}: {errors}, {warnings}.");
    text
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn size(bytes: usize) -> String {
    if bytes < 1000 { format!("{bytes} B") } else { format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100) }
}

/// The beginning of an answer, on one line.
fn shortened(answer: &str) -> String {
    const LENGTH: usize = 40;
    let lines = answer.lines().count();
    let line = answer.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LENGTH).collect();
    match lines {
        0 | 1 if short.len() == line.len() => short,
        0 | 1 => format!("{short}…"),
        more => format!("{short}… ({more} lines)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_said_belongs_to_its_mistake() {
        let mistake = Mistake {
            file: "01-x/generate.py".into(),
            line: Some(3),
            message: "the script failed".into(),
            traceback: "Traceback:\n  line 3\n".into(),
            stderr: (1..=12).map(|n| format!("note {n}")).collect::<Vec<_>>().join("\n"),
            ..Mistake::default()
        };
        let text = paragraph(&mistake);
        let head = "01-x/generate.py:3: the script failed\n    Traceback:\n      line 3\n    On standard error (its last 10 \
                    lines):\n      note 3\n      note 4\n";
        assert!(text.starts_with(head), "{text}");
        assert!(text.ends_with("\n      note 12"), "{text}");
    }

    #[test]
    fn answers_of_many_lines_are_cut() {
        assert_eq!(shortened("12345"), "12345");
        assert_eq!(shortened("first\nsecond\nthird"), "first… (3 lines)");
        assert_eq!(shortened(&"x".repeat(50)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            (size(999), size(1_000), size(20_440)),
            ("999 B".into(), "1.0 kB".into(), "20.4 kB".into())
        );
    }
}
