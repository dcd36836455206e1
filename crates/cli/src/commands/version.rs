//! `questhall version`.

use serde_json::json;

use crate::{failure::Failure, screen::Screen};

pub(crate) fn run(screen: &Screen) -> Result<(), Failure> {
    let answer = json!({ "version": env!("CARGO_PKG_VERSION"), "schema": migrations::SCHEMA.fingerprint() });
    screen.answer(&answer, |_| {
        format!("questhall {}, schema {}", env!("CARGO_PKG_VERSION"), migrations::SCHEMA.fingerprint())
    })
}
