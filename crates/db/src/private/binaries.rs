//! Finding `initdb` and `postgres` on this machine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::error::PrivateError;

/// The oldest major version we run on.
pub(super) const OLDEST_MAJOR: u32 = 15;

/// A folder with a working `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }
}

/// The binaries to use: of the existing cluster's major version where there is one, else the newest of 15 and later.
/// Looks in `given` alone, else in `PATH` and the folders that packages use.
pub(super) fn find(
    given: Option<&Path>,
    pgdata: &Path,
    cluster_major: Option<u32>,
) -> Result<Binaries, PrivateError> {
    let candidates = match given {
        Some(dir) => vec![dir.to_owned(), dir.join("bin")],
        None => usual_places(),
    };
    // First come first served within a major version, so that PATH goes before the packages' folders.
    let mut found: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for dir in &candidates {
        if let Some(major) = major_version(dir) {
            found.entry(major).or_insert_with(|| dir.clone());
        }
    }
    let versions = || found.keys().map(u32::to_string).collect::<Vec<_>>().join(", ");
    if let Some(cluster) = cluster_major {
        return match found.get(&cluster) {
            Some(dir) if cluster >= OLDEST_MAJOR => Ok(Binaries { dir: dir.clone(), major: cluster }),
            _ if found.is_empty() && given.is_none() => Err(none_found(&candidates, String::new())),
            _ => {
                let found = if found.is_empty() { "none".to_owned() } else { versions() };
                Err(PrivateError::WrongMajor { dir: pgdata.to_owned(), cluster, found })
            }
        };
    }
    if let Some((major, dir)) = found.iter().next_back().filter(|(major, _)| **major >= OLDEST_MAJOR) {
        return Ok(Binaries { dir: dir.clone(), major: *major });
    }
    if let Some(dir) = given {
        return Err(PrivateError::BadBinaries { dir: dir.to_owned() });
    }
    let too_old = if found.is_empty() {
        String::new()
    } else {
        format!(" (found, but too old: version {})", versions())
    };
    Err(none_found(&candidates, too_old))
}

fn none_found(candidates: &[PathBuf], too_old: String) -> PrivateError {
    let mut looked_in: Vec<String> = candidates.iter().map(|dir| dir.display().to_string()).collect();
    if looked_in.is_empty() {
        looked_in.push("PATH and /usr/lib/postgresql".to_owned());
    }
    PrivateError::NoBinaries { looked_in: looked_in.join(", "), too_old }
}

fn usual_places() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    // Debian and Ubuntu; Fedora and RHEL packages of the PostgreSQL project; Alpine; built from source.
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/usr/libexec", "postgresql")]
    {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                places.push(entry.path().join("bin"));
                places.push(entry.path());
            }
        }
    }
    places.push(PathBuf::from("/usr/local/pgsql/bin"));
    places
}

/// The major version of the `postgres` in `dir`, if there is one that runs and an `initdb` beside it.
fn major_version(dir: &Path) -> Option<u32> {
    let postgres = dir.join("postgres");
    if !postgres.is_file() || !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(postgres).arg("--version").stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout)).filter(|_| output.status.success())
}

/// `postgres (PostgreSQL) 15.20 (Debian …)` → 15; also `18beta1`, `17devel`.
fn parse_version(text: &str) -> Option<u32> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_version("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(parse_version("something else"), None);
    }

    #[test]
    fn absence_tells_how_to_install() {
        let nowhere = Path::new("/nonexistent/bin");
        let error = find(Some(nowhere), Path::new("/d"), None).unwrap_err();
        assert!(matches!(error, PrivateError::BadBinaries { .. }), "{error}");
        let text = none_found(&[nowhere.to_owned()], String::new()).to_string();
        assert!(
            text.contains("apt-get install --yes postgresql-15") && text.contains("/nonexistent/bin"),
            "{text}"
        );
    }
}
