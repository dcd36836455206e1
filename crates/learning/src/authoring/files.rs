//! Reading the files of a quest's folder, and finding what its texts name in vain.

use std::io::Read as _;
use std::path::Path;

use kernel::files::FileBundle;
use sandbox::files::name_check;

use super::folder::{Finding, of_file};
use crate::rules::files::{FOLDER, MAX_FILES_BYTES, MOST_FILES, addresses, file_named};

/// A name whose own characters do no harm on a terminal.
fn shown(name: &str) -> String {
    name.escape_debug().collect()
}

/// The files below `folder`, the quest's own, in the order of their names. What is hidden, and what editors leave, is passed over;
/// folders, links, devices and names that are not safe are refused by name.
pub(super) fn files_read(dir: &Path, folder: &str, findings: &mut Vec<Finding>) -> Vec<FileBundle> {
    let within = format!("{folder}/{}", FOLDER.trim_end_matches('/'));
    let Ok(meta) = std::fs::symlink_metadata(dir.join(&within)) else { return Vec::new() };
    let entries = if meta.is_dir() {
        std::fs::read_dir(dir.join(&within))
    } else {
        Err(std::io::ErrorKind::Other.into())
    };
    let Ok(entries) = entries else {
        findings.push(of_file(&within, "must be a folder that can be read, and no link"));
        return Vec::new();
    };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| {
        let name = name.to_string_lossy();
        !name.starts_with('.') && !name.ends_with('~')
    });
    names.sort();
    if names.len() > MOST_FILES {
        let message = format!("must hold at most {MOST_FILES} files, not {}", names.len());
        findings.push(of_file(&within, &message));
        return Vec::new();
    }
    let mut files = Vec::new();
    let mut left = MAX_FILES_BYTES;
    for name in names {
        let Ok(name) = name.into_string() else {
            findings.push(of_file(&within, "holds a file whose name is no text"));
            continue;
        };
        match file_read(dir, &format!("{within}/{name}"), &name, &mut left) {
            Ok(content) => files.push(FileBundle::new(name, &content)),
            Err(why) => findings.push(of_file(&format!("{within}/{}", shown(&name)), &why)),
        }
    }
    files
}

/// Reads one file whole, within what is left of its folder's bound.
fn file_read(dir: &Path, file: &str, name: &str, left: &mut usize) -> Result<Vec<u8>, String> {
    name_check(name).map_err(|fault| format!("its name {fault}"))?;
    let path = dir.join(file);
    let meta = std::fs::symlink_metadata(&path).map_err(|error| format!("can't be read: {error}"))?;
    if !meta.is_file() {
        return Err("must be a file, and no folder or link: files have names only".to_owned());
    }
    let mut content = Vec::new();
    let bound = *left as u64 + 1;
    std::fs::File::open(&path)
        .and_then(|file| file.take(bound).read_to_end(&mut content))
        .map_err(|error| format!("can't be read: {error}"))?;
    if content.len() > *left {
        let most = MAX_FILES_BYTES >> 20;
        return Err(format!("is too large: with those before it, it holds more than {most} MiB"));
    }
    *left -= content.len();
    Ok(content)
}

/// Files that a text names where it finds none when it is imported: they lie beside it, and not in the folder for files.
pub(super) fn beside(dir: &Path, folder: &str, file: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for address in addresses(text) {
        let path = address.split(['#', '?']).next().unwrap_or_default();
        let path = kernel::files::decoded(path.strip_prefix("./").unwrap_or(path)).unwrap_or_default();
        let is_ours = |path: &str| {
            Path::new(path).extension().is_some_and(|end| end == "md" || end == "toml" || end == "py")
        };
        let is_elsewhere =
            path.is_empty() || path.starts_with('/') || path.contains("..") || path.contains(':');
        if is_elsewhere || is_ours(&path) || file_named(&address).is_some() {
            continue;
        }
        if dir.join(folder).join(&path).is_file() {
            let message = format!(
                "`{address}` lies beside the text; put it into {FOLDER} and name it as {FOLDER}{path}"
            );
            found.push(Finding { file: file.to_owned(), line: line_of(text, &address), message });
        }
    }
    found
}

/// The first line, from 1, in which this stands.
pub(super) fn line_of(text: &str, what: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(what)).map(|n| n + 1)
}
