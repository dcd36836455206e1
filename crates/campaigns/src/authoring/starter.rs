//! The campaign that `campaign new` makes: one challenge that checks clean, to be changed into one's own.

use std::path::{Path, PathBuf};

use super::write::WriteError;

/// The files of a new campaign.
const FILES: &[(&str, &str)] = &[
    ("campaign.toml", include_str!("starter/campaign.toml")),
    ("01-sums/challenge.toml", include_str!("starter/challenge.toml")),
    ("01-sums/README.md", include_str!("starter/README.md")),
    ("01-sums/generate.py", include_str!("starter/generate.py")),
    ("01-sums/solve.py", include_str!("starter/solve.py")),
];

/// Makes a campaign's folder, which must not be there yet or be empty, and says which files it wrote. Without a name, the
/// campaign is called as its folder.
///
/// # Errors
/// When there is something already, or the file system refuses.
pub fn start(dir: &Path, name: Option<&str>) -> Result<Vec<PathBuf>, WriteError> {
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file() {
        return Err(WriteError::Exists(dir.to_owned()));
    }
    let name = toml::Value::String(name.map_or_else(|| title(dir), str::to_owned)).to_string();
    let mut written = Vec::with_capacity(FILES.len());
    for (file, text) in FILES {
        let path = dir.join(file);
        let io = |error| WriteError::Io { path: path.clone(), error };
        std::fs::create_dir_all(path.parent().unwrap_or(dir)).map_err(io)?;
        std::fs::write(&path, text.replace("\"NAME\"", &name)).map_err(io)?;
        written.push(path);
    }
    Ok(written)
}

/// `winter-games` is the folder of Winter Games.
fn title(dir: &Path) -> String {
    let folder = dir.file_name().unwrap_or_default().to_string_lossy();
    let words = folder.split(['-', '_', ' ']).filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    let title = words.collect::<Vec<_>>().join(" ");
    if kernel::text::name(&title, 100).is_some() { title } else { "A New Campaign".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_campaign_is_right_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("winter-games");
        assert_eq!(start(&dir, None).unwrap().len(), 5);
        let read = crate::authoring::read(&dir).unwrap();
        assert_eq!((read.campaign.name.as_str(), read.challenges.len()), ("Winter Games", 1));
        assert!(matches!(start(&dir, None), Err(WriteError::Exists(_))));
        let named = folder.path().join("x");
        start(&named, Some("Say \"hello\"")).unwrap();
        assert_eq!(crate::authoring::read(&named).unwrap().campaign.name, "Say \"hello\"");
    }

    /// The guide shows these very files.
    #[test]
    fn the_guide_shows_the_new_campaign() {
        let guide = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authors-guide.md"),
        )
        .unwrap();
        for (file, text) in FILES {
            let shown = text.replace("\"NAME\"", "\"Winter Games\"");
            assert!(guide.contains(shown.trim_end()), "the guide does not show {file} as it is");
        }
    }
}
