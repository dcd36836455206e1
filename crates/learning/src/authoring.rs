//! A path as its author keeps it: a folder of Markdown and TOML, or the same as one JSON bundle. Reading a folder finds
//! everything that is wrong with it at once, each finding with its file and line. Writing and reading are inverse.
//!
//! What comes from elsewhere (Exercism's tracks, PrairieLearn's courses) becomes such a bundle, and what cannot is told by name.
//!
//! ```text
//! my-path/
//!   path.toml            name, type, chapters and which quests are in them
//!   README.md            what is learnt
//!   skills.toml          skills that it brings, to be made where a guild lacks them
//!   banks/codes.toml     questions that its quizzes draw from
//!   quests/loops/
//!     quest.toml         title, type, difficulty, rewards, what it requires
//!     README.md          what it is about
//!     01-read.md         a step: TOML between two lines of +++, then its text
//!     02-try-it.md
//!     files/map.png      what texts and resources name as files/map.png
//! ```

mod check;
mod exercism;
mod export;
mod files;
mod folder;
mod foreign;
mod html;
mod markdown;
mod needs;
mod new;
mod places;
mod prairielearn;
mod programs;
mod reader;
mod sources;
mod write;

pub use check::{Outlook, bundle_outlook};
pub use exercism::exercism;
pub use export::bundle_export;
pub use folder::{Finding, Folder, read};
pub use foreign::{Foreign, LeftOut, Unreadable};
pub use needs::Need;
pub use new::new_path;
pub use prairielearn::{PrairieLearn, prairielearn};
pub use programs::programs_check;
pub use write::{WriteError, write};
