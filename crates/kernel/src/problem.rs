//! The one error that leaves the house: problem details as [RFC 9457] has them, with a stable `type`.
//!
//! Slices have error enums of their own and turn them into a [`Problem`] at the last step. What went wrong inside is
//! logged, never sent: [`Problem::internal`] keeps its cause to itself.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// A stable kind of problem: its slug names the `type`, and with it the page that explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The last part of the `type` URI; never changes once published.
    pub slug: &'static str,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// A short summary, the same for every occurrence.
    pub title: &'static str,
}

impl Kind {
    /// Declares a kind.
    pub const fn new(slug: &'static str, status: u16, title: &'static str) -> Self {
        Self { slug, status, title }
    }
}

/// The request could not be understood or breaks a rule of its format.
pub const INVALID: Kind = Kind::new("invalid-request", 400, "The request is not valid");
/// No key, or one that is unknown, expired or revoked.
pub const UNAUTHENTICATED: Kind = Kind::new("unauthenticated", 401, "Who are you?");
/// The key is good but does not allow this.
pub const FORBIDDEN: Kind = Kind::new("forbidden", 403, "This key does not allow that");
/// No such thing, or none that this key may know of.
pub const NOT_FOUND: Kind = Kind::new("not-found", 404, "There is no such thing");
/// The thing is not in a state in which this can be done.
pub const CONFLICT: Kind = Kind::new("conflict", 409, "That cannot be done now");
/// Too much, too fast.
pub const RATE_LIMITED: Kind = Kind::new("rate-limited", 429, "Too many requests");
/// Something broke on our side.
pub const INTERNAL: Kind = Kind::new("internal", 500, "Something went wrong on our side");
/// Not now, but soon.
pub const UNAVAILABLE: Kind = Kind::new("unavailable", 503, "Not available right now");

/// One field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's path, such as `rewards[0].rank_from`.
    pub field: String,
    /// What is wrong with it, as a sentence that follows the field's name: "must be positive".
    pub message: String,
}

/// Problem details (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A URI reference that names the kind of problem and never changes: `/problems/{slug}`.
    #[serde(rename = "type")]
    type_: String,
    /// A short summary of the kind.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time, and what to do about it.
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: Cow<'static, str>,
    /// The fields that are wrong, where the problem lies in some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Whole seconds until it is worth trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind; `detail` says what happened this time and what to do.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            type_: format!("/problems/{}", kind.slug),
            title: kind.title,
            status: kind.status,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The request is not valid.
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INVALID, detail)
    }

    /// One field is wrong: the message follows the field's name ("must be positive").
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Some fields are wrong.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self::fields_of(INVALID, errors)
    }

    /// Some fields are wrong, in a way that is a kind of its own.
    pub fn fields_of(kind: Kind, errors: Vec<FieldError>) -> Self {
        let detail =
            errors.iter().map(|e| format!("`{}` {}", e.field, e.message)).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(kind, detail) }
    }

    /// No such thing: `what` is a noun, such as "campaign".
    pub fn not_found(what: &str) -> Self {
        Self::new(NOT_FOUND, format!("There is no such {what} here."))
    }

    /// The key does not allow this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FORBIDDEN, detail)
    }

    /// Not in a state in which this can be done.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(CONFLICT, detail)
    }

    /// Something broke inside. The cause is logged here and goes no further.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(error) = next {
            chain.push_str(": ");
            chain.push_str(&error.to_string());
            next = error.source();
        }
        Self::internal_message(&chain)
    }

    /// As [`Problem::internal`], for a cause in words.
    pub fn internal_message(cause: &str) -> Self {
        tracing::error!(cause, "internal error");
        Self::new(INTERNAL, "It has been logged; the request id in `X-Request-Id` helps to find it.")
    }

    /// Says when it is worth trying again; rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The last part of the `type`: what programs compare.
    pub fn slug(&self) -> &str {
        self.type_.strip_prefix("/problems/").unwrap_or(&self.type_)
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.detail.is_empty() { f.write_str(self.title) } else { f.write_str(&self.detail) }
    }
}

