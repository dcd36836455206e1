//! Reading a path's folder. Nothing outside it is read: symbolic links are refused, and so is what is too large.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use kernel::FieldError;
use kernel::files::FileBundle;
use kernel::objects::Objects;
use serde::de::DeserializeOwned;

use super::files::{beside, files_read, line_of};
use crate::model::bank::{BankDocument, NamedBank};
use crate::model::path::{Bundle, BundleSkill, NamedQuest, PathDocument};
use crate::model::quest::{QuestDocument, Step};
use crate::rules::check::{bank_check, is_slug, path_check, quest_check, together_check};
use crate::rules::files::{addresses, file_named, file_of, missing};

/// The largest file that is read, in bytes. Beyond it lies no sensible text.
const MAX_FILE: u64 = 1024 * 1024;
/// The line that parts a step's settings from its text.
pub(super) const FENCE: &str = "+++";

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
    let mut findings = Vec::new();
    let named = slug.map(str::to_owned).or_else(|| {
        let whole = std::fs::canonicalize(dir).ok()?;
        Some(whole.file_name()?.to_string_lossy().into_owned())
    });
    let slug = named.unwrap_or_default();
    if !is_slug(&slug) {
        let message = "a path's folder is called by its short name: lower-case letters, digits, dots, underscores and dashes";
        findings.push(of_file(".", message));
    }
    let path = path_read(dir, &mut findings);
    let quests = quests_read(dir, &mut findings);
    let banks = banks_read(dir, &mut findings);
    let skills = skills_read(dir, &mut findings);
    if let Some(path) = &path {
        for (_, entry) in path.entries() {
            if quests.iter().all(|quest| quest.slug != entry.quest) && !is_slug(&entry.quest) {
                findings
                    .push(of_file("path.toml", &format!("`{}` is no short name of a quest", entry.quest)));
            }
        }
    }
    match path {
        Some(path) if findings.is_empty() => {
            let bundle = Bundle { slug, path, quests, banks, skills };
            let wrong = together_check(&bundle);
            if wrong.is_empty() {
                return Ok(bundle);
            }
            Err(wrong.iter().map(|one| of_whole(&bundle, one)).collect())
        }
        _ => {
            findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            Err(findings)
        }
    }
}

fn path_read(dir: &Path, findings: &mut Vec<Finding>) -> Option<PathDocument> {
    let file = "path.toml";
    let text = text_read(dir, file, findings);
    let readme = text_read(dir, "README.md", findings);
    let text = text?;
    let mut path: PathDocument = toml_read(file, &text, 0, findings)?;
    elsewhere(!path.description.is_empty(), file, "`description` belongs into README.md", findings);
    let readme = readme?;
    for address in addresses(&readme).iter().filter(|address| file_named(address).is_some()) {
        let message =
            format!("`{address}` is shown nowhere: files belong to quests, and this is the text of the path");
        let line = line_of(&readme, address);
        findings.push(Finding { file: "README.md".to_owned(), line, message });
    }
    unterminated(&readme).clone_into(&mut path.description);
    for wrong in path_check(&path) {
        findings.push(placed(file, "README.md", &text, 0, &wrong.field, &wrong.message));
    }
    Some(path)
}

fn elsewhere(wrong: bool, file: &str, message: &str, findings: &mut Vec<Finding>) {
    if wrong {
        findings.push(of_file(file, message));
    }
}

/// Without the line's end with which files end.
fn unterminated(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// A wrong field, told as a mistake in the file that the author wrote it in.
fn placed(file: &str, readme: &str, text: &str, before: usize, field: &str, message: &str) -> Finding {
    if field == "description" {
        return of_file(readme, &format!("the text {message}"));
    }
    let line = key_line(text, field).map(|line| line + before);
    Finding { file: file.to_owned(), line, message: format!("`{field}` {message}") }
}

/// The line on which the last part of a field's path is written, if it is written once.
fn key_line(text: &str, field: &str) -> Option<usize> {
    let key = field.rsplit('.').next()?.split('[').next()?;
    let is_it = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| is_it(line));
    let first = lines.next()?;
    lines.next().is_none().then_some(first.0 + 1)
}

fn quests_read(dir: &Path, findings: &mut Vec<Finding>) -> Vec<NamedQuest> {
    let mut quests = Vec::new();
    for slug in folders(dir, "quests", findings) {
        let files = files_read(dir, &format!("quests/{slug}"), findings);
        if let Some(quest) = quest_read(dir, &slug, &files, findings) {
            quests.push(NamedQuest { slug, quest, files });
        }
    }
    quests
}

/// What is wrong between parts of a bundle, told as a mistake in the file that holds the part.
fn of_whole(bundle: &Bundle, wrong: &FieldError) -> Finding {
    let part = |list: &str| {
        let (n, rest) = wrong.field.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
        Some((n.parse::<usize>().ok()?, rest.trim_start_matches('.').to_owned()))
    };
    if let Some((n, field)) = part("quests") {
        let file = format!("quests/{}/quest.toml", bundle.quests[n].slug);
        of_file(&file, &format!("`{}` {}", field.trim_start_matches("quest."), wrong.message))
    } else if let Some((n, _)) = part("banks") {
        of_file(&format!("banks/{}.toml", bundle.banks[n].slug), &wrong.message)
    } else if let Some(skill) = wrong.field.strip_prefix("skills.") {
        of_file("skills.toml", &format!("`{skill}` {}", wrong.message))
    } else {
        of_file(&wrong.field, &wrong.message)
    }
}

