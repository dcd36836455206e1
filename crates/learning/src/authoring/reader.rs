//! Reading a path's folder. Nothing outside it is read: symbolic links are refused, and so is what is too large.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use kernel::FieldError;
use serde::de::DeserializeOwned;

use super::files::{beside, files_read, line_of};
use super::folder::{Finding, of_file};
use super::places::{Places, toml_read};
use super::sources::Sources;
use crate::model::bank::{BankDocument, NamedBank};
use crate::model::path::{Bundle, BundleSkill, NamedQuest, PathDocument};
use crate::model::quest::{QuestDocument, Step};
use crate::rules::check::{bank_check, is_slug, path_check, quest_check};
use crate::rules::files::{addresses, file_named, file_of};

/// The largest file that is read, in bytes. Beyond it lies no sensible text.
const MAX_FILE: u64 = 1024 * 1024;
/// The line that parts a step's settings from its text.
pub(super) const FENCE: &str = "+++";
/// What a step's file is called.
const STEP_NAMES: &str =
    "a step's file is called by its number, a dash, its short name and .md, such as 03-read.md";

/// A folder while it is read.
pub(super) struct Reader<'d> {
    pub(super) dir: &'d Path,
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    pub(super) sources: Sources,
}

impl Reader<'_> {
    /// Notes what is wrong with fields of the bundle, but for what follows from mistakes that were told.
    pub(super) fn fields(&mut self, prefix: &str, wrong: Vec<FieldError>) {
        for one in wrong {
            let field = format!("{prefix}{}", one.field);
            if !self.sources.is_mended(&field) {
                let finding = self.sources.finding(&field, &one.message);
                if !self.errors.contains(&finding) {
                    self.errors.push(finding);
                }
            }
        }
    }

    /// A file of TOML.
    fn toml<T: DeserializeOwned>(&mut self, file: &str) -> Option<T> {
        let text = text_read(self.dir, file, &mut self.errors)?;
        let (value, places) = toml_read(file, &text, 0, &mut self.errors)?;
        self.sources.put(file, text, places, 1);
        Some(value)
    }

    /// A file that is a text as a whole.
    fn readme(&mut self, file: &str) -> Option<String> {
        let text = text_read(self.dir, file, &mut self.errors)?;
        self.sources.put(file, text.clone(), Places::default(), 1);
        Some(text)
    }

    /// Notes a field that belongs into another file. With a dot at its end it is one of the TOML, though it is told in Markdown.
    fn misplaced(&mut self, wrong: bool, field: &str, message: &str) {
        if wrong {
            let finding = self.sources.finding(field, message);
            self.errors.push(finding);
        }
    }

    pub(super) fn path(&mut self) -> Option<PathDocument> {
        let path = self.toml::<PathDocument>("path.toml");
        let readme = self.readme("README.md").unwrap_or_default();
        for address in addresses(&readme).iter().filter(|address| file_named(address).is_some()) {
            let message = format!(
                "`{address}` is shown nowhere: files belong to quests, and this is the text of the path"
            );
            let line = line_of(&readme, address);
            self.errors.push(Finding { file: "README.md".to_owned(), line, message });
        }
        let mut path = path?;
        self.misplaced(!path.description.is_empty(), "path.description.", "belongs into README.md");
        unterminated(&readme).clone_into(&mut path.description);
        self.fields("path.", path_check(&path));
        Some(path)
    }

    pub(super) fn quests(&mut self) -> Vec<NamedQuest> {
        let mut quests = Vec::new();
        for slug in self.quest_folders() {
            let files = files_read(self.dir, &format!("quests/{slug}"), &mut self.errors);
            let steps = self.steps(&format!("quests/{slug}"));
            let (named, steps): (Vec<String>, Vec<Step>) = steps.into_iter().unzip();
            if let Some((mut quest, described)) = self.quest(&slug) {
                let n = quests.len();
                self.sources.put_quest(slug.clone(), named);
                for (wrong, field, message) in [
                    (!quest.description.is_empty(), "description.", "belongs into README.md"),
                    (!quest.steps.is_empty(), "steps.", "belong into files of their own, such as 01-read.md"),
                    (!quest.files.is_empty(), "files.", "are found in the folder files/"),
                ] {
                    self.misplaced(wrong, &format!("quests[{n}].quest.{field}"), message);
                }
                unterminated(&described).clone_into(&mut quest.description);
                quest.steps = steps;
                // What the check looks at; a bundle carries the files themselves.
                let told = files
                    .iter()
                    .filter_map(|one| Some((one.path.clone(), file_of(&one.path, &one.content().ok()?))));
                quest.files = told.collect();
                self.fields(&format!("quests[{n}].quest."), quest_check(&quest));
                quest.files.clear();
                quests.push(NamedQuest { slug, quest, files });
            }
        }
        quests
    }

    /// What `quest.toml` says, and the text beside it.
    fn quest(&mut self, slug: &str) -> Option<(QuestDocument, String)> {
        let folder = format!("quests/{slug}");
        let (file, readme) = (format!("{folder}/quest.toml"), format!("{folder}/README.md"));
        let quest = self.toml::<QuestDocument>(&file);
        let described = self.readme(&readme).unwrap_or_default();
        self.errors.extend(beside(self.dir, &folder, &readme, &described));
        Some((quest?, described))
    }

    /// The folders of quests, by their short names, in order.
    fn quest_folders(&mut self) -> Vec<String> {
        let within = "quests";
        let Ok(entries) = std::fs::read_dir(self.dir.join(within)) else {
            self.errors
                .push(of_file(within, "is missing: the folder in which each quest has one of its own"));
            return Vec::new();
        };
        let mut slugs = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let file = format!("{within}/{name}");
            match entry.file_type() {
                _ if name.starts_with('.') => {}
                Ok(kind) if kind.is_symlink() => {
                    self.errors.push(of_file(&file, "is a symbolic link; put the folder itself here"));
                }
                Ok(kind) if kind.is_dir() && is_slug(&name) => slugs.push(name),
                Ok(kind) if kind.is_dir() => {
                    let message = "a quest's folder is called by its short name: lower-case letters, digits, dots, underscores and dashes";
                    self.errors.push(of_file(&file, message));
                }
                _ if is_text(&name) || is_called(&name, &["toml"]) => {
                    let message = "is passed over: what belongs to a quest lies in a folder of its own, such as quests/loops";
                    self.warnings.push(of_file(&file, message));
                }
                _ => {}
            }
        }
        slugs.sort_unstable();
        slugs
    }

    /// The steps of a quest's folder with their files: those called by a number, a dash, a short name and `.md`, in the order of
    /// their numbers. What looks like one and is none is told.
    fn steps(&mut self, folder: &str) -> Vec<(String, Step)> {
        let Ok(entries) = std::fs::read_dir(self.dir.join(folder)) else { return Vec::new() };
        let mut files = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let file = format!("{folder}/{name}");
            let numbered = name.strip_suffix(".md").and_then(|name| name.split_once('-'));
            let numbered =
                numbered.and_then(|(number, slug)| Some((number.parse::<u32>().ok()?, slug.to_owned())));
            match numbered {
                Some((number, slug)) => files.push((number, slug, file)),
                _ if name.starts_with('.') || name.ends_with('~') || name == "README.md" => {}
                None if name == "files" || name == "__pycache__" => {}
                None if entry.file_type().is_ok_and(|kind| kind.is_dir()) => {
                    let message =
                        "is passed over: steps lie beside quest.toml, and what they show or offer in files/";
                    self.warnings.push(of_file(&file, message));
                }
                // Whoever writes a number means a step.
                None if is_text(&name) && name.starts_with(|c: char| c.is_ascii_digit()) => {
                    self.errors.push(of_file(&file, &format!("is no step: {STEP_NAMES}")));
                }
                None if is_text(&name) => {
                    self.warnings
                        .push(of_file(&file, &format!("is passed over, for it is no step: {STEP_NAMES}")));
                }
                None => {}
            }
        }
        files.sort();
        for pair in files.windows(2) {
            if pair[0].0 == pair[1].0 {
                self.errors.push(of_file(&pair[1].2, &format!("has the number of {}", pair[0].2)));
            }
        }
        let mut steps = Vec::new();
        for (_, slug, file) in files {
            let Some(text) = text_read(self.dir, &file, &mut self.errors) else { continue };
            self.errors.extend(beside(self.dir, folder, &file, &text));
            if let Some(mut step) = self.step(&file, text) {
                step.slug = slug;
                steps.push((file, step));
            }
        }
        steps
    }

    fn step(&mut self, file: &str, text: String) -> Option<Step> {
        // A line of three or more; the next one like it ends the settings. So a text among the settings may have a shorter one.
        let fence =
            text.lines().next().filter(|line| line.len() >= FENCE.len() && line.bytes().all(|b| b == b'+'));
        let fence = fence.and_then(|fence| Some((fence, text[fence.len()..].strip_prefix('\n')?)));
        let parted = fence.and_then(|(fence, rest)| {
            let mut end = 0;
            let closing = rest.split_inclusive('\n').find(|line| {
                let is_it = line.strip_suffix('\n').unwrap_or(line) == fence;
                end += if is_it { 0 } else { line.len() };
                is_it
            })?;
            Some((&rest[..end], &rest[end + closing.len()..]))
        });
        let Some((settings, body)) = parted else {
            let message =
                "must begin with its settings between two lines of +++, followed by its text".to_owned();
            self.errors.push(Finding { file: file.to_owned(), line: Some(1), message });
            return None;
        };
        let (mut step, places) = toml_read::<Step>(file, settings, 1, &mut self.errors)?;
        for (wrong, message) in [
            (!step.slug.is_empty(), "`slug` is the file's name behind its number"),
            (!step.description.is_empty(), "`description` is the text below the settings"),
        ] {
            if wrong {
                let field = message.trim_start_matches('`').split('`').next().unwrap_or_default();
                let line = Some(places.line(field));
                self.errors.push(Finding { file: file.to_owned(), line, message: message.to_owned() });
            }
        }
        unterminated(body.strip_prefix('\n').unwrap_or(body)).clone_into(&mut step.description);
        let begins = settings.matches('\n').count() + 3;
        self.sources.put(file, text, places, begins);
        Some(step)
    }

    /// The banks that the folder has, if it has any: files called by their short names.
    pub(super) fn banks(&mut self) -> Vec<NamedBank> {
        let Ok(entries) = std::fs::read_dir(self.dir.join("banks")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.') && !name.ends_with('~'));
        names.sort_unstable();
        let mut banks: Vec<NamedBank> = Vec::new();
        for name in names {
            let file = format!("banks/{name}");
            let Some(slug) = name.strip_suffix(".toml") else {
                self.warnings.push(of_file(
                    &file,
                    "is passed over: a bank is a file of TOML, such as banks/syntax.toml",
                ));
                continue;
            };
            if !is_slug(slug) {
                let message = "a bank is called by its short name: lower-case letters, digits, dots, underscores and dashes";
                self.errors.push(of_file(&file, message));
                continue;
            }
            if let Some(bank) = self.toml::<BankDocument>(&file) {
                banks.push(NamedBank { slug: slug.to_owned(), bank });
            }
        }
        banks.sort_by(|a, b| a.slug.cmp(&b.slug));
        self.sources.put_banks(banks.iter().map(|named| named.slug.clone()).collect());
        for (n, named) in banks.iter().enumerate() {
            self.fields(&format!("banks[{n}].bank."), bank_check(&named.bank));
        }
        banks
    }

    /// The skills that the folder tells of, if it does.
    pub(super) fn skills(&mut self) -> BTreeMap<String, BundleSkill> {
        let file = "skills.toml";
        if std::fs::symlink_metadata(self.dir.join(file)).is_err() {
            return BTreeMap::new();
        }
        self.toml(file).unwrap_or_default()
    }

    /// Tells of quests that no chapter has.
    pub(super) fn unlisted(&mut self, bundle: &Bundle) {
        for named in &bundle.quests {
            if bundle.path.entries().all(|(_, entry)| entry.quest != named.slug) {
                let slug = &named.slug;
                let message = format!(
                    "is named by no chapter of path.toml, and comes along as a quest outside of the path; to have it in the path, \
                     write `[[chapters.quests]]` and `quest = \"{slug}\"` there"
                );
                self.warnings.push(of_file(&format!("quests/{slug}"), &message));
            }
        }
    }
}

/// Whether a file is called as texts are.
fn is_text(name: &str) -> bool {
    is_called(name, &["md", "markdown"])
}

/// Whether a file's name ends in one of these.
fn is_called(name: &str, ends: &[&str]) -> bool {
    let end = Path::new(name).extension();
    end.is_some_and(|end| ends.iter().any(|one| end.eq_ignore_ascii_case(one)))
}

/// Without the line's end with which files end.
fn unterminated(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
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
