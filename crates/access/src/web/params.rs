//! Path and query parameters, and the wording of what is wrong with a field wherever it stands.
//!
//! NUL characters are refused here and in bodies, once for all: PostgreSQL's texts cannot hold one, and a slice would
//! answer 500.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use kernel::Problem;
use serde::de::DeserializeOwned;

/// Parameters of the matched path, by position or by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// Query parameters. Put `#[serde(deny_unknown_fields)]` on `T`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        no_nul_in_path(parts)?;
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused(parts, rejection).await),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let pairs = pairs(parts)?;
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| query_problem(&error))
    }
}

fn no_nul_in_path(parts: &Parts) -> Result<(), Problem> {
    if parts.uri.path().contains("%00") {
        return Err(Problem::invalid(
            "The path holds a NUL character (%00), which no name or id here holds.",
        ));
    }
    Ok(())
}

/// What is wrong with the path, once axum has not made of it what was wanted.
#[kernel::boxed]
async fn refused(parts: &mut Parts, rejection: PathRejection) -> Problem {
    match rejection {
        PathRejection::FailedToDeserializePathParams(rejection) => {
            path_problem(rejection.into_kind(), only_param(parts).await)
        }
        other => Problem::internal(&other),
    }
}

fn pairs(parts: &Parts) -> Result<form_urlencoded::Parse<'_>, Problem> {
    let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    match pairs.clone().find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => Err(Problem::field(name, "must not hold a NUL character")),
        None => Ok(pairs),
    }
}

fn query_problem(error: &serde_path_to_error::Error<serde_urlencoded::de::Error>) -> Problem {
    field_problem(&error.path().to_string(), &error.inner().to_string())
}

/// The parameter's name where the path has only one: axum does not say which failed then.
async fn only_param(parts: &mut Parts) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let mut names = params.iter().map(|(name, _)| name.to_owned());
    names.next().filter(|_| names.next().is_none())
}

fn path_problem(kind: ErrorKind, only: Option<String>) -> Problem {
    let unnamed = || only.unwrap_or_else(|| "path".to_owned());
    match kind {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            Problem::field(key, format!("must be {}", expected(expected_type)))
        }
        ErrorKind::ParseErrorAtIndex { expected_type, .. } | ErrorKind::ParseError { expected_type, .. } => {
            Problem::field(unnamed(), format!("must be {}", expected(expected_type)))
        }
        ErrorKind::InvalidUtf8InPathParam { key } => Problem::field(key, "must be UTF-8"),
        ErrorKind::DeserializeError { key, message, .. } => Problem::field(key, sentence(&message)),
        ErrorKind::Message(message) => Problem::field(unnamed(), sentence(&message)),
        // A handler that asks for other parameters than its path has: ours to mend, not the client's.
        other => Problem::internal_message(&other.to_string()),
    }
}

/// The problem with the field at `path`, from what serde says.
pub(crate) fn field_problem(path: &str, message: &str) -> Problem {
    let parent = if path == "." { "" } else { path };
    if let Some(rest) = message.strip_prefix("unknown field `")
        && let Some((name, known)) = rest.split_once('`')
    {
        let known = known.trim_start_matches(", ").strip_prefix("expected ").unwrap_or("");
        let known = known.strip_prefix("one of ").unwrap_or(known);
        let hint = if known.is_empty() {
            String::new()
        } else {
            format!("; known are {}", known.replace(" or ", ", "))
        };
        return Problem::field(child(parent, name), format!("is not known here{hint}"));
    }
    for (prefix, says) in [("missing field `", "is missing"), ("duplicate field `", "is given twice")] {
        if let Some(name) = message.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('`')) {
            return Problem::field(child(parent, name), says);
        }
    }
    if parent.is_empty() {
        return Problem::invalid(format!("The request {}.", sentence(message)));
    }
    Problem::field(parent, sentence(message))
}

/// `parent.name`, unless the path already ends with it.
fn child(parent: &str, name: &str) -> String {
    if parent.is_empty() || parent == name {
        name.to_owned()
    } else if parent.ends_with(&format!(".{name}")) {
        parent.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

/// What serde says, as the end of a sentence that begins with the field's name.
fn sentence(message: &str) -> String {
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some((found, wanted)) =
            message.strip_prefix(prefix).and_then(|rest| rest.split_once(", expected "))
        {
            return match whole_number(found) {
                Some(text) if bounds(wanted).is_some() => format!("must be {}, not {text}", expected(wanted)),
                _ => format!("must be {}, not {}", expected(wanted), in_json(found)),
            };
        }
    }
    if let Some((length, wanted)) =
        message.strip_prefix("invalid length ").and_then(|rest| rest.split_once(", expected "))
    {
        let found =
            if wanted.starts_with("struct ") { "a list".to_owned() } else { format!("of length {length}") };
        return format!("must be {}, not {found}", expected(wanted));
    }
    if let Some((found, wanted)) =
        message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected "))
    {
        return format!("must be {wanted}, not `{found}`");
    }
    match message {
        "invalid digit found in string" => "must be a whole number".to_owned(),
        "cannot parse integer from empty string" => "must not be empty".to_owned(),
        "number too large to fit in target type" => "is too large".to_owned(),
        "number too small to fit in target type" => "is too small".to_owned(),
        // What chrono says of a time, or a day, that is none: it does not say which it wanted.
        "input contains invalid characters"
        | "premature end of input"
        | "input is out of range"
        | "trailing input"
        | "no possible date and time matching input"
        | "input is not enough for unique date and time" => {
            "must be a day such as \"2026-01-31\" where a day is asked for, else a date and time with its zone, such as \
             \"2026-01-31T18:00:00Z\" or \"2026-01-31T19:00:00+01:00\""
                .to_owned()
        }
        "provided string was not `true` or `false`" => "must be `true` or `false`".to_owned(),
        other if ["must ", "is ", "has ", "may "].iter().any(|verb| other.starts_with(verb)) => {
            other.to_owned()
        }
        other => format!("is not valid: {other}"),
    }
}

/// What serde says it found, as it stood in the request.
fn in_json(found: &str) -> String {
    match found {
        "map" => return "an object".to_owned(),
        "sequence" => return "a list".to_owned(),
        "unit value" => return "null".to_owned(),
        _ => {}
    }
    for kind in ["string ", "integer ", "floating point ", "boolean "] {
        if let Some(value) = found.strip_prefix(kind) {
            return value.trim_matches('`').to_owned();
        }
    }
    found.to_owned()
}

/// The bounds of Rust's types of whole numbers.
fn bounds(wanted: &str) -> Option<(i128, i128)> {
    Some(match wanted {
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => (i64::MIN.into(), i64::MAX.into()),
        _ => return None,
    })
}

/// A number that was written without a fraction, however large: serde reads what fits no integer as a float.
fn whole_number(found: &str) -> Option<String> {
    let number: f64 = found.strip_prefix("floating point ")?.trim_matches('`').parse().ok()?;
    (number.fract() == 0.0 && number.abs() >= 2f64.powi(63)).then(|| format!("{number:.0}"))
}

/// Rust's names of types, in words.
fn expected(wanted: &str) -> String {
    if let Some((least, most)) = bounds(wanted) {
        return format!("a whole number from {least} to {most}");
    }
    match wanted {
        "f32" | "f64" => "a number".to_owned(),
        "bool" | "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "unit" => "null".to_owned(),
        other => match other.strip_prefix("struct ") {
            Some(_) => "an object".to_owned(),
            None => other.to_owned(),
        },
    }
}
