//! Tells the binary the commit that it is built from.
//!
//! An optimised build looks at the working copy whenever anything in it changes; who builds from an archive says it in
//! `QUESTHALL_COMMIT`. A build for development does not ask: a commit that is stale would be worse than none, and looking would
//! relink the binary after every commit.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-env-changed=QUESTHALL_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let said = env::var("QUESTHALL_COMMIT").ok().filter(|commit| !commit.is_empty());
    let optimised = env::var("OPT_LEVEL").is_ok_and(|level| level != "0");
    let commit = said.or_else(|| if optimised { found() } else { None });
    if let Some(commit) = commit {
        println!("cargo::rustc-env=QUESTHALL_BUILT_FROM={commit}");
    }
}

/// The working copy's commit, if this is one.
fn found() -> Option<String> {
    for path in ["HEAD", "logs/HEAD", "index"] {
        println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", path])?);
    }
    println!("cargo::rerun-if-changed=..");
    git(&["describe", "--always", "--dirty"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
