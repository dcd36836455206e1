//! `questhall version`.

use serde_json::json;

use crate::{failure::Failure, screen::Screen};

/// The commit that this binary was built from, with `-dirty` where it was not quite that; `None` where the build did not know.
const COMMIT: Option<&str> = option_env!("QUESTHALL_BUILT_FROM");

/// Version and commit: `0.1.0 (1a2b3c4)`.
pub(crate) fn named() -> String {
    let version = env!("CARGO_PKG_VERSION");
    COMMIT.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"))
}

pub(crate) fn run(screen: &Screen) -> Result<(), Failure> {
    let schema = migrations::SCHEMA.fingerprint();
    let answer = json!({ "version": env!("CARGO_PKG_VERSION"), "commit": COMMIT, "schema": schema });
    screen.answer(&answer, |_| format!("questhall {}, schema {schema}", named()))
}
