//! What is wrong with a campaign, or deserves a look: where, what, and what to do.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// Something wrong, or worth a look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mistake {
    /// The file, relative to the campaign's folder.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what was expected.
    pub message: String,
    /// The seeds that showed it, where running a script did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<String>,
    /// Python's traceback of the first of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub traceback: String,
    /// What the script printed to standard error in the first of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
}

impl Mistake {
    pub(super) fn new(file: impl Into<String>, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into(), ..Self::default() }
    }

    /// Of a whole file.
    pub(super) fn of(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(file, None, message)
    }
}

/// One line: file, line and message.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}
