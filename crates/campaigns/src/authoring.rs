//! A campaign as its author keeps it: a folder with `campaign.toml` and a folder a challenge, or the same as one JSON
//! bundle. Reading a folder finds everything that is wrong with it at once, each finding with its file and line.

mod bundle;
mod carried;
mod check;
mod checker;
mod convert;
mod example;
mod files;
mod flags;
mod folder;
mod import;
mod keys;
mod mistake;
mod plan;
mod readme;
mod solutions;
mod starter;
mod statement;
mod write;

pub use bundle::{Bundle, ChallengeBundle, HintBundle, bundle_check};
pub use carried::{files_of, folder_files};
pub use check::{ChallengeReport, CheckReport, Checked, Seeds, Step, check};
pub use convert::{ConvertError, Converted, Origin, convert};
pub use example::example;
pub use folder::{Partly, locate, read, read_partly};
pub use import::{bundle_export, bundle_import, bundle_try};
pub use mistake::Mistake;
pub use solutions::{Declared, Solution, SolutionReport, solutions_read};
pub use starter::start;
pub use write::{WriteError, write};
