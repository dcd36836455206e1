//! Writing a campaign's folder: the inverse of reading one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use challenges::catalogue::USUAL_LANGUAGE;
use challenges::rules::AnswerRule;
use kernel::files::FileBundle;
use sandbox::files::path_check;
use serde::Serialize;

use super::bundle::{Bundle, ChallengeBundle, HintBundle};
use super::carried::unbundled;
use super::flags::flags_of;
use super::readme::{file_of, joined};

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is something already.
    #[error("{} exists already; choose a new folder, so that nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// The file system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// Why it could not be.
        error: std::io::Error,
    },
    /// The settings can't be told in TOML.
    #[error("the settings can't be written as TOML: {0}")]
    Toml(#[from] toml::ser::Error),
}

#[derive(Serialize)]
struct ChallengeToml<'a> {
    title: &'a str,
    order: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    difficulty: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closes_after_minutes: Option<i32>,
    parts: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    flags: &'a [Vec<String>],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    titles: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    answers: &'a [AnswerRule],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hints: &'a [HintBundle],
}

/// Writes the bundle into a folder that is not there yet, or is empty.
pub fn write(bundle: &Bundle, dir: &Path) -> Result<(), WriteError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError::Io { path, error }
    };
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(WriteError::Exists(dir.to_owned()));
    }
    std::fs::create_dir_all(dir).map_err(io(dir))?;
    let put = |path: PathBuf, text: &str| std::fs::write(&path, text).map_err(io(&path));
    put(dir.join("campaign.toml"), &toml::to_string_pretty(&bundle.campaign)?)?;
    for (order, challenge) in (1..).zip(&bundle.challenges) {
        // A slug has no dots and no slashes, so it can't lead out of the folder.
        let folder = dir.join(&challenge.slug);
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        put(folder.join("challenge.toml"), &challenge_toml(challenge, order)?)?;
        put(folder.join("README.md"), &joined(&challenge.description, &challenge.part_descriptions))?;
        for translation in &challenge.translations {
            // A language's tag has no dots and no slashes either.
            let text = joined(&translation.description, &translation.part_descriptions);
            put(folder.join(file_of(Some(&translation.language))), &text)?;
        }
        // `flags` say all that such a script does.
        if flags_of(&challenge.generation_script).is_none() {
            put(folder.join("generate.py"), &challenge.generation_script)?;
        }
        if let Some(checker) = &challenge.checker_script {
            put(folder.join("check.py"), checker)?;
        }
        files_write(&folder.join("files"), &challenge.files)?;
        files_write(&folder.join("attachments"), &challenge.attachments)?;
    }
    files_write(&dir.join("lib"), &bundle.library)
}

/// Writes files below a folder, which is made where there are any.
fn files_write(folder: &Path, files: &[FileBundle]) -> Result<(), WriteError> {
    for bundled in files {
        let path = folder.join(&bundled.path);
        let io = |error| WriteError::Io { path: path.clone(), error };
        let bad = |why: &str| io(std::io::Error::new(std::io::ErrorKind::InvalidData, why.to_owned()));
        // What is written is checked as what is read is: no path leads out of the folder.
        path_check(&bundled.path).map_err(|fault| bad(&format!("its name {fault}")))?;
        let file = unbundled(bundled).map_err(bad)?;
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(io)?;
        std::fs::write(&path, &file.content).map_err(io)?;
    }
    Ok(())
}

fn challenge_toml(c: &ChallengeBundle, order: usize) -> Result<String, WriteError> {
    Ok(toml::to_string_pretty(&ChallengeToml {
        title: &c.title,
        order,
        categories: &c.categories,
        difficulty: c.difficulty,
        closes_after_minutes: c.closes_after_minutes,
        parts: c.parts,
        language: Some(c.language.as_str()).filter(|language| *language != USUAL_LANGUAGE),
        titles: c
            .translations
            .iter()
            .filter_map(|t| Some((t.language.as_str(), t.title.as_deref()?)))
            .collect(),
        flags: flags_of(&c.generation_script).as_deref().unwrap_or_default(),
        answers: &c.answers,
        hints: &c.hints,
    })?)
}
