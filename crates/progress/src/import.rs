//! XP from another bot, such as MEE6: read from CSV or JSON, told line by line, granted once.
//!
//! Promises:
//! * A file that is imported again changes nothing; one with more XP for a member brings the difference, one with less
//!   takes nothing (by what the journal holds of that source, under a lock per guild).
//! * A dry run says exactly what an import would do, and does nothing.
//! * A line that is wrong is named with its number, its member's id and its fault; nothing is imported while there is one, unless the
//!   rest is asked for.
//! * Of several columns that could be meant the exactly named one counts; where none is, nothing is guessed.
//!
//! Map: `parse` lines from a file · [`ops`] what is to be granted, and granting · [`routes`] the HTTP face.

pub mod ops;
pub mod routes;

mod parse;

pub use parse::{Fault, Format, Line, decode, parse};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What of a line is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Its XP, as they are.
    #[default]
    Xp,
    /// Its level: as many XP as that level takes here, where levels take other amounts.
    Level,
}

/// A file to be imported, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// Where the XP come from: 1 to 20 of `a-z` and `0-9`. What one source brought is told from another's.
    #[serde(default = "mee6")]
    #[schema(min_length = 1, max_length = 20, pattern = "^[a-z0-9]{1,20}$", default = "mee6")]
    pub source: String,
    /// How the data is written.
    #[schema(example = "csv")]
    pub format: Format,
    /// The file's text: CSV with a heading that names `user_id` (or `id`) and `xp` or `level`, and perhaps `username`; or JSON,
    /// a list of such objects, or what MEE6, Polaris, AmariBot and Lurkr export or answer themselves.
    #[schema(min_length = 1, example = "user_id,xp\n")]
    pub data: String,
    /// What of a line is kept.
    #[serde(default)]
    #[schema(default = "xp")]
    pub keep: Keep,
    /// Whether only to say what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether to import the lines that are right although others are wrong.
    #[serde(default)]
    pub skip_faults: bool,
}

fn mee6() -> String {
    "mee6".to_owned()
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Lines with a member on them.
    pub lines: usize,
    /// Members who were, or would be, made known.
    pub new_members: usize,
    /// Members who got, or would get, XP.
    pub granted: usize,
    /// XP granted in all.
    pub xp: i64,
    /// Members whose XP of this source are here already, or more of them.
    pub unchanged: usize,
    /// How many lines are wrong.
    pub fault_count: usize,
    /// They, up to ten thousand.
    pub faults: Vec<Fault>,
}
