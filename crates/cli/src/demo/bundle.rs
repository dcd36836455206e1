//! The example campaign, embedded in the binary so that the demo works wherever that is.

use std::fs;

use campaigns::authoring::{self, Bundle};

use super::{DURATION_HOURS, RELEASE_DELAY_MINUTES, with_temporary_folder};
use crate::failure::{Code, Failure, OrFail};

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

/// The example campaign, with a demo's pace.
pub(super) fn read() -> Result<Bundle, Failure> {
    let mut bundle = with_temporary_folder(|folder| {
        fs::write(folder.join("campaign.toml"), CAMPAIGN).or_fail(Code::Unavailable)?;
        for (path, text) in FILES {
            let file = folder.join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).or_fail(Code::Unavailable)?;
            }
            fs::write(file, text).or_fail(Code::Unavailable)?;
        }
        authoring::read(folder).map_err(|findings| {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Failure::new(Code::Internal, format!("the embedded example is wrong: {}", lines.join("; ")))
        })
    })?;
    bundle.campaign.release_delay_minutes = RELEASE_DELAY_MINUTES;
    bundle.campaign.duration_hours = DURATION_HOURS;
    bundle.campaign.freeze_minutes = 0;
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_example_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/advent-of-bytes");
        let theirs = authoring::read(std::path::Path::new(folder)).unwrap();
        assert_eq!(read().unwrap().challenges, theirs.challenges);
    }
}
