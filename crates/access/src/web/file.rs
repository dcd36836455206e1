//! Authors' files as answers: pictures to be shown, anything else to be kept, nothing to be run.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::files::{encoded, media_type};

/// Whoever looks again asks whether it is still the same; nobody on the way keeps it for others.
const ASK_AGAIN: &str = "private, no-cache";

/// A file as an answer: pictures to be shown, anything else to be kept. SVG can hold scripts, so it is kept, too; within a page it
/// shows as a picture all the same.
pub fn file_response(name: &str, content: Vec<u8>) -> Response {
    let kind = media_type(name);
    let shown = kind.starts_with("image/") && kind != "image/svg+xml";
    let how = if shown { "inline" } else { "attachment" };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("{how}; filename*=UTF-8''{}", encoded(name))),
        (header::CACHE_CONTROL, ASK_AGAIN.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // A picture that is looked at by itself runs nothing.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox".to_owned(),
        ),
    ];
    (headers, content).into_response()
}

/// The answer to somebody who has what bears this tag already; `None` to everybody else.
pub fn not_modified(headers: &HeaderMap, tag: &str) -> Option<Response> {
    let tags = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    let has = tags.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag);
    let about = [(header::ETAG, tag.to_owned()), (header::CACHE_CONTROL, ASK_AGAIN.to_owned())];
    has.then(|| (StatusCode::NOT_MODIFIED, about).into_response())
}
