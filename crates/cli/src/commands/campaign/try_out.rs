//! `questhall campaign try`: one run of one challenge's generator, shown whole.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use campaigns::authoring::{self, Mistake};
use clap::Args;
use kernel::CampaignId;
use sandbox::generator::{self, Generated, download, shown_answer};
use sandbox::{File, Files, Job};
use serde::Serialize;
use serde_json::Value;

use super::check::{ensure_folder, size, start};
use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::Screen,
    setup,
};

#[derive(Debug, Args)]
pub(crate) struct TryArgs {
    /// The challenge's folder.
    pub(crate) dir: PathBuf,
    /// The seed; `check` names those that fail [default: check-1].
    #[arg(long, conflicts_with = "user")]
    pub(crate) seed: Option<String>,
    /// Make what this participant gets in a campaign (a member's Discord id, or a squad's id).
    #[arg(long, requires = "campaign", value_name = "PARTICIPANT")]
    pub(crate) user: Option<String>,
    /// The campaign that `--user` takes part in. Needs its database.
    #[arg(long, requires = "user", value_name = "ID")]
    pub(crate) campaign: Option<CampaignId>,
    /// Put the input and the files that are made into this folder, which is made.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Show the input whole.
    #[arg(long)]
    pub(crate) full: bool,
}

/// How many lines of an input are shown, unless it is asked for whole.
const INPUT_LINES: usize = 20;
/// How long a line is shown.
const LINE_LENGTH: usize = 160;

/// What a run made, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Tried {
    challenge: String,
    seed: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    input: Value,
    answers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Made>,
    wall_ms: u64,
    cpu_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    traceback: String,
    stderr: String,
}

/// A file that it made.
#[derive(Debug, Serialize)]
struct Made {
    name: String,
    bytes: usize,
}

pub(super) async fn run(global: &Global, args: &TryArgs, screen: &Screen) -> Result<(), Failure> {
    ensure_folder(&args.dir)?;
    let (dir, challenge) = authoring::locate(&args.dir);
    let Some(slug) = challenge else {
        return Err(Failure::new(
            Code::Unavailable,
            format!("{} is no challenge's folder; try one, such as {}/01-sums", dir.display(), dir.display()),
        ));
    };
    let file = dir.join(&slug).join("generate.py");
    let script = std::fs::read_to_string(&file)
        .map_err(|error| Failure::new(Code::Unavailable, format!("{}: {error}", file.display())))?;
    let mut mistakes = Vec::new();
    let files = files(&dir, &slug, &mut mistakes);
    if !mistakes.is_empty() {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        return Err(Failure::new(Code::No, lines.join("\n")));
    }
    let seed = match (&args.user, args.campaign) {
        (Some(user), Some(campaign)) => seed_of(global, campaign, (&slug, user)).await?,
        _ => args.seed.clone().unwrap_or_else(|| "check-1".to_owned()),
    };
    let (sandbox, _) = start(global).await?;
    let job = Job {
        script: script.into(),
        file_name: format!("{slug}/generate.py").into(),
        seed: seed.clone(),
        files,
        ..Job::default()
    };
    let made = generator::generate(&sandbox, 0, job).await;
    sandbox.shutdown().await;
    // A participant's own seed is as secret as what it makes.
    let seed = args.user.as_ref().map_or(seed, |user| format!("of {user}"));
    if let (Some(folder), Ok(made)) = (&args.out, &made) {
        keep(folder, made)?;
    }
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let tried = match made {
        Ok(made) => Tried {
            challenge: slug,
            seed,
            wall_ms: millis(made.wall),
            cpu_ms: millis(made.cpu),
            input: made.input,
            answers: made.results.iter().map(|answer| shown_answer(answer).into_owned()).collect(),
            files: made.files.iter().map(|f| Made { name: f.path.clone(), bytes: f.content.len() }).collect(),
            error: None,
            traceback: String::new(),
            stderr: made.stderr,
        },
        Err(error) => Tried {
            challenge: slug,
            seed,
            input: Value::Null,
            answers: Vec::new(),
            files: Vec::new(),
            wall_ms: 0,
            cpu_ms: 0,
            error: Some(error.to_string()),
            traceback: error.traceback().to_owned(),
            stderr: error.stderr().to_owned(),
        },
    };
    screen.answer(&tried, |tried| told(tried, args.full))?;
    if tried.error.is_some() { Err(Failure::no()) } else { Ok(()) }
}

