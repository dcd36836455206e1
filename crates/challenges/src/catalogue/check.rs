//! Trying a script before participants do.

use std::collections::{HashMap, HashSet};

use kernel::{CampaignId, ChallengeId, FieldError, GuildId};
use sandbox::{Files, Job, Sandbox, generator};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::files::{self, CampaignFiles};
use super::{ChallengeDraft, drafts};
use crate::error::Error;
use crate::inputs::{self, MadeFile};
use crate::rules::seed;

/// For how many made-up participants a new script is tried before it is taken over HTTP, with a folder or alone.
pub const NEW_SCRIPT_RUNS: u8 = 3;

/// How much of an input an author is shown, in characters.
const SHOWN: usize = 2_000;

/// What trying a script showed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CheckedScript {
    /// Whether every run gave a usable input, and the same one twice.
    pub good: bool,
    /// What is wrong, in words for the author.
    pub problems: Vec<String>,
    /// What works but is worth a look.
    pub warnings: Vec<String>,
    /// The runs.
    pub seeds: Vec<CheckedSeed>,
}

/// A run for one made-up participant.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CheckedSeed {
    /// How the input begins: its first 2,000 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub input_beginning: String,
    /// The size of the input as a participant downloads it, in bytes.
    pub input_bytes: usize,
    /// How long the script ran, in milliseconds.
    pub wall_ms: u64,
    /// The answers.
    pub answers: Vec<String>,
    /// The files that it made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<MadeFile>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the script printed to standard error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
}

/// The challenges of a folder, by their slugs, whose scripts are not those of the campaign it is to be brought to: all of them, where
/// there is none yet.
pub async fn scripts_new(
    pool: &PgPool,
    (guild, into): (GuildId, Option<CampaignId>),
    (challenges, files): (&[ChallengeDraft], &CampaignFiles),
) -> Result<HashSet<String>, Error> {
    let (known, digests) = match into {
        Some(campaign) => {
            let mut conn = db::acquire(pool).await?;
            (drafts(&mut conn, guild, campaign).await?, files::digests(&mut conn, guild, campaign).await?)
        }
        None => (Vec::new(), HashMap::new()),
    };
    let is_known = |draft: &&ChallengeDraft| {
        let slug = draft.slug.as_deref().unwrap_or_default();
        digests.get(slug) == Some(&files::digest(&files.found_by(slug)))
            && known.iter().any(|old| {
                old.slug == draft.slug
                    && old.parts == draft.parts
                    && old.generation_script == draft.generation_script
                    && old.checker_script == draft.checker_script
            })
    };
    let new = challenges.iter().filter(|draft| !is_known(draft));
    Ok(new.filter_map(|draft| draft.slug.clone()).collect())
}

/// Runs the script of one challenge for a few made-up participants and refuses what none of them could use; `files` are what it finds.
pub async fn script_check(
    sandbox: &Sandbox,
    guild: GuildId,
    (draft, files): (&ChallengeDraft, Files),
) -> Result<(), Error> {
    let wrong = script_faults(sandbox, guild, (draft, files), NEW_SCRIPT_RUNS).await;
    if wrong.is_empty() { Ok(()) } else { Err(Error::Wrong(wrong)) }
}

/// Why no participant could use what a challenge's script makes.
async fn script_faults(
    sandbox: &Sandbox,
    guild: GuildId,
    (draft, files): (&ChallengeDraft, Files),
    runs: u8,
) -> Vec<FieldError> {
    let seeds: Vec<String> = (1..=runs).map(|n| format!("check-{n}")).collect();
    let file =
        draft.slug.as_ref().map_or_else(|| "generate.py".to_owned(), |slug| format!("{slug}/generate.py"));
    let script = Job {
        script: draft.generation_script.as_str().into(),
        file_name: file.into(),
        files,
        ..Job::default()
    };
    let report = generator::check(sandbox, guild.get(), &script, &seeds, &[]).await;
    let mut problems: Vec<String> = report.problems.iter().map(|problem| problem.message.clone()).collect();
    for made in report.seeds.iter().filter_map(|run| run.outcome.as_ref().ok()) {
        problems.extend(inputs::unusable(draft.parts, &made.input, &made.results));
    }
    problems.dedup();
    let field = || "generation_script".to_owned();
    problems.into_iter().map(|message| FieldError { field: field(), message }).collect()
}

