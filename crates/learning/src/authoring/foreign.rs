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
