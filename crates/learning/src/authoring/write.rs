//! Writing a path's folder.

use std::path::{Path, PathBuf};

use kernel::files::FileBundle;
use sandbox::files::name_check;

use super::reader::FENCE;
use crate::model::path::Bundle;
use crate::model::quest::{QuestDocument, Step};
use crate::rules::files::FOLDER;

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
        files_write(&within.join(FOLDER), &named.files)?;
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

/// Writes a quest's files into their folder, which is made where there are any.
fn files_write(dir: &Path, files: &[FileBundle]) -> Result<(), WriteError> {
    for carried in files {
        let path = dir.join(&carried.path);
        let io = |error| WriteError::Io { path: path.clone(), error };
        let bad = |why: &str| io(std::io::Error::new(std::io::ErrorKind::InvalidData, why.to_owned()));
        // What is written is checked as what is read is: no name leads out of the folder.
        name_check(&carried.path).map_err(|fault| bad(&format!("its name {fault}")))?;
        let content = carried.content().map_err(bad)?;
        folder(dir)?;
        std::fs::write(&path, content).map_err(io)?;
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
