//! Files as a bundle carries them and as a folder holds them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use challenges::catalogue::{CampaignFiles, ChallengeFiles, MAX_ATTACHMENTS_BYTES};
use kernel::FieldError;
use kernel::files::FileBundle;
use sandbox::File;
use sandbox::files::{MAX_FILES_BYTES, name_check, path_check};

use super::bundle::ChallengeBundle;
use super::mistake::Mistake;
use super::statement::links;

/// How deep folders of files may be nested.
const DEEPEST: usize = 8;
/// More than so many files in a folder are some other kind of folder.
const MOST_ENTRIES: usize = 1_000;

/// What a bundle's file is.
///
/// # Errors
/// What is wrong with it.
pub(super) fn unbundled(bundled: &FileBundle) -> Result<File, &'static str> {
    Ok(File { path: bundled.path.clone(), content: bundled.content()?.into() })
}

/// The files of a bundle's parts, or those that cannot be read, by field.
pub fn files_of(
    library: &[FileBundle],
    challenges: &[ChallengeBundle],
) -> Result<CampaignFiles, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut read = |at: &str, bundled: &[FileBundle]| -> Vec<File> {
        let mut files = Vec::with_capacity(bundled.len());
        for (n, file) in bundled.iter().enumerate() {
            match unbundled(file) {
                Ok(file) => files.push(file),
                Err(why) => {
                    wrong.push(FieldError { field: format!("{at}[{n}]"), message: why.to_owned() });
                }
            }
        }
        files.sort();
        files
    };
    let library = read("library", library);
    let mut of = BTreeMap::new();
    for (n, challenge) in challenges.iter().enumerate() {
        let script = read(&format!("challenges[{n}].files"), &challenge.files);
        let attachments = read(&format!("challenges[{n}].attachments"), &challenge.attachments);
        if !script.is_empty() || !attachments.is_empty() {
            of.insert(challenge.slug.clone(), ChallengeFiles { script, attachments });
        }
    }
    if wrong.is_empty() { Ok(CampaignFiles { library, challenges: of }) } else { Err(wrong) }
}

/// Files as a bundle carries them.
pub(super) fn bundled(files: &[File]) -> Vec<FileBundle> {
    files.iter().map(|file| FileBundle::new(&file.path, &file.content)).collect()
}

/// Reads a folder of files and those below it: `lib`, `01-x/files`. What is hidden, and what Python left there, is passed over;
/// links, devices and names that are not safe are refused by name.
pub fn folder_files(dir: &Path, folder: &str, mistakes: &mut Vec<Mistake>) -> Vec<File> {
    let mut files = Vec::new();
    if std::fs::symlink_metadata(dir.join(folder)).is_ok() {
        let mut left = MAX_FILES_BYTES;
        walk(dir, (folder, ""), DEEPEST, (&mut left, &mut files), mistakes);
    }
    files.sort();
    files
}

fn walk(
    dir: &Path,
    (root, below): (&str, &str),
    depth: usize,
    (left, files): (&mut usize, &mut Vec<File>),
    mistakes: &mut Vec<Mistake>,
) {
    let shown = if below.is_empty() { root.to_owned() } else { format!("{root}/{below}") };
    let here = dir.join(&shown);
    if !is_kind(&here, &shown, std::fs::FileType::is_dir, "folder", mistakes) {
        return;
    }
    if depth == 0 {
        mistakes.push(Mistake::of(&shown, "is nested too deep"));
        return;
    }
    let Ok(entries) = here.read_dir() else {
        mistakes.push(Mistake::of(&shown, "can't be read"));
        return;
    };
    for entry in entries.flatten().take(MOST_ENTRIES) {
        let Ok(name) = entry.file_name().into_string() else {
            mistakes.push(Mistake::of(&shown, "holds a file whose name is no text"));
            continue;
        };
        if passed_over(&name) {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let file = format!("{root}/{path}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(dir, (root, &path), depth - 1, (left, files), mistakes);
            continue;
        }
        if let Err(fault) = path_check(&path) {
            mistakes.push(Mistake::of(shown_name(&file), format!("its name {fault}")));
            continue;
        }
        if let Some(content) = file_read(dir, &file, left, mistakes) {
            files.push(File { path, content: content.into() });
        }
    }
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// What editors, systems and Python leave in folders.
fn passed_over(name: &str) -> bool {
    name.starts_with('.') || name == "__pycache__" || extension(name) == Some("pyc") || name.ends_with('~')
}

/// A name whose own characters do no harm on a terminal.
fn shown_name(name: &str) -> String {
    name.escape_debug().collect()
}

fn is_kind(
    path: &Path,
    shown: &str,
    wanted: fn(&std::fs::FileType) -> bool,
    called: &str,
    mistakes: &mut Vec<Mistake>,
) -> bool {
    let Ok(meta) = std::fs::symlink_metadata(path) else {
        mistakes.push(Mistake::of(shown_name(shown), "can't be read"));
        return false;
    };
    let kind = meta.file_type();
    if kind.is_symlink() {
        mistakes.push(Mistake::of(
            shown_name(shown),
            format!("is a symbolic link; put the {called} itself here"),
        ));
        return false;
    }
    if !wanted(&kind) {
        mistakes.push(Mistake::of(
            shown_name(shown),
            format!("is no {called}, but a device, a pipe or the like"),
        ));
        return false;
    }
    true
}

/// Reads one file whole, within what is left of its folder's bound.
fn file_read(dir: &Path, file: &str, left: &mut usize, mistakes: &mut Vec<Mistake>) -> Option<Vec<u8>> {
    let path = dir.join(file);
    if !is_kind(&path, file, std::fs::FileType::is_file, "file", mistakes) {
        return None;
    }
    let mut content = Vec::new();
    let bound = *left as u64;
    if let Err(error) = std::fs::File::open(&path).and_then(|f| f.take(bound + 1).read_to_end(&mut content)) {
        mistakes.push(Mistake::of(shown_name(file), format!("can't be read: {error}")));
        return None;
    }
    if content.len() > *left {
        mistakes.push(Mistake::of(
            shown_name(file),
            "is too large: with those before it, it holds more than 8 MiB",
        ));
        return None;
    }
    *left -= content.len();
    Some(content)
}

/// What participants get of a challenge's folder: `attachments/`, and the files beside the text that it names, as pictures or links.
pub(super) fn attachments_read(
    dir: &Path,
    slug: &str,
    readmes: &[&str],
    mistakes: &mut Vec<Mistake>,
) -> Vec<File> {
    let folder = format!("{slug}/attachments");
    let mut files = folder_files(dir, &folder, mistakes);
    files.retain(|file| {
        let flat = name_check(&file.path).is_ok();
        if !flat {
            let message = "lies in a folder; attachments have names only, so put it into attachments/ itself";
            mistakes.push(Mistake::of(format!("{folder}/{}", file.path), message));
        }
        flat
    });
    let mut left = MAX_ATTACHMENTS_BYTES.saturating_sub(files.iter().map(|file| file.content.len()).sum());
    for link in readmes.iter().flat_map(|readme| links(readme)) {
        let Some(name) = link.beside() else { continue };
        if !dir.join(slug).join(name).exists() || files.iter().any(|file| file.path == name) {
            continue;
        }
        let file = format!("{slug}/{name}");
        if let Err(fault) = name_check(name) {
            mistakes.push(Mistake::of(shown_name(&file), format!("its name {fault}")));
        } else if let Some(content) = file_read(dir, &file, &mut left, mistakes) {
            files.push(File { path: name.to_owned(), content: content.into() });
        }
    }
    files.sort();
    files
}
