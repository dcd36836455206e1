//! Reading a campaign's folder. Nothing outside it is read: symbolic links are refused, and so is what is too large.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bundle::{Bundle, ChallengeBundle, HintBundle, challenge_check};
use super::carried::{attachments_read, bundled, files_of, folder_files};
use super::files::{looks_like_a_challenge, text_read};
use super::flags::{Flags, script_of};
use super::keys::{key_line, toml_read};
use super::mistake::Mistake;
use super::readme::{file_of, mark_of, parted, translated, word_of};
use crate::model::CampaignSettings;
use crate::rules;
use challenges::catalogue::{Translation, USUAL_LANGUAGE, slug_fits};
use challenges::rules::AnswerRule;
use kernel::files::FileBundle;

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
    language: Option<String>,
    #[serde(default)]
    titles: BTreeMap<String, String>,
    #[serde(default)]
    flags: Option<Flags>,
    #[serde(default)]
    answers: Vec<AnswerRule>,
    #[serde(default)]
    hints: Vec<HintBundle>,
}

const fn one() -> i32 {
    1
}

/// Reads a campaign's folder, or says everything that is wrong with it. Folders without a `challenge.toml`, a
/// `generate.py` or a `README.md`, hidden ones and `__pycache__` are no challenges; `files/`, `attachments/`, `lib/` and pictures
/// are carried; other files are the author's own.
pub fn read(dir: &Path) -> Result<Bundle, Vec<Mistake>> {
    match read_partly(dir) {
        Partly { campaign: Some(campaign), challenges, library, mistakes } if mistakes.is_empty() => {
            Ok(Bundle { campaign, challenges, library })
        }
        Partly { mistakes, .. } => Err(mistakes),
    }
}

/// What of a campaign's folder can be read, beside everything that is wrong with it: so that generators can be tried
/// although something else is wrong.
#[derive(Debug)]
pub struct Partly {
    /// The settings, if `campaign.toml` is right.
    pub campaign: Option<CampaignSettings>,
    /// The challenges that can be read, in their order.
    pub challenges: Vec<ChallengeBundle>,
    /// What all scripts share.
    pub library: Vec<FileBundle>,
    /// Everything that is wrong.
    pub mistakes: Vec<Mistake>,
}

impl Partly {
    /// Keeps only those challenges, and what is wrong with them.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.challenges.retain(|challenge| wanted(&challenge.slug));
        self.mistakes.retain(|mistake| mistake.file.split_once('/').is_some_and(|(slug, _)| wanted(slug)));
        self
    }
}

/// Reads what can be read of a campaign's folder.
pub fn read_partly(dir: &Path) -> Partly {
    let mut mistakes = Vec::new();
    let campaign = campaign_read(dir, &mut mistakes);
    let mut challenges = Vec::new();
    for slug in challenge_folders(dir, &mut mistakes) {
        if let Some(challenge) = challenge_read(dir, &slug, &mut mistakes) {
            challenges.push(challenge);
        }
    }
    let challenges = ordered(challenges, &mut mistakes);
    let library = bundled(&folder_files(dir, "lib", &mut mistakes));
    if let Ok(files) = files_of(&library, &challenges) {
        // Names and sizes alone were told with the file itself; what is left is how much there is.
        let over = files.check(str::to_owned).into_iter().filter(|wrong| !wrong.field.contains('['));
        mistakes.extend(over.map(|wrong| {
            let place = wrong.field.replace(".files", "/files").replace(".attachments", "/attachments");
            Mistake::of(if place == "library" { "lib".to_owned() } else { place }, wrong.message)
        }));
    }
    Partly { campaign, challenges, library, mistakes }
}

/// The campaign's folder that a path means, and the challenge if it is that of one: `winter-games/01-sums` is challenge
/// `01-sums` of `winter-games`.
pub fn locate(path: &Path) -> (PathBuf, Option<String>) {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_challenge = !path.join("campaign.toml").exists() && looks_like_a_challenge(path);
    match (whole.parent(), whole.file_name()) {
        (Some(campaign), Some(slug)) if is_challenge => {
            (campaign.to_owned(), Some(slug.to_string_lossy().into_owned()))
        }
        _ => (path.to_owned(), None),
    }
}

