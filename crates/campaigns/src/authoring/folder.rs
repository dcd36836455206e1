//! Reading a campaign's folder. Nothing outside it is read: symbolic links are refused, and so is what is too large.

use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use kernel::objects::Objects;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bundle::{Bundle, ChallengeBundle, HintBundle, PART_TWO_MARK, challenge_check};
use crate::model::CampaignSettings;
use crate::rules;
use challenges::catalogue::slug_fits;

/// The largest file that is read, in bytes. Beyond it lies no sensible text or script.
const MAX_FILE: u64 = 1024 * 1024;

/// Something wrong with a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the campaign's folder.
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

/// `challenge.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeToml {
    title: String,
    #[serde(default)]
    order: Option<i32>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    difficulty: Option<i32>,
    #[serde(default)]
    closes_after_minutes: Option<i32>,
    #[serde(default = "one")]
    parts: i32,
    #[serde(default)]
    hints: Vec<HintBundle>,
}

const fn one() -> i32 {
    1
}

/// Reads a campaign's folder, or says everything that is wrong with it. Folders without a `challenge.toml`, a
/// `generate.py` or a `README.md`, hidden ones and `__pycache__` are no challenges; other files are the author's own.
pub fn read(dir: &Path) -> Result<Bundle, Vec<Finding>> {
    match read_partly(dir) {
        (Some(campaign), challenges, findings) if findings.is_empty() => Ok(Bundle { campaign, challenges }),
        (_, _, findings) => Err(findings),
    }
}

/// What of a campaign's folder can be read, beside everything that is wrong with it: so that generators can be tried
/// although something else is wrong.
pub fn read_partly(dir: &Path) -> (Option<CampaignSettings>, Vec<ChallengeBundle>, Vec<Finding>) {
    let mut findings = Vec::new();
    let campaign = campaign_read(dir, &mut findings);
    let mut challenges = Vec::new();
    for slug in challenge_folders(dir, &mut findings) {
        if let Some(challenge) = challenge_read(dir, &slug, &mut findings) {
            challenges.push(challenge);
        }
    }
    let challenges = ordered(challenges, &mut findings);
    (campaign, challenges, findings)
}

fn campaign_read(dir: &Path, findings: &mut Vec<Finding>) -> Option<CampaignSettings> {
    let file = "campaign.toml";
    let text = text_read(dir, file, findings)?;
    let settings: CampaignSettings = toml_read(file, &text, findings)?;
    for wrong in rules::settings_check(&settings) {
        findings.push(Finding {
            file: file.to_owned(),
            line: key_line(&text, &wrong.field),
            message: format!("`{}` {}", wrong.field, wrong.message),
        });
    }
    Some(settings)
}

fn challenge_folders(dir: &Path, findings: &mut Vec<Finding>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut slugs = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() && entry.path().is_dir() => {
                findings.push(of_file(&name, "is a symbolic link; put the folder itself here"));
            }
            Ok(kind) if kind.is_dir() => {
                let is_challenge = ["challenge.toml", "generate.py", "README.md"]
                    .iter()
                    .any(|f| entry.path().join(f).exists());
                if !is_challenge {
                    continue;
                }
                if slug_fits(&name) {
                    slugs.push(name);
                } else {
                    findings.push(of_file(
                        &name,
                        "a challenge's folder is called by 1 to 64 lower-case letters, digits and dashes",
                    ));
                }
            }
            _ => {}
        }
    }
    slugs.sort_unstable();
    slugs
}

fn challenge_read(
    dir: &Path,
    slug: &str,
    findings: &mut Vec<Finding>,
) -> Option<(ChallengeBundle, Option<i32>)> {
    let toml_file = format!("{slug}/challenge.toml");
    let readme_file = format!("{slug}/README.md");
    let toml_text = text_read(dir, &toml_file, findings);
    let readme = text_read(dir, &readme_file, findings);
    let script = text_read(dir, &format!("{slug}/generate.py"), findings);
    let toml_text = toml_text?;
    let toml: ChallengeToml = toml_read(&toml_file, &toml_text, findings)?;
    let readme = readme?;
    let (description, description_part2) = match readme.split_once(PART_TWO_MARK) {
        Some((one, two)) => (one.trim().to_owned(), Some(two.trim().to_owned())),
        None => (readme.trim().to_owned(), None),
    };
    let challenge = ChallengeBundle {
        slug: slug.to_owned(),
        title: toml.title,
        categories: toml.categories,
        difficulty: toml.difficulty,
        closes_after_minutes: toml.closes_after_minutes,
        parts: toml.parts,
        description,
        description_part2,
        generation_script: script?,
        hints: toml.hints,
    };
    for wrong in challenge_check(&challenge) {
        findings.push(placed(slug, &toml_text, &wrong.field, &wrong.message, challenge.parts));
    }
    Some((challenge, toml.order))
}

