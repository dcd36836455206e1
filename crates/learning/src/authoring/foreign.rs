//! What comes from elsewhere: a checkout that is read without leaving it, and what becomes of it here.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::path::Bundle;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// How deep folders are looked into, and how many names are looked at.
const MAX_DEPTH: usize = 8;
const MAX_NAMES: usize = 50_000;
/// What is read of a checkout in all, in bytes.
const MAX_ALL: u64 = 128 * 1024 * 1024;

/// Something from elsewhere as a bundle of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// The path with its quests.
    pub bundle: Bundle,
    /// The path's identity where it comes from.
    pub source: String,
    /// Each quest's identity where it comes from, by its short name here. By it a quest is the same one when it is renamed there.
    pub sources: BTreeMap<String, String>,
    /// Skills that its quests teach: short name and name.
    pub skills: BTreeMap<String, String>,
    /// What did not come along, by name.
    pub left_out: Vec<LeftOut>,
}

/// Something that did not come along, or not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What, by the name it has where it comes from; what cannot be shown of it is escaped.
    pub what: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl LeftOut {
    /// Of a name that may hold anything.
    pub(super) fn new(what: &str, why: impl Into<String>) -> Self {
        let shown = kernel::text::cleaned(what, 200).is_some_and(|clean| clean == what);
        let what = if shown {
            what.to_owned()
        } else {
            what.chars().take(200).flat_map(char::escape_unicode).collect()
        };
        Self { what, why: why.into() }
    }
}

/// Why a checkout cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub struct Unreadable {
    /// The file, relative to the checkout.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// A folder of which nothing is read that lies outside: no symbolic link is followed, neither of a file nor of a folder, and no name
/// leads upwards.
#[derive(Debug)]
pub(super) struct Checkout {
    root: PathBuf,
    left: std::cell::Cell<u64>,
}

impl Checkout {
    pub(super) fn open(dir: &Path) -> Result<Self, Unreadable> {
        let root = std::fs::canonicalize(dir).ok().filter(|root| root.is_dir());
        let root = root
            .ok_or_else(|| Unreadable { file: dir.display().to_string(), why: "is no folder".to_owned() })?;
        Ok(Self { root, left: std::cell::Cell::new(MAX_ALL) })
    }

    /// Where something lies, if nothing on the way there is a link; `None` where there is nothing.
    fn place(&self, file: &str) -> Result<Option<PathBuf>, String> {
        let mut place = self.root.clone();
        for part in Path::new(file).components() {
            let Component::Normal(part) = part else { return Err("leads out of the folder".to_owned()) };
            place.push(part);
            match std::fs::symlink_metadata(&place) {
                Err(_) => return Ok(None),
                Ok(meta) if meta.file_type().is_symlink() => {
                    return Err("is a symbolic link, or lies behind one".to_owned());
                }
                Ok(_) => {}
            }
        }
        Ok(Some(place))
    }

    /// Whether there is something of this name, be it a link.
    pub(super) fn is_there(&self, file: &str) -> bool {
        !matches!(self.place(file), Ok(None))
    }

    /// The folders below one that hold a file of this name, in order; what lies within such a one is its own. What is not looked into
    /// is told.
    pub(super) fn holding(&self, within: &str, file: &str, left_out: &mut Vec<LeftOut>) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![(within.to_owned(), 0)];
        let mut names = 0;
        while let Some((folder, depth)) = open.pop() {
            let named = |name: &str| {
                let whole = format!("{folder}/{name}");
                whole.split_once('/').map_or(whole.clone(), |(_, below)| below.to_owned())
            };
            let read = self.place(&folder).and_then(|place| place.ok_or_else(|| "is missing".to_owned()));
            let read = read.and_then(|place| {
                std::fs::read_dir(place).map_err(|error| format!("cannot be read: {error}"))
            });
            let entries = match read {
                Ok(entries) => entries,
                Err(why) => {
                    left_out.push(LeftOut::new(&folder, why));
                    continue;
                }
            };
            let (mut folders, mut told) = (Vec::new(), Vec::new());
            let mut holds = false;
            for entry in entries.flatten() {
                names += 1;
                if names > MAX_NAMES {
                    let why = format!("and what follows is behind {MAX_NAMES} other names: too many in all");
                    left_out.push(LeftOut::new(&folder, why));
                    found.sort_unstable();
                    return found;
                }
                let name = entry.file_name();
                let Some(name) = name.to_str() else {
                    told.push(LeftOut::new(&named(&name.to_string_lossy()), "is called by no UTF-8"));
                    continue;
                };
                match entry.file_type() {
                    _ if name == file => holds = true,
                    _ if name.starts_with('.') => {}
                    Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => {
                        folders.push((format!("{folder}/{name}"), depth + 1));
                    }
                    Ok(kind) if kind.is_dir() => {
                        told.push(LeftOut::new(
                            &named(name),
                            format!("lies more than {MAX_DEPTH} folders deep"),
                        ));
                    }
                    Ok(kind) if kind.is_symlink() => {
                        told.push(LeftOut::new(&named(name), "is a symbolic link"));
                    }
                    _ => {}
                }
            }
            if holds {
                found.push(folder);
            } else {
                open.extend(folders);
                left_out.extend(told);
            }
        }
        found.sort_unstable();
        found
    }

    /// A text, if it is there; what is wrong with it, where it cannot be read.
    pub(super) fn text(&self, file: &str) -> Result<Option<String>, String> {
        let Some(place) = self.place(file)? else { return Ok(None) };
        if !place.is_file() {
            return Err("is no file".to_owned());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&place)
            .and_then(|opened| opened.take(MAX_FILE + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("cannot be read: {error}"))?;
        let size = bytes.len() as u64;
        if size > MAX_FILE {
            return Err("is larger than 1 MiB".to_owned());
        }
        let left = self.left.get().checked_sub(size).ok_or("is behind 128 MiB of others: too much in all")?;
        self.left.set(left);
        let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        if text.contains('\0') {
            return Err("holds NUL characters".to_owned());
        }
        Ok(Some(text.trim_start_matches('\u{feff}').replace("\r\n", "\n").trim().to_owned()))
    }

    /// A JSON file, if it is there.
    pub(super) fn json<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>, String> {
        let Some(text) = self.text(file)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| format!("is not as expected: {error}"))
    }

    /// A JSON file that must be there.
    pub(super) fn needed<T: DeserializeOwned>(&self, file: &str) -> Result<T, Unreadable> {
        let told = |why| Unreadable { file: file.to_owned(), why };
        self.json(file).map_err(told)?.ok_or_else(|| told("is missing".to_owned()))
    }
}
