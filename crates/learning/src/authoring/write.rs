//! Writing a path's folder.

use std::path::{Path, PathBuf};

use super::folder::FENCE;
use crate::model::path::Bundle;
use crate::model::quest::{QuestDocument, Step};

/// Why a folder could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder is there and not empty.
    #[error("{} is there already and not empty; name another folder", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("{} could not be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// Something has no form in TOML.
    #[error("it cannot be written as TOML")]
    Toml(#[from] toml::ser::Error),
}

/// Writes the bundle into a folder that is not there yet, or is empty. Reading it gives the same bundle.
pub fn write(bundle: &Bundle, dir: &Path) -> Result<(), WriteError> {
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(WriteError::Exists(dir.to_owned()));
    }
    folder(dir)?;
    let mut path = bundle.path.clone();
    put(dir, "README.md", &format!("{}\n", path.description))?;
    path.description.clear();
    put(dir, "path.toml", &toml::to_string_pretty(&path)?)?;
    if !bundle.skills.is_empty() {
        put(dir, "skills.toml", &toml::to_string_pretty(&bundle.skills)?)?;
    }
    if !bundle.banks.is_empty() {
        folder(&dir.join("banks"))?;
    }
    for named in &bundle.banks {
        put(&dir.join("banks"), &format!("{}.toml", named.slug), &toml::to_string_pretty(&named.bank)?)?;
    }
    folder(&dir.join("quests"))?;
    for named in &bundle.quests {
        // A short name has no slashes and does not begin with a dot, so it can't lead out of the folder.
        let within = dir.join("quests").join(&named.slug);
        folder(&within)?;
        quest_write(&named.quest, &within)?;
    }
    Ok(())
}

fn folder(path: &Path) -> Result<(), WriteError> {
    std::fs::create_dir_all(path).map_err(|error| WriteError::Io { path: path.to_owned(), error })
}

fn put(dir: &Path, file: &str, text: &str) -> Result<(), WriteError> {
    let path = dir.join(file);
    std::fs::write(&path, text).map_err(|error| WriteError::Io { path, error })
}

fn quest_write(quest: &QuestDocument, dir: &Path) -> Result<(), WriteError> {
    let mut quest = quest.clone();
    put(dir, "README.md", &format!("{}\n", quest.description))?;
    quest.description.clear();
    let steps = std::mem::take(&mut quest.steps);
    put(dir, "quest.toml", &toml::to_string_pretty(&quest)?)?;
    for (number, step) in (1..).zip(steps) {
        let file = format!("{number:02}-{}.md", step.slug);
        put(dir, &file, &step_text(step)?)?;
    }
    Ok(())
}

fn step_text(mut step: Step) -> Result<String, WriteError> {
    step.slug.clear();
    let body = std::mem::take(&mut step.description);
    let settings = toml::to_string_pretty(&step)?;
    // A text of several lines may have such a line of its own: then a longer one parts settings and text.
    let mut fence = FENCE.to_owned();
    while settings.lines().any(|line| line == fence) {
        fence.push('+');
    }
    let body = if body.is_empty() { String::new() } else { format!("\n{body}\n") };
    Ok(format!("{fence}\n{settings}{fence}\n{body}"))
}
