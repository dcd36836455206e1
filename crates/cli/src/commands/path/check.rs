//! `questhall path check`: everything that is wrong with a folder, in its author's words, and what of it hinders an import.

use std::fmt::Write as _;
use std::path::Path;

use learning::authoring::{self, Finding, Folder};
use learning::model::path::Bundle;
use sandbox::Sandbox;
use serde::Serialize;

use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::{Screen, counted},
    setup,
};

/// What a check found.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Whether the folder can be imported.
    pub(super) valid: bool,
    /// What must be mended.
    errors: Vec<Finding>,
    /// What hinders nothing, and is hardly meant: files that no text names, and what is passed over.
    warnings: Vec<Finding>,
    /// What the guild must have already, each time that it is named.
    needs: Vec<Expected>,
    /// Why checkers, and what tests append, were not tried, if they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_tried: Option<String>,
    /// Quests in the folder.
    quests: usize,
    /// Steps in the folder.
    steps: usize,
}

/// Something that the guild must have already.
#[derive(Debug, Serialize)]
struct Expected {
    /// What: quest, chapter, path, skill, question bank, challenge or achievement.
    what: &'static str,
    /// Its short name, or its number.
    name: String,
    /// The file that names it.
    file: String,
    /// The line.
    line: Option<usize>,
}

pub(super) fn open(dir: &Path, slug: Option<&str>) -> Result<Folder, Failure> {
    if !dir.is_dir() {
        return Err(Failure::new(Code::Unavailable, format!("there is no folder {}", dir.display())));
    }
    Ok(Folder::open(dir, slug))
}

/// Why a folder is not imported, line by line.
pub(super) fn refused(code: Code, dir: &Path, where_to: &str, findings: &[Finding]) -> Failure {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let space = if where_to.is_empty() { "" } else { " " };
    Failure::new(
        code,
        format!("{} cannot be imported{space}{where_to}:\n{}", dir.display(), lines.join("\n")),
    )
}

/// What the folder says, if a check finds nothing wrong with it; what else it finds is told in passing. Of drafts only what they could not
/// be read without must be right.
pub(super) async fn may_be_imported<'f>(
    global: &Global,
    dir: &Path,
    folder: &'f Folder,
    draft: bool,
    screen: &Screen,
) -> Result<&'f Bundle, Failure> {
    let answer = checked(global, folder).await?;
    match folder.bundle() {
        Some(bundle) if draft || answer.valid => {
            for finding in answer.errors.iter().chain(&answer.warnings) {
                screen.note(&finding.to_string());
            }
            if let Some(why) = &answer.not_tried {
                screen.note(&not_tried(why));
            }
            Ok(bundle)
        }
        _ => Err(refused(Code::No, dir, "", &answer.errors)),
    }
}

pub(super) async fn checked(global: &Global, folder: &Folder) -> Result<Answer, Failure> {
    let (refused, unused) = folder.outlook();
    let (failing, not_tried) = tried_programs(global, folder).await?;
    let mut errors = [folder.errors.clone(), refused, failing].concat();
    let mut warnings = [folder.warnings.clone(), unused].concat();
    for findings in [&mut errors, &mut warnings] {
        findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }
    let needs = folder.needs().into_iter().map(|(need, finding)| Expected {
        what: need.what,
        name: need.name,
        file: finding.file,
        line: finding.line,
    });
    let quests = folder.bundle().map(|bundle| bundle.quests.as_slice()).unwrap_or_default();
    Ok(Answer {
        valid: errors.is_empty(),
        errors,
        warnings,
        needs: needs.collect(),
        not_tried,
        quests: quests.len(),
        steps: quests.iter().map(|named| named.quest.steps.len()).sum(),
    })
}

/// What is wrong with programs, as far as there is a sandbox to try them in; else why there is none.
async fn tried_programs(global: &Global, folder: &Folder) -> Result<(Vec<Finding>, Option<String>), Failure> {
    if !folder.has_programs() {
        return Ok((Vec::new(), None));
    }
    let settings = setup::settings(global, &[])?.sandbox;
    if !settings.enabled {
        return Ok((Vec::new(), Some("`sandbox.enabled` is false".to_owned())));
    }
    let sandbox = match Sandbox::start(settings.config()).await {
        Ok(sandbox) => sandbox,
        Err(error) => return Ok((Vec::new(), Some(error.to_string()))),
    };
    let found = authoring::programs_check(&sandbox, folder).await;
    sandbox.shutdown().await;
    Ok(found.map_or_else(|error| (Vec::new(), Some(error.to_string())), |found| (found, None)))
}

fn not_tried(why: &str) -> String {
    format!("Checkers, and what tests append, were not tried: {why}.")
}

pub(super) fn told(dir: &Path, answer: &Answer) -> String {
    let mut text = String::new();
    for (heading, findings) in [("Errors", &answer.errors), ("Warnings", &answer.warnings)] {
        if !findings.is_empty() {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            let _ = write!(text, "{heading}\n{}\n\n", lines.join("\n"));
        }
    }
    if !answer.needs.is_empty() {
        let lines = answer.needs.iter().map(|need| {
            let line = need.line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{}{line}: the {} `{}`", need.file, need.what, need.name)
        });
        let _ = write!(text, "Expected in the guild\n{}\n\n", lines.collect::<Vec<_>>().join("\n"));
    }
    if let Some(why) = &answer.not_tried {
        let _ = write!(text, "{}\n\n", not_tried(why));
    }
    let dir = dir.display();
    let _ = if answer.valid {
        let (quests, steps) = (counted(answer.quests, "quest"), counted(answer.steps, "step"));
        write!(text, "{dir} can be imported: {quests}, {steps}.")
    } else {
        write!(text, "{dir} cannot be imported: {}.", counted(answer.errors.len(), "error"))
    };
    text
}
