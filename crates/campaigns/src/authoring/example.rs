//! The example campaign, embedded so that whoever sets a guild up has it wherever the binary is.

use std::path::Path;
use std::{fs, io};

use super::bundle::Bundle;

macro_rules! challenges {
    ($($slug:literal)*) => {
        &[$(challenges!(@file $slug, "challenge.toml"), challenges!(@file $slug, "README.md"),
            challenges!(@file $slug, "generate.py")),*]
    };
    (@file $slug:literal, $file:literal) => {
        (
            concat!($slug, "/", $file),
            include_str!(concat!("../../../../examples/advent-of-bytes/", $slug, "/", $file)),
        )
    };
}

const CAMPAIGN: &str = include_str!("../../../../examples/advent-of-bytes/campaign.toml");

/// Path in the campaign's folder, and text.
const FILES: &[(&str, &str)] = challenges! {
    "01-coat-check"
    "02-endless-carol"
    "03-water-carriers"
    "04-ink-beetles"
    "05-night-ferries"
    "06-marble-run"
    "07-painted-wall"
    "08-serial-numbers"
};

/// Texts in other languages.
const TRANSLATED: &[(&str, &str)] = &[challenges!(@file "01-coat-check", "README.de.md")];

/// The example campaign. It is read by the reader of authors' folders, from a folder under the system's for temporary files: call it
/// where waiting for a disk is no harm.
pub fn example() -> io::Result<Bundle> {
    let folder = std::env::temp_dir().join(format!("questhall-example-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&folder)?;
    let bundle = read_from(&folder);
    // What cannot be removed is the system's to clean up.
    let _ = fs::remove_dir_all(&folder);
    bundle
}

fn read_from(folder: &Path) -> io::Result<Bundle> {
    fs::write(folder.join("campaign.toml"), CAMPAIGN)?;
    for (path, text) in FILES.iter().chain(TRANSLATED) {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)?;
    }
    super::read(folder).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        io::Error::other(format!("the embedded example is wrong: {}", lines.join("; ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_example_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/advent-of-bytes");
        assert_eq!(example().unwrap(), super::super::read(Path::new(folder)).unwrap());
    }
}