impl std::error::Error for Problem {}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let detail = match trouble(&error) {
            Trouble::Busy => "The database is too busy to answer in time; try again in a moment.",
            Trouble::Away => "The database does not answer; try again in a moment.",
            Trouble::Short(what) => {
                *SHORTAGE.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), what));
                tracing::error!(%error, "a request is refused: {what}");
                let detail = format!(
                    "{}{}; nothing was changed. Try again later.",
                    what[..1].to_uppercase(),
                    &what[1..]
                );
                return Self::new(UNAVAILABLE, detail).retry_after(SHORT_FOR);
            }
            Trouble::Gone => {
                // Who erases somebody meets who writes for them; were it a mistake of ours, this line finds it.
                tracing::warn!(%error, "a request met the end of what it was about");
                return Self::conflict(
                    "Something that this is about was removed at this very moment, or is needed by something new; \
                     nothing was changed. Look again.",
                );
            }
            Trouble::Ours => return Self::internal(&error),
        };
        tracing::warn!(%error, "a request is refused for the database's sake");
        Self::new(UNAVAILABLE, detail).retry_after(Duration::from_secs(1))
    }
}

/// After how long it is worth asking a database again that ran out of something.
const SHORT_FOR: Duration = Duration::from_secs(10);

/// What the database ran out of when it last did, and when that was.
static SHORTAGE: Mutex<Option<(Instant, &str)>> = Mutex::new(None);

/// What the database ran out of, if that was within `time`: as a request of this process was told.
pub fn shortage(time: Duration) -> Option<&'static str> {
    let last = *SHORTAGE.lock().unwrap_or_else(PoisonError::into_inner);
    last.filter(|(at, _)| at.elapsed() <= time).map(|(_, what)| what)
}

/// Whose fault a database error is.
enum Trouble {
    /// Too much at once: repeating can succeed.
    Busy,
    /// The server went away, or cannot be reached for now; `db::is_connection_lost`, which lies above us, tells the same.
    Away,
    /// The server has too little of something, which an operator has to give it: this.
    Short(&'static str),
    /// Somebody else's, who was quicker: a row that was there when we looked, and that ours was to refer to, is not there any
    /// more; or one that was to go is referred to since.
    Gone,
    /// Ours.
    Ours,
}

fn trouble(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::PoolTimedOut => Trouble::Busy,
        // A closed pool is a node on its way out.
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Trouble::Away,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // Serialization failure, deadlock, lock timeout, statement timeout: rolled back without a trace.
            Some("40001" | "40P01" | "55P03" | "57014") => Trouble::Busy,
            // Shut down, crashed, not up yet, idle sessions ended.
            Some("57P01" | "57P02" | "57P03" | "57P05" | "25P03") => Trouble::Away,
            // All of class 53, and the file system's own word for a full disk.
            Some("53100") => Trouble::Short("the database has no room on its disk"),
            Some("53200") => Trouble::Short("the database has no memory to spare"),
            Some("53300") => Trouble::Short("the database takes no more connections"),
            // Foreign keys: we look before we write, so that only what happens between the two is told so.
            Some("23503" | "23001") => Trouble::Gone,
            Some(code) if code.starts_with("53") => {
                Trouble::Short("the database is at a limit of its settings")
            }
            Some(code) if code.starts_with("08") => Trouble::Away,
            _ => Trouble::Ours,
        },
        _ => Trouble::Ours,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_in_the_sentence_and_in_the_list() {
        let problem = Problem::fields(vec![
            FieldError { field: "name".into(), message: "must not be empty".into() },
            FieldError { field: "rewards[0].bytes".into(), message: "must not be negative".into() },
        ]);
        insta::assert_json_snapshot!(problem, @r#"
        {
          "type": "/problems/invalid-request",
          "title": "The request is not valid",
          "status": 400,
          "detail": "`name` must not be empty; `rewards[0].bytes` must not be negative",
          "errors": [
            {
              "field": "name",
              "message": "must not be empty"
            },
            {
              "field": "rewards[0].bytes",
              "message": "must not be negative"
            }
          ]
        }
        "#);
    }

    #[test]
    fn waiting_is_rounded_up_to_whole_seconds() {
        let response =
            Problem::new(RATE_LIMITED, "").retry_after(Duration::from_millis(1200)).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn a_database_that_went_away_is_no_fault_of_ours() {
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        for error in [sqlx::Error::Io(broken), sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed] {
            assert_eq!(Problem::from(error).status(), 503);
        }
        assert_eq!(Problem::from(sqlx::Error::RowNotFound).status(), 500);
    }

    #[test]
    fn causes_stay_inside() {
        let problem = Problem::from(sqlx::Error::Protocol("password is hunter2".into()));
        assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
    }
}
