//! Files that a script finds beside it and files that it makes: what they may be called, and how much there may be of them.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

/// The most files that a script finds: its challenge's and its campaign's together.
pub const MOST_FILES: usize = 200;
/// The most that they hold together, in bytes.
pub const MAX_FILES_BYTES: usize = 8 << 20;
/// The most files that a script may make for a participant.
pub const MOST_MADE: usize = 20;
/// The most that they may hold together, in bytes.
pub const MAX_MADE_BYTES: usize = 4 << 20;
/// The longest path of a file, in bytes.
pub const MAX_PATH_BYTES: usize = 200;
/// How much the list of what was made may take on its way out of the jail, in bytes.
pub(crate) const MADE_INDEX: usize = 64 << 10;

/// A file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct File {
    /// Its path: of those that a script finds `files/words.txt` or `lib/geometry.py`, of those that it makes a name.
    pub path: String,
    /// What it holds.
    pub content: Arc<[u8]>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.content.len())
    }
}

/// Files that a script finds: those under `files/` beside it, those under `lib/` beside its folder. Cheap to clone.
pub type Files = Arc<[File]>;

/// What is wrong with a file's path; `Display` completes "its name …".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    /// Nothing at all, or nothing between two slashes.
    Empty,
    /// More than [`MAX_PATH_BYTES`].
    Long,
    /// It leads somewhere else: from the root, or upwards.
    Leads,
    /// It begins with a dot, so that few would see it, or ends with a dot or a space.
    Hidden,
    /// A character that is no letter, no digit and none of `.-_+=,@()` or a space. Among them those that cannot be seen, or
    /// that turn the direction of what is read.
    Character(char),
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Long => write!(f, "is longer than {MAX_PATH_BYTES} bytes"),
            Self::Leads => f.write_str("leads out of its folder"),
            Self::Hidden => f.write_str("begins with a dot, or ends with a dot or a space"),
            Self::Character(c) => {
                write!(f, "holds the character {}; use letters, digits and .-_+=,@()", c.escape_default())
            }
        }
    }
}

/// Whether a file may be called so: a path downwards, of characters that all systems take and people can see.
///
/// # Errors
/// What is wrong with it.
pub fn path_check(path: &str) -> Result<(), PathFault> {
    if path.len() > MAX_PATH_BYTES {
        return Err(PathFault::Long);
    }
    let fits = |c: char| c.is_alphanumeric() || ".-_+=,@() /".contains(c);
    if path.starts_with('/') || path.split('/').any(|step| step == "..") {
        return Err(PathFault::Leads);
    }
    if let Some(c) = path.chars().find(|c| !fits(*c)) {
        return Err(PathFault::Character(c));
    }
    if path.split('/').any(str::is_empty) {
        return Err(PathFault::Empty);
    }
    if path.split('/').any(|step| step.starts_with(['.', ' ']) || step.ends_with(['.', ' '])) {
        return Err(PathFault::Hidden);
    }
    Ok(())
}

/// The same for a file that participants download, which is in no folder.
///
/// # Errors
/// What is wrong with it.
pub fn name_check(name: &str) -> Result<(), PathFault> {
    path_check(name)?;
    if name.contains('/') { Err(PathFault::Character('/')) } else { Ok(()) }
}

/// What is wrong with files that a script made, in its author's words: their names, their number, their size.
pub(crate) fn made_check(made: &[File]) -> Result<(), String> {
    for (n, file) in made.iter().enumerate() {
        name_check(&file.path).map_err(|fault| {
            format!("it made a file for its participant that is called {:?}: its name {fault}", file.path)
        })?;
        if made[..n].iter().any(|other| other.path == file.path) {
            return Err(format!("it made two files that are called {:?}", file.path));
        }
    }
    if made.len() > MOST_MADE {
        return Err(format!("it made {} files; there may be {MOST_MADE} for a participant", made.len()));
    }
    let bytes: usize = made.iter().map(|file| file.content.len()).sum();
    if bytes > MAX_MADE_BYTES {
        return Err(format!(
            "the files that it made are {bytes} bytes large; they may be {} MiB together",
            MAX_MADE_BYTES >> 20
        ));
    }
    Ok(())
}

