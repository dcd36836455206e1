//! Which Python runs the scripts, and which of the machine's files it needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{COMMON, RARE};

const PROBE: &str = include_str!("probe.py");

/// The oldest version whose `-P` keeps the script's folder off `sys.path`.
const OLDEST: [u32; 3] = [3, 11, 0];

/// An interpreter is slow on a cold disk; one that does not answer by then will not do.
const PATIENCE: Duration = Duration::from_secs(30);

/// An interpreter and everything that it needs in order to run in an otherwise empty file system.
///
/// All paths are free of symbolic links.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Interpreter {
    pub(crate) executable: PathBuf,
    pub(crate) version: [u32; 3],
    /// The value for `PYTHONHOME`.
    pub(crate) home: String,
    /// Folders of the standard library.
    pub(crate) stdlib: Vec<PathBuf>,
    /// The executable and the shared libraries that it and the preloaded modules map.
    #[serde(rename = "mapped")]
    pub(crate) files: Vec<PathBuf>,
    /// Folders of the machine's that the library reads: the time zones.
    pub(crate) data: Vec<PathBuf>,
    /// The dynamic loader as the executable names it; it may be a link.
    pub(crate) loader: Option<PathBuf>,
    /// The `site-packages` that holds numpy, when there is one.
    pub(crate) site: Option<PathBuf>,
    /// numpy's folders.
    pub(crate) numpy: Vec<PathBuf>,
    ctypes: bool,
}

impl Interpreter {
    /// Folders that must be readable whole: the standard library with its data, and numpy.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.stdlib.iter().chain(&self.numpy).chain(&self.data).map(PathBuf::as_path)
    }

    /// Folders to add to `sys.path`.
    pub(crate) fn extra_paths(&self) -> &[PathBuf] {
        self.site.as_slice()
    }

    /// Names by which the loader finds the mapped files although they are not the files' own: links beside them
    /// (`libffi.so.8` for `libffi.so.8.1.2`), and the loader's. Each with the file that it leads to.
    pub(crate) fn aliases(&self) -> Vec<(PathBuf, PathBuf)> {
        let mut aliases = BTreeSet::new();
        let folders: BTreeSet<&Path> = self.files.iter().filter_map(|file| file.parent()).collect();
        for folder in folders {
            let Ok(entries) = folder.read_dir() else { continue };
            for entry in entries.flatten().filter(|e| e.file_type().is_ok_and(|kind| kind.is_symlink())) {
                if let Ok(file) = entry.path().canonicalize()
                    && self.files.contains(&file)
                {
                    aliases.insert((entry.path(), file));
                }
            }
        }
        if let Some(loader) = &self.loader
            && let Ok(file) = loader.canonicalize()
            && let (Some(folder), Some(name)) = (loader.parent(), loader.file_name())
            && let Ok(folder) = folder.canonicalize()
            && folder.join(name) != file
        {
            aliases.insert((folder.join(name), file));
        }
        aliases.into_iter().collect()
    }
}

/// The interpreters worth trying, best first: the one the operator named, or else the system's (readable by
/// everybody), then what `PATH` has.
pub(crate) fn candidates(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(named) = named {
        return vec![named.to_owned()];
    }
    let mut found = vec![PathBuf::from("/usr/bin/python3"), PathBuf::from("/usr/local/bin/python3")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    for name in ["python3", "python3.14", "python3.13", "python3.12", "python3.11"] {
        found.extend(std::env::split_paths(&path).map(|folder| folder.join(name)));
    }
    let mut seen = BTreeSet::new();
    found.retain(|path| path.is_file() && seen.insert(path.clone()));
    found
}

/// Asks an interpreter what it is.
///
/// # Errors
/// A sentence when it does not answer, is too old, or lacks `ctypes` (which loads the seccomp filter).
pub(crate) async fn examine(path: &Path) -> Result<Interpreter, String> {
    let answer = tokio::process::Command::new(path)
        .args(["-I", "-S", "-B", "-X", "utf8", "-c", PROBE, COMMON, RARE])
        .stdin(std::process::Stdio::null())
        .current_dir("/")
        .kill_on_drop(true)
        .output();
    let answer = tokio::time::timeout(PATIENCE, answer)
        .await
        .map_err(|_| format!("{} does not answer", path.display()))?
        .map_err(|error| format!("{} cannot be run: {error}", path.display()))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        let last = said.trim().lines().last().unwrap_or("no reason given");
        return Err(format!("{} failed when asked about itself: {last}", path.display()));
    }
    let mut found: Interpreter = serde_json::from_slice(&answer.stdout)
        .map_err(|error| format!("{} answered strangely: {error}", path.display()))?;
    if found.version < OLDEST {
        let version = found.version.map(|n| n.to_string()).join(".");
        return Err(format!("{} is Python {version}; 3.11 is needed", path.display()));
    }
    if !found.ctypes {
        return Err(format!(
            "{} lacks the module ctypes (Debian: apt-get install libpython3-stdlib)",
            path.display()
        ));
    }
    found.files.push(found.executable.clone());
    found.files.sort();
    found.files.dedup();
    Ok(found)
}
