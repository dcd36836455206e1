//! A path's folder: what it says, what is wrong with it, and what it expects of a guild, each with its file and line.

use std::fmt;
use std::path::Path;

use kernel::FieldError;

use super::check::{Outlook, bundle_outlook};
use super::needs::{Need, needs_of};
use super::reader::Reader;
use super::sources::Sources;
use crate::model::path::{Bundle, PathDocument, PathType};
use crate::rules::check::{is_slug, together_check};

/// Something wrong with a folder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The file, relative to the path's folder.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Reads a path's folder, or says everything that is wrong with it. The folder's own name is the path's short name, unless `slug`
/// gives another.
pub fn read(dir: &Path, slug: Option<&str>) -> Result<Bundle, Vec<Finding>> {
    let folder = Folder::open(dir, slug);
    if folder.errors.is_empty() { Ok(folder.bundle) } else { Err(folder.errors) }
}

/// A path's folder, as far as it can be read.
#[derive(Debug)]
pub struct Folder {
    /// What it says; only where nothing is wrong with it, all of it.
    bundle: Bundle,
    /// Everything that is wrong with it, in the order of files and lines.
    pub errors: Vec<Finding>,
    /// What hinders nothing, and is hardly meant: what lies in it and is passed over.
    pub warnings: Vec<Finding>,
    sources: Sources,
}

impl Folder {
    /// Reads what can be read. The folder's own name is the path's short name, unless `slug` gives another.
    pub fn open(dir: &Path, slug: Option<&str>) -> Self {
        let mut reader =
            Reader { dir, errors: Vec::new(), warnings: Vec::new(), sources: Sources::default() };
        let named = slug.map(str::to_owned).or_else(|| {
            let whole = std::fs::canonicalize(dir).ok()?;
            Some(whole.file_name()?.to_string_lossy().into_owned())
        });
        let slug = named.unwrap_or_default();
        if !is_slug(&slug) {
            let message = "a path's folder is called by its short name: lower-case letters, digits, dots, underscores and dashes";
            reader.errors.push(of_file(".", message));
        }
        let path = reader.path();
        let quests = reader.quests();
        let banks = reader.banks();
        let skills = reader.skills();
        let whole = path.is_some();
        let bundle = Bundle { slug, path: path.unwrap_or_else(unread), quests, banks, skills };
        if whole {
            reader.unlisted(&bundle);
        }
        // What is wrong between the parts can be told only of parts that are right.
        if reader.errors.is_empty() {
            reader.fields("", together_check(&bundle));
        }
        let Reader { mut errors, mut warnings, sources, .. } = reader;
        for findings in [&mut errors, &mut warnings] {
            findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        }
        Self { bundle, errors, warnings, sources }
    }

    /// What the folder says, if nothing is wrong with it.
    pub fn bundle(&self) -> Option<&Bundle> {
        self.errors.is_empty().then_some(&self.bundle)
    }

    /// What it says as far as it could be read.
    pub(super) fn partly(&self) -> &Bundle {
        &self.bundle
    }

    /// What publication would say, as far as that can be told without a guild: what would be refused, and files that nothing names.
    pub fn outlook(&self) -> (Vec<Finding>, Vec<Finding>) {
        let Some(bundle) = self.bundle() else { return (Vec::new(), Vec::new()) };
        let Outlook { refused, unused, needs: _ } = bundle_outlook(bundle);
        let refused =
            refused.iter().map(|wrong| self.sources.finding(&wrong.field, &wrong.message)).collect();
        let unused = unused.into_iter().map(|(slug, name)| {
            of_file(
                &format!("quests/{slug}/files/{name}"),
                "is named by no text of the quest; name it, or take it away",
            )
        });
        (refused, unused.collect())
    }

    /// What the guild must have already, each with the file and line that names it.
    pub fn needs(&self) -> Vec<(Need, Finding)> {
        let needs = needs_of(&self.bundle).into_iter().map(|need| {
            let (file, line) = self.sources.place(&need.field);
            let finding = Finding { file, line, message: need.to_string() };
            (need, finding)
        });
        needs.collect()
    }

    /// What a refused import said of fields, as mistakes of the files: of what the guild lacks, where it is named. What is of no file is
    /// of the folder.
    pub fn refused(&self, wrong: &[FieldError]) -> Vec<Finding> {
        let needs = self.needs();
        let mut findings = Vec::new();
        for one in wrong {
            let (field, message) = (one.field.as_str(), one.message.as_str());
            // Quests are told by their short names there.
            let within = self.sources.of_quest(field);
            let of_quest =
                |need: &Need| within.as_ref().is_none_or(|(quest, _)| need.field.starts_with(quest.as_str()));
            let lacking: Vec<&Finding> = needs
                .iter()
                .filter(|(need, _)| of_quest(need) && names(message, &need.name))
                .map(|(_, finding)| finding)
                .collect();
            if lacking.is_empty() {
                let field = match &within {
                    Some((quest, inner)) if inner.is_empty() => format!("{quest}.requires"),
                    Some((quest, inner)) => format!("{quest}{inner}"),
                    None => field.to_owned(),
                };
                findings.push(self.sources.finding(&field, message));
            }
            for finding in lacking {
                let message = format!("{} is not in the guild, or is not published there", finding.message);
                let finding = Finding { message, ..finding.clone() };
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        findings
    }

    /// Where the n-th line, from 1, of a text stands, such as a program.
    pub(super) fn place_within(&self, field: &str, nth: usize) -> (String, Option<usize>) {
        self.sources.place_within(field, nth)
    }

    /// What is wrong with a field, told where it stands.
    pub(super) fn finding(&self, field: &str, message: &str) -> Finding {
        self.sources.finding(field, message)
    }
}

/// Whether a sentence names something by its short name.
fn names(message: &str, name: &str) -> bool {
    message.split(|c: char| c.is_whitespace() || "`,;:()".contains(c)).any(|word| word == name)
}

/// In the place of a path that could not be read: nothing is said of it.
fn unread() -> PathDocument {
    PathDocument {
        name: String::new(),
        description: String::new(),
        path_type: PathType::Custom,
        language: String::new(),
        timezone: String::new(),
        estimated_hours: None,
        experience_points: 0,
        unlock: None,
        quests: Vec::new(),
        chapters: Vec::new(),
    }
}

pub(super) fn of_file(file: &str, message: &str) -> Finding {
    Finding { file: file.to_owned(), line: None, message: message.to_owned() }
}
