//! A campaign as its author keeps it: a folder with `campaign.toml` and a folder a challenge, or the same as one JSON
//! bundle. Reading a folder finds everything that is wrong with it at once, each finding with its file and line.

mod bundle;
mod check;
mod folder;
mod import;
mod write;

pub use bundle::{Bundle, ChallengeBundle, HintBundle, PART_TWO_MARK, bundle_check};
pub use check::{ChallengeReport, CheckReport, challenge_run, check};
pub use folder::{Finding, read, read_partly};
pub use import::{bundle_export, bundle_import};
pub use write::{WriteError, write};
