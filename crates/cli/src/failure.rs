//! What can end a command, as one sentence and one exit code. Only here are errors erased to text: nobody above would
//! tell them apart.

use std::{error::Error, fmt};

use kernel::Problem;

/// Exit codes, part of what scripts rely on (also in `--help` and docs/operators-guide.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// The command did its work and the answer is no.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Something could not be set up or reached.
    Unavailable = 3,
    /// There is no such thing, or its state does not allow it.
    Refused = 4,
    /// A mistake of our own.
    Internal = 5,
}

/// Why a command ended without success.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The answer is no, and has been given already.
    pub(crate) fn no() -> Self {
        Self::new(Code::No, "")
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// For programs: one line of JSON.
    pub(crate) fn json(&self) -> String {
        let kind = match self.code {
            Code::No => "no",
            Code::Usage => "usage",
            Code::Unavailable => "unavailable",
            Code::Refused => "refused",
            Code::Internal => "internal",
        };
        serde_json::json!({ "error": { "kind": kind, "exit_code": self.code as u8, "message": self.message } })
            .to_string()
    }

    /// Whether everything has been said.
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Turns an error into a failure with the sentences of its whole chain of causes.
pub(crate) trait OrFail<T> {
    fn or_fail(self, code: Code) -> Result<T, Failure>;
}

impl<T, E: Error> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: Code) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, told(&error)))
    }
}

fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Many errors tell their cause themselves.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.status() {
            400..=499 => Code::Refused,
            503 => Code::Unavailable,
            _ => Code::Internal,
        };
        Self::new(code, problem.detail())
    }
}

impl From<campaigns::Error> for Failure {
    fn from(error: campaigns::Error) -> Self {
        match error {
            campaigns::Error::Database(error) => error.into(),
            other => Problem::from(other).into(),
        }
    }
}

impl From<learning::Error> for Failure {
    fn from(error: learning::Error) -> Self {
        match error {
            learning::Error::Database(error) => error.into(),
            // Whoever is at the terminal is its author.
            error @ learning::Error::Checker(_) => Self::new(Code::Refused, error.to_string()),
            other => Problem::from(other).into(),
        }
    }
}

impl From<insight::Error> for Failure {
    fn from(error: insight::Error) -> Self {
        match error {
            insight::Error::Database(error) => error.into(),
            other => Problem::from(other).into(),
        }
    }
}

impl From<access::keys::KeyError> for Failure {
    fn from(error: access::keys::KeyError) -> Self {
        match error {
            access::keys::KeyError::Database(error) => error.into(),
            access::keys::KeyError::Chance(_) => Self::new(Code::Unavailable, error.to_string()),
            other => Problem::from(other).into(),
        }
    }
}

impl From<access::roles::RoleError> for Failure {
    fn from(error: access::roles::RoleError) -> Self {
        match error {
            access::roles::RoleError::Database(error) => error.into(),
            other => Problem::from(other).into(),
        }
    }
}

impl From<access::sign_in::AdminError> for Failure {
    fn from(error: access::sign_in::AdminError) -> Self {
        match error {
            access::sign_in::AdminError::Database(error) => error.into(),
            access::sign_in::AdminError::Hash(_) => Self::new(Code::Internal, error.to_string()),
            other => Self::new(Code::Refused, other.to_string()),
        }
    }
}

impl From<access::settings::SettingsError> for Failure {
    fn from(error: access::settings::SettingsError) -> Self {
        match error {
            access::settings::SettingsError::Database(error) => error.into(),
            other => Problem::from(other).into(),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = if db::is_connection_lost(&error) { Code::Unavailable } else { Code::Internal };
        Self::new(code, format!("the database could not be asked: {}", told(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn causes_are_told_once() {
        assert_eq!(told(&Outer(Inner)), "outer: inner");
        assert_eq!(told(&Inner), "inner");
    }

    #[test]
    fn problems_become_codes() {
        assert_eq!(Failure::from(Problem::not_found("campaign")).code(), Code::Refused);
        assert_eq!(Failure::from(Problem::internal_message("x")).code(), Code::Internal);
    }
}