/// The banks that the folder has, if it has any: files called by their short names.
fn banks_read(dir: &Path, findings: &mut Vec<Finding>) -> Vec<NamedBank> {
    let Ok(entries) = std::fs::read_dir(dir.join("banks")) else { return Vec::new() };
    let mut banks = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = format!("banks/{name}");
        let Some(slug) = name.strip_suffix(".toml") else { continue };
        if !is_slug(slug) {
            let message = "a bank is called by its short name: lower-case letters, digits, dots, underscores and dashes";
            findings.push(of_file(&file, message));
            continue;
        }
        let Some(text) = text_read(dir, &file, findings) else { continue };
        let Some(bank) = toml_read::<BankDocument>(&file, &text, 0, findings) else { continue };
        for wrong in bank_check(&bank) {
            findings.push(placed(&file, &file, &text, 0, &wrong.field, &wrong.message));
        }
        banks.push(NamedBank { slug: slug.to_owned(), bank });
    }
    banks.sort_by(|a, b| a.slug.cmp(&b.slug));
    banks
}

/// The skills that the folder tells of, if it does.
fn skills_read(dir: &Path, findings: &mut Vec<Finding>) -> BTreeMap<String, BundleSkill> {
    let file = "skills.toml";
    if std::fs::symlink_metadata(dir.join(file)).is_err() {
        return BTreeMap::new();
    }
    let text = text_read(dir, file, findings);
    text.and_then(|text| toml_read(file, &text, 0, findings)).unwrap_or_default()
}

fn folders(dir: &Path, within: &str, findings: &mut Vec<Finding>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir.join(within)) else {
        findings.push(of_file(within, "is missing: the folder in which each quest has one of its own"));
        return Vec::new();
    };
    let mut slugs = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = format!("{within}/{name}");
        match entry.file_type() {
            _ if name.starts_with('.') => {}
            Ok(kind) if kind.is_symlink() => {
                findings.push(of_file(&file, "is a symbolic link; put the folder itself here"));
            }
            Ok(kind) if kind.is_dir() && is_slug(&name) => slugs.push(name),
            Ok(kind) if kind.is_dir() => {
                let message = "a quest's folder is called by its short name: lower-case letters, digits, dots, underscores and dashes";
                findings.push(of_file(&file, message));
            }
            _ => {}
        }
    }
    slugs.sort_unstable();
    slugs
}

fn quest_read(
    dir: &Path,
    slug: &str,
    carried: &[FileBundle],
    findings: &mut Vec<Finding>,
) -> Option<QuestDocument> {
    let folder = format!("quests/{slug}");
    let (file, readme) = (format!("{folder}/quest.toml"), format!("{folder}/README.md"));
    let text = text_read(dir, &file, findings);
    let described = text_read(dir, &readme, findings);
    let steps = steps_read(dir, &folder, findings);
    let text = text?;
    let mut quest: QuestDocument = toml_read(&file, &text, 0, findings)?;
    elsewhere(!quest.description.is_empty(), &file, "`description` belongs into README.md", findings);
    elsewhere(
        !quest.steps.is_empty(),
        &file,
        "`steps` belong into files of their own, such as 01-read.md",
        findings,
    );
    elsewhere(!quest.files.is_empty(), &file, "`files` are found in the folder files/", findings);
    let described = described?;
    findings.extend(beside(dir, &folder, &readme, &described));
    unterminated(&described).clone_into(&mut quest.description);
    // What the check looks at; a bundle carries the files themselves.
    let told = carried.iter().filter_map(|one| Some((one.path.clone(), file_of(&one.content().ok()?))));
    quest.files = told.collect();
    let files: Vec<String> = steps.iter().map(|(file, _)| file.clone()).collect();
    quest.steps = steps.into_iter().map(|(_, step)| step).collect();
    let named = missing(&quest);
    for wrong in quest_check(&quest) {
        if wrong.field == "files" {
            findings.push(of_file(&format!("{folder}/files"), &wrong.message));
            continue;
        }
        // A file that is not there is told where it is named.
        let address = named
            .iter()
            .find(|one| one.field == wrong.field && wrong.message.contains(&format!("`{}`", one.address)));
        // What is wrong with a step is told of its file.
        let of_step = wrong.field.strip_prefix("steps[").and_then(|rest| rest.split_once(']'));
        let step = of_step
            .and_then(|(n, rest)| Some((files.get(n.parse::<usize>().ok()?)?, rest.strip_prefix('.')?)));
        let (mut finding, within) = match step {
            Some((file, field)) => {
                let text = text_read(dir, file, &mut Vec::new()).unwrap_or_default();
                (placed(file, file, &text, 0, field, &wrong.message), text)
            }
            None if wrong.field == "description" => {
                (placed(&file, &readme, &text, 0, &wrong.field, &wrong.message), described.clone())
            }
            None => (placed(&file, &readme, &text, 0, &wrong.field, &wrong.message), text.clone()),
        };
        if let Some(one) = address {
            finding.line = line_of(&within, &one.address);
        }
        findings.push(finding);
    }
    quest.files.clear();
    Some(quest)
}