/// What the script finds: its challenge's files and its campaign's.
fn files(dir: &Path, slug: &str, mistakes: &mut Vec<Mistake>) -> Files {
    let mut found = Vec::new();
    for (folder, under) in [(format!("{slug}/files"), "files"), ("lib".to_owned(), "lib")] {
        let files = authoring::folder_files(dir, &folder, mistakes);
        found.extend(files.into_iter().map(|file| File { path: format!("{under}/{}", file.path), ..file }));
    }
    found.into()
}

/// What a participant's input is seeded with.
async fn seed_of(
    global: &Global,
    campaign: CampaignId,
    (slug, participant): (&str, &str),
) -> Result<String, Failure> {
    setup::with_database(global, async |database| {
        let secret =
            sqlx::query_scalar!("SELECT secret FROM campaigns.campaigns WHERE id = $1", campaign.get())
                .fetch_optional(&mut *db::acquire(database.pool()).await?)
                .await?;
        let secret =
            secret.ok_or_else(|| Failure::new(Code::Refused, format!("there is no campaign {campaign}")))?;
        Ok(challenges::rules::seed(&secret, slug, participant))
    })
    .await
}

/// Writes what was made where its author can look at it.
fn keep(folder: &Path, made: &Generated) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).or_fail(Code::Unavailable)?;
    let input = match &made.input {
        Value::String(_) => "input.txt",
        _ => "input.json",
    };
    std::fs::write(folder.join(input), download(&made.input).as_bytes()).or_fail(Code::Unavailable)?;
    for file in &made.files {
        // Its name has no slashes and no dots that lead elsewhere: the sandbox refuses such.
        std::fs::write(folder.join(&file.path), &file.content).or_fail(Code::Unavailable)?;
    }
    Ok(())
}

fn told(tried: &Tried, full: bool) -> String {
    let mut text = format!("{}, seed {}: ", tried.challenge, tried.seed);
    if let Some(error) = &tried.error {
        let _ = write!(text, "{error}");
    } else {
        let input = download(&tried.input);
        let _ = write!(
            text,
            "{} ms ({} ms of processor time), an input of {}",
            tried.wall_ms,
            tried.cpu_ms,
            size(input.len())
        );
        for (part, answer) in (1..).zip(&tried.answers) {
            let of = if tried.answers.len() > 1 { format!(" to part {part}") } else { String::new() };
            let _ = write!(text, "\n\nAnswer{of}\n{answer}");
        }
        for file in &tried.files {
            let _ = write!(text, "\n\nFile {}, {}", file.name, size(file.bytes));
        }
        let _ = write!(text, "\n\nInput\n{}", if full { input.into_owned() } else { beginning(&input) });
    }
    if !tried.traceback.is_empty() {
        let _ = write!(text, "\n\n{}", tried.traceback.trim_end());
    }
    if !tried.stderr.trim().is_empty() {
        let _ = write!(text, "\n\nStandard error\n{}", tried.stderr.trim_end());
    }
    text
}

fn beginning(input: &str) -> String {
    let mut shown = Vec::new();
    for line in input.lines().take(INPUT_LINES) {
        let short: String = line.chars().take(LINE_LENGTH).collect();
        shown.push(if short.len() < line.len() { format!("{short}…") } else { short });
    }
    let more = input.lines().count().saturating_sub(INPUT_LINES);
    if more > 0 {
        shown.push(format!("… and {more} more lines; --full shows all"));
    }
    shown.join("\n")
}
