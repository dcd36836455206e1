//! Challenge generators: a script's output read as `{"input": …, "result": …}`, with the files that it made, and the check of a generator.
//!
//! The contract is spec.md's section 3. Answers become text in a predictable way: text is trimmed at its ends, numbers
//! stay as Python's `json` wrote them (`12`, `0.5`, `1e+16`).

mod check;
mod findings;
mod output;

use std::time::Duration;

use serde_json::Value;

pub use check::{CheckReport, Difference, Problem, SeedReport, check, download};
use output::made_files;
pub use output::{
    MAX_ANSWER_BYTES, MAX_PARTS, OutputError, alternatives, canonical, read_output, shown_answer, untypable,
};

use crate::{File, Job, RunError, Sandbox};

/// What a generator made for one participant.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The puzzle's input: text, or any JSON.
    pub input: Value,
    /// The answers in canonical text: one for each part. Where several are right for a part, all of
    /// them; [`alternatives`] takes them apart.
    pub results: Vec<String>,
    /// The files that it made for the participant: those of its `files`, then what it left in `QUESTHALL_OUT`.
    pub files: Vec<File>,
    /// The first 64 KiB of what the script printed to standard error.
    pub stderr: String,
    /// Time from start to end.
    pub wall: Duration,
    /// Processor time.
    pub cpu: Duration,
}

/// Why a generator made nothing. `Display` is written for the script's author.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GeneratorError {
    /// The script failed, hit a limit, or could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The script ran but what it printed is not what a generator prints.
    #[error("the script ran, but {problem}")]
    Output {
        /// What is wrong and what was expected.
        problem: OutputError,
        /// The first 64 KiB of what it printed to standard error.
        stderr: String,
    },
}

impl GeneratorError {
    /// Whether the script, rather than the service, is to blame.
    pub const fn is_authors(&self) -> bool {
        match self {
            Self::Run(error) => error.is_authors(),
            Self::Output { .. } => true,
        }
    }

    /// The line of the script that was being executed, when known.
    pub const fn line(&self) -> Option<u32> {
        match self {
            Self::Run(error) => error.line(),
            Self::Output { .. } => None,
        }
    }

    /// What the script printed to standard error, as far as it was kept.
    pub fn stderr(&self) -> &str {
        match self {
            Self::Run(error) => error.stderr(),
            Self::Output { stderr, .. } => stderr,
        }
    }

    /// Python's traceback, where there is one.
    pub fn traceback(&self) -> &str {
        match self {
            Self::Run(RunError::Script { traceback, .. }) => traceback,
            _ => "",
        }
    }

    /// What a participant is told: nothing of the script's inside.
    pub const fn for_participants(&self) -> &'static str {
        match self {
            Self::Run(RunError::QueueFull | RunError::Unavailable(_)) => {
                "Your input could not be made just now. Please try again in a moment."
            }
            _ => {
                "This challenge's input could not be made. Its author has been told; please try again later."
            }
        }
    }
}

/// Runs a generator and reads what it made.
///
/// # Errors
/// See [`GeneratorError`].
pub async fn generate(sandbox: &Sandbox, tenant: i64, job: Job) -> Result<Generated, GeneratorError> {
    let output = sandbox.run(tenant, job).await?;
    let read = read_output(&output.stdout).and_then(|(input, results, mut files)| {
        files.extend(output.made);
        made_files(&files)?;
        Ok((input, results, files))
    });
    match read {
        Ok((input, results, files)) => {
            Ok(Generated { input, results, files, stderr: output.stderr, wall: output.wall, cpu: output.cpu })
        }
        Err(problem) => Err(GeneratorError::Output { problem, stderr: output.stderr }),
    }
}
