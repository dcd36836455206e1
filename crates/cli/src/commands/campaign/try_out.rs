//! `questhall campaign try`: one run of one challenge's generator, shown whole.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use campaigns::authoring;
use clap::Args;
use sandbox::Job;
use sandbox::generator::{self, download, shown_answer};
use serde::Serialize;
use serde_json::Value;

use super::check::{ensure_folder, size, start};
use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::Screen,
};

#[derive(Debug, Args)]
pub(crate) struct TryArgs {
    /// The challenge's folder.
    pub(crate) dir: PathBuf,
    /// The seed; `check` names those that fail.
    #[arg(long, default_value = "check-1")]
    pub(crate) seed: String,
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
    wall_ms: u64,
    cpu_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    traceback: String,
    stderr: String,
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
    let seed = args.seed.clone();
    let (sandbox, _) = start(global).await?;
    let job = Job {
        script: script.into(),
        file_name: format!("{slug}/generate.py").into(),
        seed: seed.clone(),
        stdin: None,
        hash_seed_variant: false,
    };
    let made = generator::generate(&sandbox, 0, job).await;
    sandbox.shutdown().await;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let tried = match made {
        Ok(made) => Tried {
            challenge: slug,
            seed,
            wall_ms: millis(made.wall),
            cpu_ms: millis(made.cpu),
            input: made.input,
            answers: made.results.iter().map(|answer| shown_answer(answer).into_owned()).collect(),
            error: None,
            traceback: String::new(),
            stderr: made.stderr,
        },
        Err(error) => Tried {
            challenge: slug,
            seed,
            input: Value::Null,
            answers: Vec::new(),
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