/// A wrong field of a challenge, told as a mistake in the file that the author wrote it in.
fn placed(slug: &str, toml_text: &str, field: &str, message: &str, parts: i32) -> Finding {
    let file = |name: &str| format!("{slug}/{name}");
    match field {
        "description" => of_file(&file("README.md"), &format!("the text {message}")),
        "description_part2" if parts == 2 => of_file(
            &file("README.md"),
            &format!(
                "has no part two: put `{PART_TWO_MARK}` on a line of its own between the parts, and text after it"
            ),
        ),
        "description_part2" => of_file(
            &file("README.md"),
            &format!("has a part two (`{PART_TWO_MARK}`), but challenge.toml does not say `parts = 2`"),
        ),
        "generation_script" => of_file(&file("generate.py"), &format!("the script {message}")),
        _ => Finding {
            file: file("challenge.toml"),
            line: key_line(toml_text, field),
            message: format!("`{field}` {message}"),
        },
    }
}

/// Challenges in their order: by `order` where given, else by the folder's place in the alphabet.
fn ordered(
    challenges: Vec<(ChallengeBundle, Option<i32>)>,
    findings: &mut Vec<Finding>,
) -> Vec<ChallengeBundle> {
    let mut seen = HashMap::<i32, String>::new();
    let mut keyed = Vec::with_capacity(challenges.len());
    for (place, (challenge, order)) in (1..).zip(challenges) {
        let file = format!("{}/challenge.toml", challenge.slug);
        if let Some(order) = order {
            if order < 1 {
                findings.push(of_file(&file, "`order` must be 1 or more"));
            }
            if let Some(other) = seen.insert(order, challenge.slug.clone()) {
                findings.push(of_file(&file, &format!("`order` {order} is taken by {other} already")));
            }
        }
        keyed.push((order.unwrap_or(place), challenge));
    }
    keyed.sort_by(|a, b| (a.0, &a.1.slug).cmp(&(b.0, &b.1.slug)));
    keyed.into_iter().map(|(_, challenge)| challenge).collect()
}

fn toml_read<T: DeserializeOwned>(file: &str, text: &str, findings: &mut Vec<Finding>) -> Option<T> {
    match toml::Deserializer::parse(text).and_then(|whole| T::deserialize(Objects(whole))) {
        Ok(value) => Some(value),
        Err(error) => {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
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
    let mut wrong = |message: &str| findings.push(of_file(file, message));
    let path: PathBuf = dir.join(file);
    let Ok(meta) = std::fs::symlink_metadata(&path) else {
        wrong("is missing");
        return None;
    };
    if meta.file_type().is_symlink() {
        wrong("is a symbolic link; put the file itself here");
        return None;
    }
    if !meta.is_file() {
        wrong("is not a file");
        return None;
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(&path).and_then(|f| f.take(MAX_FILE + 1).read_to_end(&mut bytes));
    if let Err(error) = opened {
        wrong(&format!("can't be read: {error}"));
        return None;
    }
    if bytes.len() as u64 > MAX_FILE {
        wrong("is larger than 1 MiB");
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text.replace("\r\n", "\n")),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = String::from_utf8_lossy(&error.as_bytes()[..good]).matches('\n').count() + 1;
            findings.push(Finding {
                file: file.to_owned(),
                line: Some(line),
                message: "is not UTF-8; save it with that encoding".to_owned(),
            });
            None
        }
    }
}

fn of_file(file: &str, message: &str) -> Finding {
    Finding { file: file.to_owned(), line: None, message: message.to_owned() }
}

/// The line on which a key such as `rate_limit.per_5s` or `rewards[1].from` is written; of its table where the key itself
/// is not there.
fn key_line(text: &str, field: &str) -> Option<usize> {
    let (table, key) = field.rsplit_once('.').map_or((None, field), |(table, key)| (Some(table), key));
    let (table_name, index) = match table.or(Some(field)).and_then(|t| t.split_once('[')) {
        Some((name, rest)) => (Some(name), rest.trim_end_matches(']').parse::<usize>().ok()),
        None => (table, None),
    };
    let header = table_name.map(|name| match index {
        Some(_) => format!("[[{name}]]"),
        None => format!("[{name}]"),
    });
    let mut seen = 0;
    let mut inside = header.is_none();
    let mut header_line = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('[') {
            if header.as_deref() == Some(line) {
                inside = index.is_none_or(|i| i == seen);
                seen += 1;
                if inside {
                    header_line = Some(number);
                }
            } else {
                inside = false;
            }
        } else if inside && line.split('=').next().is_some_and(|k| k.trim().trim_matches('"') == key) {
            return Some(number);
        }
    }
    header_line
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "name = \"A\"\nduration_hours = 1\n\n[rate_limit]\nper_5s = 0\n\n[[rewards]]\nfrom = 1\n\n[[rewards]]\nto = 2\n";

    #[test]
    fn keys_are_found_on_their_lines() {
        assert_eq!(key_line(TOML, "duration_hours"), Some(2));
        assert_eq!(key_line(TOML, "rate_limit.per_5s"), Some(5));
        assert_eq!(key_line(TOML, "rewards[0].from"), Some(8));
        assert_eq!(key_line(TOML, "rewards[1].to"), Some(11));
        assert_eq!(key_line(TOML, "rewards[1].from"), Some(10));
        assert_eq!(key_line(TOML, "starting_points"), None);
    }
}
