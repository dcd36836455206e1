//! Typing a command and reading what comes back.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The binary with these arguments, in an environment that says nothing about Questhall.
pub(crate) fn questhall<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_questhall"));
    command.args(arguments).stdin(Stdio::null()).current_dir(std::env::temp_dir());
    unsettled(&mut command);
    command
}

/// Takes from a command's environment whatever says something about Questhall.
pub(crate) fn unsettled(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("QUESTHALL_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Answer {
    questhall(arguments).output().expect("the binary runs").into()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Answer {
    /// Asserts the exit code, and that errors are sentences and not Rust's own.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for not_for_people in ["panicked", "RUST_BACKTRACE", "Error {", "Os {", "Some("] {
            assert!(!self.err.contains(not_for_people), "{self:#?}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "it does not say {text:?}: {self:#?}");
        self
    }
}

/// A folder of `examples/`.
pub(crate) fn example(name: &str) -> PathBuf {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).join(name);
    folder.canonicalize().expect("the example is there")
}