/// Runs a challenge's script for `runs` (1 to 20) made-up participants, twice each, and stores nothing. With `script`, that
/// text is tried instead of the stored one.
#[kernel::boxed]
pub async fn check(
    pool: &PgPool,
    sandbox: &Sandbox,
    (guild, campaign, challenge): (GuildId, CampaignId, ChallengeId),
    script: Option<&str>,
    runs: u8,
) -> Result<CheckedScript, Error> {
    if !(1..=20).contains(&runs) {
        return Err(Error::field("runs", "must be between 1 and 20"));
    }
    let mut conn = db::acquire(pool).await?;
    crate::store::challenge_exists(&mut conn, guild, campaign, challenge).await?;
    let stored =
        inputs::script_read(&mut conn, guild, challenge).await?.ok_or(Error::NotFound("challenge"))?;
    drop(conn);
    let text = script.map_or_else(|| stored.text.clone(), Into::into);
    // No participant has such an id.
    let seeds: Vec<String> =
        (1..=runs).map(|n| seed(&stored.secret, &stored.slug, &format!("check-{n}"))).collect();
    let script =
        Job { script: text, file_name: stored.file_name.clone(), files: stored.files, ..Job::default() };
    Ok(tried(sandbox, guild, &script, &seeds, stored.parts).await)
}

/// The same for a challenge that is not stored yet.
pub async fn draft_try(
    sandbox: &Sandbox,
    guild: GuildId,
    (script, parts): (&str, i32),
    runs: u8,
) -> Result<CheckedScript, Error> {
    if !(1..=20).contains(&runs) {
        return Err(Error::field("runs", "must be between 1 and 20"));
    }
    let seeds: Vec<String> = (1..=runs).map(|n| format!("check-{n}")).collect();
    let script = Job { script: script.into(), file_name: "generate.py".into(), ..Job::default() };
    Ok(tried(sandbox, guild, &script, &seeds, parts).await)
}

async fn tried(
    sandbox: &Sandbox,
    guild: GuildId,
    script: &Job,
    seeds: &[String],
    parts: i32,
) -> CheckedScript {
    let report = generator::check(sandbox, guild.get(), script, seeds, &[]).await;
    let mut problems: Vec<String> = report.problems.iter().map(|problem| problem.message.clone()).collect();
    let mut checked = Vec::with_capacity(report.seeds.len());
    for run in &report.seeds {
        let (answers, error, stderr, input, files) = match &run.outcome {
            Ok(made) => {
                let unusable = inputs::unusable(parts, &made.input, &made.results);
                let answers =
                    made.results.iter().map(|answer| generator::shown_answer(answer).into_owned()).collect();
                let files = made.files.iter().map(MadeFile::of).collect();
                (answers, unusable, made.stderr.clone(), beginning(&made.input), files)
            }
            Err(error) => {
                (Vec::new(), Some(error.to_string()), error.stderr().to_owned(), String::new(), Vec::new())
            }
        };
        if let Some(error) = error.as_ref().filter(|error| run.outcome.is_ok() && !problems.contains(error)) {
            problems.push(error.clone());
        }
        let wall_ms = u64::try_from(run.wall.as_millis()).unwrap_or(u64::MAX);
        let input_bytes = run.input_bytes;
        checked.push(CheckedSeed {
            input_beginning: input,
            input_bytes,
            wall_ms,
            answers,
            files,
            error,
            stderr,
        });
    }
    CheckedScript { good: problems.is_empty(), problems, warnings: report.warnings, seeds: checked }
}

/// How an input begins, as a participant reads it.
fn beginning(input: &Value) -> String {
    match input {
        Value::String(text) => text.chars().take(SHOWN).collect(),
        other => other.to_string().chars().take(SHOWN).collect(),
    }
}
