//! The files of a folder: read with care, and found where their names are nearly right.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::mistake::Mistake;

/// The largest file that is read, in bytes. Beyond it lies no sensible text or script.
const MAX_FILE: u64 = 1024 * 1024;

/// What people call a file that is called otherwise here, in lower case and without what follows the dot.
const NAMES: &[(&str, &[&str])] = &[
    ("campaign.toml", &["campaign", "campaigns", "event", "config"]),
    ("challenge.toml", &["challenge", "challenges", "task", "problem", "config"]),
    ("README.md", &["readme", "read_me", "statement", "description", "story", "text", "index"]),
    ("generate.py", &["generate", "generator", "gen", "generation", "generate_input", "make", "input"]),
];

/// Whether a folder is meant to be a challenge's: it has one of its three files, or the script or the settings under a name
/// that is nearly right.
pub(super) fn looks_like_a_challenge(folder: &Path) -> bool {
    ["challenge.toml", "generate.py", "README.md"].iter().any(|file| folder.join(file).exists())
        || ["challenge.toml", "generate.py"].iter().any(|file| meant(&folder.join(file)).is_some())
}

/// The file beside an absent one that was probably meant: `Readme.md`, `generator.py`, `challenge.toml.txt`.
fn meant(absent: &Path) -> Option<String> {
    let wanted = absent.file_name()?.to_str()?;
    let known = NAMES.iter().find(|(name, _)| *name == wanted).map_or(&[][..], |(_, known)| known);
    let entries = absent.parent()?.read_dir().ok()?;
    let mut near: Vec<(usize, String)> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| NAMES.iter().all(|(right, _)| name != right) && !name.starts_with('.'))
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let (stem, kind) = lower.split_once('.').unwrap_or((&lower, ""));
            let (_, right_kind) = wanted.split_once('.')?;
            let same_kind =
                kind.contains(right_kind) || matches!(kind, "txt" | "yaml" | "yml" | "json" | "markdown");
            let far = strsim::damerau_levenshtein(&lower, &wanted.to_lowercase());
            let likely = far <= 2 || (same_kind && known.contains(&stem));
            likely.then_some((far, name))
        })
        .collect();
    near.sort();
    near.into_iter().next().map(|(_, name)| name)
}

/// Reads a text file of the folder, refusing what is absent, a link, too large or not UTF-8.
pub(super) fn text_read(dir: &Path, file: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
    let mut wrong = |message: &str| mistakes.push(Mistake::of(file, message));
    let path: PathBuf = dir.join(file);
    let Ok(meta) = std::fs::symlink_metadata(&path) else {
        match meant(&path) {
            Some(name) => {
                let wanted = path.file_name().unwrap_or_default().to_string_lossy();
                wrong(&format!("is missing; is it `{name}`? Call it `{wanted}`"));
            }
            None => wrong("is missing"),
        }
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
        Ok(text) => Some(text.trim_start_matches('\u{feff}').replace("\r\n", "\n")),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = String::from_utf8_lossy(&error.as_bytes()[..good]).matches('\n').count() + 1;
            mistakes.push(Mistake::new(file, Some(line), "is not UTF-8; save it with that encoding"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_right_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let told = |has: &str, wanted: &str| {
            std::fs::write(folder.path().join(has), "x").unwrap();
            let mut mistakes = Vec::new();
            assert_eq!(text_read(folder.path(), wanted, &mut mistakes), None);
            std::fs::remove_file(folder.path().join(has)).unwrap();
            mistakes[0].message.clone()
        };
        for (has, wanted) in [
            ("Readme.md", "README.md"),
            ("readme.txt", "README.md"),
            ("statement.md", "README.md"),
            ("generator.py", "generate.py"),
            ("Generate.py", "generate.py"),
            ("genrate.py", "generate.py"),
            ("challenge.toml.txt", "challenge.toml"),
            ("challange.toml", "challenge.toml"),
            ("campaign.yaml", "campaign.toml"),
        ] {
            assert_eq!(told(has, wanted), format!("is missing; is it `{has}`? Call it `{wanted}`"));
        }
        for (has, wanted) in
            [("solve.py", "generate.py"), ("notes.md", "README.md"), ("generate.py", "README.md")]
        {
            assert_eq!(told(has, wanted), "is missing");
        }
    }
}
