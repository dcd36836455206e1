//! JSON bodies whose faults are named by field, line and column.

use axum::body::Bytes;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use kernel::objects::Objects;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::problems::{TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};
use crate::web::params;

/// A JSON body, both ways. What a body may hold is said by `T`; put `#[serde(deny_unknown_fields)]` on it, so that a
/// misspelt field is an error and not a silence. A list where an object belongs is refused ([`kernel::objects`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (body, typed) = read(request).await?;
        if !typed {
            return Err(not_json(&body));
        }
        json_parse(&body).map(Self)
    }
}

/// A body that may be left out altogether.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Option<Self>, Problem> {
        let (body, typed) = read(request).await?;
        // `null` is a body that says nothing, too.
        if body.is_empty() || typed && body.trim_ascii() == b"null" {
            return Ok(None);
        }
        if !typed {
            return Err(not_json(&body));
        }
        json_parse(&body).map(|value| Some(Self(value)))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        answer(serde_json::to_vec(&self.0))
    }
}

fn answer(json: serde_json::Result<Vec<u8>>) -> Response {
    match json {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Whether the body says it is JSON; an error when it says that it is something else.
fn is_json(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(false) };
    let essence =
        value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(true);
    }
    Err(Problem::new(
        UNSUPPORTED_MEDIA_TYPE,
        "This route reads JSON; send it with `Content-Type: application/json`.",
    ))
}

fn not_json(body: &[u8]) -> Problem {
    if body.is_empty() {
        return Problem::invalid("The body is empty; this route takes a JSON body.");
    }
    Problem::new(
        UNSUPPORTED_MEDIA_TYPE,
        "This route reads JSON; send it with `Content-Type: application/json`.",
    )
}

/// The body, and whether it says that it is JSON.
#[kernel::boxed]
async fn read(request: Request) -> Result<(Bytes, bool), Problem> {
    let typed = is_json(request.headers())?;
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(TOO_LARGE, "The body is larger than this route accepts.")
        } else {
            Problem::invalid("The body ended before all of it had come.")
        }
    })?;
    Ok((body, typed))
}

/// What a body of JSON says. A fault is a problem that names the field by its path, line and column where it is no JSON.
///
/// # Errors
///
/// The body is empty or no JSON, or not what `T` reads.
pub fn json_parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(text(body)?);
    let value = serde_path_to_error::deserialize(Objects(&mut deserializer)).map_err(fault)?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// What is read of a body; an error where there is nothing, or what no text here may hold.
fn text(body: &[u8]) -> Result<&[u8], Problem> {
    // What Windows writes before a text's first character; a reader of JSON may pass it over (RFC 8259, 8.1).
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if body.is_empty() {
        return Err(Problem::invalid("The body is empty; this route takes a JSON body."));
    }
    if let Some(order) = control(body) {
        return Err(control_problem(body, order));
    }
    Ok(body)
}

fn fault(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    let inner = error.into_inner();
    match inner.classify() {
        Category::Data => params::field_problem(&path, &without_position(&inner)),
        Category::Syntax | Category::Eof | Category::Io => malformed(&inner),
    }
}

/// The first control character that some string holds, tabs and line ends apart: no text here may hold one. PostgreSQL
/// takes no NUL, and a terminal takes others for orders.
fn control(body: &[u8]) -> Option<char> {
    let mut rest = body.iter().copied().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'\\' => match rest.next()?.1 {
                b'b' => return Some('\u{8}'),
                b'f' => return Some('\u{c}'),
                b'u' => {
                    let code = body.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
                    let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                    let escaped = code.and_then(char::from_u32).map(|c| c.to_string()).unwrap_or_default();
                    if let Some(order) = kernel::text::control(&escaped) {
                        return Some(order);
                    }
                }
                _ => {}
            },
            0x7f => return Some('\u{7f}'),
            // U+0080 to U+009F, written out.
            0xc2 => {
                if let Some(second @ 0x80..=0x9f) = body.get(at + 1) {
                    return char::from_u32(u32::from(*second));
                }
            }
            _ => {}
        }
    }
    None
}

/// Names the field that holds it, where the body is JSON otherwise.
fn control_problem(body: &[u8], order: char) -> Problem {
    let says = match order {
        '\0' => "must not hold a NUL character (\\u0000)".to_owned(),
        _ => format!(
            "must not hold the control character \\u{:04x}; of those, texts may hold tabs and line ends",
            u32::from(order)
        ),
    };
    match serde_json::from_slice(body).ok().and_then(|value: serde_json::Value| place(&value)) {
        Some(field) if !field.is_empty() => Problem::field(field, says),
        _ => Problem::invalid(format!("The body {says}.")),
    }
}

/// Where in a value the first text with a control character stands, as fields are named.
fn place(value: &serde_json::Value) -> Option<String> {
    let below = |name: String, value: &serde_json::Value| {
        let rest = place(value)?;
        let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
        Some(format!("{name}{dot}{rest}"))
    };
    match value {
        serde_json::Value::String(text) => kernel::text::control(text).map(|_| String::new()),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().find_map(|(index, value)| below(format!("[{index}]"), value))
        }
        serde_json::Value::Object(map) => map.iter().find_map(|(name, value)| below(name.clone(), value)),
        _ => None,
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let what = without_position(error).replacen("EOF while parsing", "it ends in the middle of", 1);
    Problem::invalid(format!(
        "The body is not JSON: {what} at line {}, column {}.",
        error.line(),
        error.column()
    ))
}

/// `serde_json` ends its messages with the position, which a named field makes needless.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}
