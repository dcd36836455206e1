//! Request ids: one name for a request in the response, the log and the audit log.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

/// The header of requests and responses.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a client.
const MAX_LENGTH: usize = 128;

/// The request's id, in the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Middleware: takes the client's `X-Request-Id` where it is 1 to 128 of `A-Z a-z 0-9 . _ -`, else makes one; opens a
/// span with it, and answers with it. Put it outside of everything that logs.
pub async fn request_id(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID_HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|text| is_plain(text))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    // At the highest level, so that it names the request of an error also where only errors are logged.
    let span = tracing::error_span!("request", request_id = %id, method = %request.method(), path = request.uri().path());
    let value = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = value {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

/// Ids end up in log lines: nothing that could forge one.
fn is_plain(text: &str) -> bool {
    (1..=MAX_LENGTH).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
