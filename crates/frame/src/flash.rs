//! What a form says on the page that comes after it: a line of text that travels in a cookie, once.

use access::App;
use access::sessions::cookie::Cookie;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Problem;

/// The longest text that is kept, in bytes: a cookie has little room.
const MAX: usize = 1_000;
/// For how many seconds it waits for its page.
const SECONDS: i64 = 60;

/// The text that was left for this page.
pub fn taken(app: &App, headers: &HeaderMap) -> Option<String> {
    let value = Cookie::Flash.read(app.http(), headers)?;
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty() && text.len() <= MAX)
}

/// Sends the browser on to a page of ours, which says what was done.
pub fn done(app: &App, to: &str, text: &str) -> Response {
    let mut response = see_other(to);
    let mut end = text.len().min(MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cookie = Cookie::Flash.set(app.http(), &URL_SAFE_NO_PAD.encode(&text[..end]), SECONDS);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Sends the browser on to a page of ours.
pub fn see_other(to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return Problem::internal_message("a redirect to what is no address").into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