/// Reads what came out of the jail as files made: a line of JSON with names and sizes, then what they hold. All of it was
/// written by the script's own process, so all of it is looked at.
pub(crate) fn made_read(stream: &[u8]) -> Result<Vec<File>, String> {
    #[derive(Deserialize)]
    struct Listed(String, usize);

    if stream.is_empty() {
        return Ok(Vec::new());
    }
    if stream.len() > MAX_MADE_BYTES + MADE_INDEX {
        return Err(format!("the files that it made are larger than {} MiB together", MAX_MADE_BYTES >> 20));
    }
    let unreadable = || "the files that it made cannot be read, or a name of theirs is no text".to_owned();
    let end = stream.iter().position(|byte| *byte == b'\n').ok_or_else(unreadable)?;
    let listed: Vec<Listed> = serde_json::from_slice(&stream[..end]).map_err(|_| unreadable())?;
    let mut rest = &stream[end + 1..];
    let mut made = Vec::with_capacity(listed.len().min(MOST_MADE));
    for Listed(path, length) in listed {
        let (content, after) = rest.split_at_checked(length).ok_or_else(unreadable)?;
        made.push(File { path, content: content.into() });
        rest = after;
    }
    if !rest.is_empty() {
        return Err(unreadable());
    }
    made_check(&made)?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_or_deceive_are_refused() {
        for fits in ["words.txt", "a/b/c.tar.gz", "Größe (2)+x=1,@_-.png", "雪.txt"] {
            assert_eq!(path_check(fits), Ok(()), "{fits}");
        }
        for (path, fault) in [
            ("", PathFault::Empty),
            ("a//b", PathFault::Empty),
            ("a/", PathFault::Empty),
            ("/etc/passwd", PathFault::Leads),
            ("a/../../b", PathFault::Leads),
            ("..", PathFault::Leads),
            (".hidden", PathFault::Hidden),
            ("a/.git/x", PathFault::Hidden),
            ("x.", PathFault::Hidden),
            ("nul\0.txt", PathFault::Character('\0')),
            ("exe\u{202e}gpj.txt", PathFault::Character('\u{202e}')),
            ("zero\u{200b}width", PathFault::Character('\u{200b}')),
            ("a\\b", PathFault::Character('\\')),
            ("line\nend", PathFault::Character('\n')),
            ("c:x", PathFault::Character(':')),
            ("\"quoted\"", PathFault::Character('"')),
        ] {
            assert_eq!(path_check(path), Err(fault), "{path:?}");
        }
        assert_eq!(path_check(&"x".repeat(201)), Err(PathFault::Long));
        assert_eq!(name_check("a/b"), Err(PathFault::Character('/')));
    }

    #[test]
    fn only_whole_and_bounded_files_come_out_of_the_jail() {
        let read = |bytes: &[u8]| made_read(bytes).map(|made| format!("{made:?}"));
        assert_eq!(read(b"").unwrap(), "[]");
        assert_eq!(read(b"[[\"a.txt\", 2], [\"b\", 0]]\nhi").unwrap(), "[a.txt (2 bytes), b (0 bytes)]");
        for forged in [
            &b"garbage"[..],
            b"done 0 0 0 0\n",
            b"[[\"a\", 3]]\nhi",
            b"[[\"a\", 1]]\nhi",
            b"[[\"a\", 18446744073709551615]]\nhi",
            b"[[\"a\", -1]]\n",
            b"[[\"\\ud800\", 0]]\n",
            b"[[\"..\", 0]]\n",
            b"[[\"a/b\", 0]]\n",
            b"[[\"a\\u0000\", 0]]\n",
            b"[[\"\\u202egpj.exe\", 0]]\n",
            b"[[\"a\", 0], [\"a\", 0]]\n",
        ] {
            assert!(read(forged).is_err(), "{}", String::from_utf8_lossy(forged));
        }
        let many: Vec<(String, usize)> = (0..=MOST_MADE).map(|n| (n.to_string(), 0)).collect();
        let mut stream = serde_json::to_vec(&many).unwrap();
        stream.push(b'\n');
        assert!(read(&stream).unwrap_err().contains("there may be 20"));
        let mut large = format!("[[\"a\", {}]]\n", MAX_MADE_BYTES + 1).into_bytes();
        large.resize(large.len() + MAX_MADE_BYTES + 1, 0);
        assert!(read(&large).unwrap_err().contains("4 MiB"));
    }
}