/// The steps of a quest's folder: files called by a number, a dash, a short name and `.md`, in the order of their numbers.
fn steps_read(dir: &Path, folder: &str, findings: &mut Vec<Finding>) -> Vec<(String, Step)> {
    let Ok(entries) = std::fs::read_dir(dir.join(folder)) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((number, slug)) = name.strip_suffix(".md").and_then(|name| name.split_once('-')) else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else { continue };
        files.push((number, slug.to_owned(), format!("{folder}/{name}")));
    }
    files.sort();
    for pair in files.windows(2) {
        if pair[0].0 == pair[1].0 {
            findings.push(of_file(&pair[1].2, &format!("has the number of {}", pair[0].2)));
        }
    }
    let mut steps = Vec::new();
    for (_, slug, file) in files {
        let Some(text) = text_read(dir, &file, findings) else { continue };
        findings.extend(beside(dir, folder, &file, &text));
        if let Some(mut step) = step_read(&file, &text, findings) {
            elsewhere(!step.slug.is_empty(), &file, "`slug` is the file's name behind its number", findings);
            step.slug = slug;
            steps.push((file, step));
        }
    }
    steps
}

fn step_read(file: &str, text: &str, findings: &mut Vec<Finding>) -> Option<Step> {
    let fences =
        || of_file(file, "must begin with its settings between two lines of +++, followed by its text");
    // A line of three or more; the next one like it ends the settings. So a text among the settings may have a shorter one.
    let fence =
        text.lines().next().filter(|line| line.len() >= FENCE.len() && line.bytes().all(|b| b == b'+'));
    let Some((fence, rest)) = fence.and_then(|fence| Some((fence, text[fence.len()..].strip_prefix('\n')?)))
    else {
        findings.push(fences());
        return None;
    };
    let mut end = 0;
    let closing = rest.split_inclusive('\n').find(|line| {
        let is_it = line.strip_suffix('\n').unwrap_or(line) == fence;
        end += if is_it { 0 } else { line.len() };
        is_it
    });
    let Some(closing) = closing else {
        findings.push(fences());
        return None;
    };
    let (settings, body) = (&rest[..end], &rest[end + closing.len()..]);
    let mut step: Step = toml_read(file, settings, 1, findings)?;
    elsewhere(!step.description.is_empty(), file, "`description` is the text below the settings", findings);
    unterminated(body.strip_prefix('\n').unwrap_or(body)).clone_into(&mut step.description);
    Some(step)
}

fn toml_read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    lines_before: usize,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    match toml::Deserializer::parse(text).and_then(|whole| T::deserialize(Objects(whole))) {
        Ok(value) => Some(value),
        Err(error) => {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1 + lines_before);
            let message = error.message().trim().replace('\n', "; ");
            findings.push(Finding { file: file.to_owned(), line, message: suggested(message) });
            None
        }
    }
}

/// Adds the likeliest key to "unknown field `dificulty`, expected one of `difficulty`, …".
fn suggested(message: String) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message };
    let Some((unknown, expected)) = rest.split_once('`') else { return message };
    let known = expected.split('`').skip(1).step_by(2);
    let near = known.map(|k| (strsim::damerau_levenshtein(unknown, k), k)).min().filter(|(far, _)| *far <= 3);
    match near {
        Some((_, key)) => format!("unknown field `{unknown}`; did you mean `{key}`?"),
        None => message,
    }
}

/// Reads a text file of the folder, refusing what is absent, a link, too large or not UTF-8.
fn text_read(dir: &Path, file: &str, findings: &mut Vec<Finding>) -> Option<String> {
    let mut wrong = |message: String| findings.push(of_file(file, &message));
    let path = dir.join(file);
    let Ok(meta) = std::fs::symlink_metadata(&path) else {
        wrong("is missing".to_owned());
        return None;
    };
    if meta.file_type().is_symlink() || !meta.is_file() {
        wrong("must be a file, and no link".to_owned());
        return None;
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(&path).and_then(|f| f.take(MAX_FILE + 1).read_to_end(&mut bytes));
    if let Err(error) = opened {
        wrong(format!("can't be read: {error}"));
        return None;
    }
    if bytes.len() as u64 > MAX_FILE {
        wrong("is larger than 1 MiB".to_owned());
        return None;
    }
    if let Ok(text) = String::from_utf8(bytes) {
        return Some(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"));
    }
    wrong("is not UTF-8; save it with that encoding".to_owned());
    None
}

pub(super) fn of_file(file: &str, message: &str) -> Finding {
    Finding { file: file.to_owned(), line: None, message: message.to_owned() }
}
