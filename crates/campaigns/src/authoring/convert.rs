//! Campaigns out of what other systems keep: Kattis problem packages, task generators with `generate(user, target_dir)`, exports of
//! `CTFd`. What could not be carried over is said by name; nothing is dropped silently.

mod ctfd;
mod kattis;
mod ugra;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::mistake::Mistake;
use super::write::WriteError;
use challenges::catalogue::slug_fits;

/// What a folder was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A Kattis problem package, or a folder of them.
    Kattis,
    /// A task with `generate(user, target_dir)`, or a folder of them.
    Ugra,
    /// An unpacked export of `CTFd`.
    Ctfd,
}

/// What came of a conversion.
#[derive(Debug, Clone, Serialize)]
pub struct Converted {
    /// What it was made of.
    pub origin: Origin,
    /// The challenges' folders, in their order.
    pub challenges: Vec<String>,
    /// What could not be carried over, each with the file that it stands in.
    pub left_out: Vec<Mistake>,
}

/// Why nothing was converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// Nothing that is known.
    #[error(
        "{} is no Kattis package (problem.yaml), no task generator (generate.py with `def generate`), and no unpacked export of CTFd \
         (db/challenges.json), nor a folder of such", .0.display()
    )]
    Unknown(PathBuf),
    /// It is one, but cannot be read.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The campaign's folder could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A challenge to be written: its files by their paths, and its `challenge.toml`.
#[derive(Debug, Default)]
struct Made {
    slug: String,
    settings: toml::Table,
    readme: String,
    files: Vec<(String, Vec<u8>)>,
}

/// Reads what `source` holds and writes a campaign's folder of it.
///
/// # Errors
/// When it is nothing that is known, cannot be read, or the folder cannot be written.
pub fn convert(source: &Path, dir: &Path) -> Result<Converted, ConvertError> {
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(WriteError::Exists(dir.to_owned()).into());
    }
    let mut left_out = Vec::new();
    let (origin, challenges) = if source.join("db/challenges.json").is_file() {
        (Origin::Ctfd, ctfd::read(source, &mut left_out)?)
    } else if let packages @ [_, ..] = &*packages(source, |folder| folder.join("problem.yaml").is_file()) {
        let read = |folder: &PathBuf| kattis::read(folder, &mut left_out);
        (Origin::Kattis, packages.iter().map(read).collect::<Result<_, _>>()?)
    } else if let tasks @ [_, ..] = &*packages(source, |folder| ugra::generator(folder).is_some()) {
        let read = |folder: &PathBuf| ugra::read(folder, &mut left_out);
        (Origin::Ugra, tasks.iter().map(read).collect::<Result<_, _>>()?)
    } else {
        return Err(ConvertError::Unknown(source.to_owned()));
    };
    let challenges = numbered(challenges);
    write(source, dir, &challenges)?;
    Ok(Converted { origin, challenges: challenges.into_iter().map(|made| made.slug).collect(), left_out })
}

/// The folder itself, or those in it, that are of a kind; in the order of their names.
fn packages(source: &Path, is_one: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    if is_one(source) {
        return vec![source.to_owned()];
    }
    let mut found: Vec<PathBuf> =
        entries(source).into_iter().filter(|path| path.is_dir() && is_one(path)).collect();
    found.sort();
    found
}

/// What lies in a folder, in the order of the names; nothing where there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn text(file: &Path) -> Result<String, ConvertError> {
    let read = std::fs::read(file).map_err(|error| error.to_string());
    let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()));
    text.map(|text| text.replace("\r\n", "\n"))
        .map_err(|why| ConvertError::Unreadable { file: file.to_owned(), why })
}

fn bytes(file: &Path) -> Result<Vec<u8>, ConvertError> {
    std::fs::read(file)
        .map_err(|error| ConvertError::Unreadable { file: file.to_owned(), why: error.to_string() })
}

/// Folders in their order: `01-knapsack`.
fn numbered(mut challenges: Vec<Made>) -> Vec<Made> {
    for (n, made) in (1..).zip(&mut challenges) {
        let mut slug = String::new();
        for c in made.slug.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        slug.truncate(50);
        let slug = slug.trim_end_matches('-');
        made.slug = format!("{n:02}-{}", if slug.is_empty() { "challenge" } else { slug });
        debug_assert!(slug_fits(&made.slug));
    }
    challenges
}

fn write(source: &Path, dir: &Path, challenges: &[Made]) -> Result<(), WriteError> {
    let put = |path: PathBuf, content: &[u8]| {
        let io = |error| WriteError::Io { path: path.clone(), error };
        std::fs::create_dir_all(path.parent().unwrap_or(dir)).map_err(io)?;
        std::fs::write(&path, content).map_err(io)
    };
    let called = name(&source.canonicalize().unwrap_or_else(|_| source.to_owned()));
    let called = kernel::text::name(&called, 100).unwrap_or("Converted").to_owned();
    let hours = 24 * (challenges.len() + 1);
    let settings = format!(
        "# Made by `questhall campaign convert`. Every key is in the author's guide.\nname = {}\ncampaign_type = \"player\"\n\
         scoring_type = \"point_based\"\nstarting_points = 100\npoints_decrease_step = 0\nduration_hours = {hours}\n",
        toml::Value::String(called)
    );
    put(dir.join("campaign.toml"), settings.as_bytes())?;
    for made in challenges {
        let folder = dir.join(&made.slug);
        put(folder.join("challenge.toml"), toml::to_string_pretty(&made.settings)?.as_bytes())?;
        put(folder.join("README.md"), made.readme.as_bytes())?;
        for (path, content) in &made.files {
            put(folder.join(path), content)?;
        }
    }
    Ok(())
}

/// A table of `[[answers]]`.
fn answers(rule: toml::Table) -> toml::Value {
    toml::Value::Array(vec![toml::Value::Table(rule)])
}
