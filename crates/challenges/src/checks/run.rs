//! One run of a checker.

use std::sync::Arc;
use std::time::Duration;

use sandbox::{Files, Job, Limits, Sandbox};
use serde_json::Value;

use super::said::{self, Said};

/// What a checker may use: a participant waits for it.
const TIME: Duration = Duration::from_secs(4);
/// Processor time, which the kernel counts in whole seconds.
const CPU: Duration = Duration::from_secs(2);
/// What it may print, in bytes.
const OUTPUT: usize = 64 << 10;

/// What came of a run.
pub type Checked = Result<Said, Failure>;

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong with the checker; `None` where it is not the checker's fault.
    pub for_author: Option<String>,
    /// The line of it that was being executed, when known.
    pub line: Option<u32>,
    /// Python's traceback, and what it printed to standard error.
    pub told: (String, String),
}

/// A checker with what it finds beside it, ready to be run on answers.
pub fn checker_job(script: Arc<str>, slug: &str, files: Files, limits: &Limits) -> Job {
    let limits = Limits {
        wall: limits.wall.min(TIME),
        cpu: limits.cpu.min(CPU),
        output_bytes: limits.output_bytes.min(OUTPUT),
        ..*limits
    };
    Job {
        script,
        file_name: format!("{slug}/check.py").into(),
        // The same for every answer: what it draws follows from what it reads.
        seed: "checker".to_owned(),
        files,
        limits: Some(limits),
        ..Job::default()
    }
}

/// Has a checker look at an answer.
///
/// # Errors
/// When it fails, or could not be run.
pub async fn checker_run(
    sandbox: &Sandbox,
    tenant: i64,
    checker: &Job,
    (input, expected): (&Value, &str),
    answer: (i32, &str),
) -> Checked {
    let job = Job { stdin: Some(said::input(input, expected, answer)), ..checker.clone() };
    match sandbox.run(tenant, job).await {
        Ok(output) => said::read(&output.stdout).map_err(|wrong| Failure {
            for_author: Some(format!("the checker ran, but {wrong}")),
            line: None,
            told: (String::new(), output.stderr),
        }),
        Err(error) => Err(Failure {
            for_author: error
                .is_authors()
                .then(|| error.to_string().replacen("the script", "the checker", 1)),
            line: error.line(),
            told: (
                match &error {
                    sandbox::RunError::Script { traceback, .. } => traceback.clone(),
                    _ => String::new(),
                },
                error.stderr().to_owned(),
            ),
        }),
    }
}