fn campaign_read(dir: &Path, mistakes: &mut Vec<Mistake>) -> Option<CampaignSettings> {
    let file = "campaign.toml";
    let text = text_read(dir, file, mistakes)?;
    let settings: CampaignSettings = toml_read(file, &text, mistakes)?;
    for wrong in rules::settings_check(&settings) {
        let line = key_line(&text, &wrong.field);
        mistakes.push(Mistake::new(file, line, format!("`{}` {}", wrong.field, wrong.message)));
    }
    Some(settings)
}

fn challenge_folders(dir: &Path, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut slugs = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "__pycache__" || name == "lib" {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() && entry.path().is_dir() => {
                mistakes.push(Mistake::of(&name, "is a symbolic link; put the folder itself here"));
            }
            Ok(kind) if kind.is_dir() => {
                if !looks_like_a_challenge(&entry.path()) {
                    continue;
                }
                if slug_fits(&name) {
                    slugs.push(name);
                } else {
                    mistakes.push(Mistake::of(
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
    mistakes: &mut Vec<Mistake>,
) -> Option<(ChallengeBundle, Option<i32>)> {
    let toml_file = format!("{slug}/challenge.toml");
    let readme_file = format!("{slug}/README.md");
    let toml_text = text_read(dir, &toml_file, mistakes);
    let readme = text_read(dir, &readme_file, mistakes);
    let script_file = format!("{slug}/generate.py");
    let Some((toml_text, toml)) = toml_text.and_then(|text| {
        let toml: ChallengeToml = toml_read(&toml_file, &text, mistakes)?;
        Some((text, toml))
    }) else {
        text_read(dir, &script_file, mistakes);
        return None;
    };
    let script = match toml.flags {
        Some(flags) => {
            if dir.join(&script_file).exists() {
                let line = key_line(&toml_text, "flags");
                let message =
                    "`flags` are the answers, so there can be no generate.py; take one of them away";
                mistakes.push(Mistake::new(&toml_file, line, message));
            }
            Some(script_of(&flags.parts()))
        }
        None => text_read(dir, &script_file, mistakes),
    };
    let checker_file = format!("{slug}/check.py");
    let checker = match dir.join(&checker_file).symlink_metadata() {
        Ok(_) => Some(text_read(dir, &checker_file, mistakes)?),
        Err(_) => None,
    };
    let readme = readme?;
    let other_readmes = translated(dir, slug, mistakes);
    let mut texts = parted(&readme_file, &readme, mistakes);
    let translations = translations(slug, (&toml.titles, &toml_text), &other_readmes, mistakes);
    let mut all_readmes = vec![readme.as_str()];
    all_readmes.extend(other_readmes.iter().map(|(_, text)| text.as_str()));
    let challenge = ChallengeBundle {
        slug: slug.to_owned(),
        title: toml.title,
        categories: toml.categories,
        difficulty: toml.difficulty,
        closes_after_minutes: toml.closes_after_minutes,
        parts: toml.parts,
        description: texts.remove(0),
        part_descriptions: texts,
        language: toml.language.unwrap_or_else(|| USUAL_LANGUAGE.to_owned()),
        translations,
        generation_script: script?,
        answers: toml.answers,
        checker_script: checker,
        hints: toml.hints,
        files: bundled(&folder_files(dir, &format!("{slug}/files"), mistakes)),
        attachments: bundled(&attachments_read(dir, slug, &all_readmes, mistakes)),
    };
    for wrong in challenge_check(&challenge) {
        mistakes.push(placed(&challenge, &toml_text, &wrong.field, &wrong.message));
    }
    Some((challenge, toml.order))
}

/// The texts of a challenge in further languages, with their titles.
fn translations(
    slug: &str,
    (titles, toml_text): (&BTreeMap<String, String>, &str),
    readmes: &[(String, String)],
    mistakes: &mut Vec<Mistake>,
) -> Vec<Translation> {
    for language in titles.keys().filter(|title| !readmes.iter().any(|(language, _)| language == *title)) {
        let (file, key) = (format!("{slug}/challenge.toml"), format!("titles.{language}"));
        let message =
            format!("`{key}` is the title of a text that is not there: {}", file_of(Some(language)));
        mistakes.push(Mistake::new(file, key_line(toml_text, &key), message));
    }
    let translation = |(language, text): &(String, String)| {
        let mut texts = parted(&format!("{slug}/{}", file_of(Some(language))), text, mistakes);
        Translation {
            language: language.clone(),
            title: titles.get(language).cloned(),
            description: texts.remove(0),
            part_descriptions: texts,
        }
    };
    readmes.iter().map(translation).collect()
}

/// A wrong field of a challenge, told as a mistake in the file that the author wrote it in.
fn placed(challenge: &ChallengeBundle, toml_text: &str, field: &str, message: &str) -> Mistake {
    let slug = &challenge.slug;
    let file = |name: &str| format!("{slug}/{name}");
    let in_toml = |key: &str| {
        Mistake::new(file("challenge.toml"), key_line(toml_text, key), format!("`{key}` {message}"))
    };
    if let Some((translation, field)) = translation_of(challenge, field) {
        let language = translation.language.as_str();
        return match field {
            "title" => in_toml(&format!("titles.{language}")),
            "language" => Mistake::of(
                file(&file_of(Some(language))),
                format!(
                    "its language {message}: README.md is in `{}`, so say `language = \"…\"` in challenge.toml where that is \
                     another, or take one of the two away",
                    challenge.language
                ),
            ),
            _ => in_readme(
                file(&file_of(Some(language))),
                (challenge.parts, &translation.part_descriptions),
                (field, message),
            )
            .unwrap_or_else(|| in_toml(field)),
        };
    }
    match field {
        "generation_script" => Mistake::of(file("generate.py"), format!("the script {message}")),
        "checker_script" => Mistake::of(file("check.py"), format!("the script {message}")),
        _ => in_readme(file("README.md"), (challenge.parts, &challenge.part_descriptions), (field, message))
            .unwrap_or_else(|| in_toml(field)),
    }
}

/// The translation that a field such as `translations[2].title` is of, and which of its fields that is.
fn translation_of<'a, 'f>(
    challenge: &'a ChallengeBundle,
    field: &'f str,
) -> Option<(&'a Translation, &'f str)> {
    let (n, field) = field.strip_prefix("translations[")?.split_once("].")?;
    Some((challenge.translations.get(n.parse::<usize>().ok()?)?, field))
}

/// What is wrong with the texts of a README.
fn in_readme(
    file: String,
    (parts, texts): (i32, &[String]),
    (field, message): (&str, &str),
) -> Option<Mistake> {
    if field == "description" {
        return Some(Mistake::of(file, format!("the text {message}")));
    }
    let rest = field.strip_prefix("part_descriptions")?;
    if let Some(n) = rest.strip_prefix('[').and_then(|rest| rest.trim_end_matches(']').parse::<usize>().ok())
    {
        return Some(Mistake::of(file, format!("the text of part {} {message}", word_of(n + 2))));
    }
    let has = texts.len() + 1;
    if usize::try_from(parts).is_ok_and(|parts| parts > has) {
        let (word, mark) = (word_of(has + 1), mark_of(has + 1));
        return Some(Mistake::of(
            file,
            format!(
                "has no part {word}: put `{mark}` on a line of its own between the parts, and text after it"
            ),
        ));
    }
    Some(Mistake::of(
        file,
        format!(
            "has a part {} (`{}`), but challenge.toml does not say `parts = {has}`",
            word_of(has),
            mark_of(has)
        ),
    ))
}

/// Challenges in their order: by `order` where given, else by the folder's place in the alphabet.
fn ordered(
    challenges: Vec<(ChallengeBundle, Option<i32>)>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<ChallengeBundle> {
    let mut seen = HashMap::<i32, String>::new();
    let mut keyed = Vec::with_capacity(challenges.len());
    for (place, (challenge, order)) in (1..).zip(challenges) {
        let file = format!("{}/challenge.toml", challenge.slug);
        if let Some(order) = order {
            if order < 1 {
                mistakes.push(Mistake::of(&file, "`order` must be 1 or more"));
            }
            if let Some(other) = seen.insert(order, challenge.slug.clone()) {
                mistakes.push(Mistake::of(&file, format!("`order` {order} is taken by {other} already")));
            }
        }
        keyed.push((order.unwrap_or(place), challenge));
    }
    keyed.sort_by(|a, b| (a.0, &a.1.slug).cmp(&(b.0, &b.1.slug)));
    keyed.into_iter().map(|(_, challenge)| challenge).collect()
}
