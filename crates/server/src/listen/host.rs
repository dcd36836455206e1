//! Which host a request is for: HTTP/1.1 wants it said once. Of two, a proxy before us might believe another than we do.

use axum::http::{HeaderMap, Request, Version, header};
use kernel::Problem;

/// Refuses a request that names no host, or several.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    if request.version() < Version::HTTP_11 && !request.headers().contains_key(header::HOST) {
        return Ok(());
    }
    if named_once(request.headers()) {
        return Ok(());
    }
    Err(Problem::invalid("A request names the host it is for, once: `Host: quests.example.org`."))
}

fn named_once(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return false };
    let host = host.as_bytes();
    !host.is_empty() && host.iter().all(|byte| byte.is_ascii_graphic() && !b",/\\@?#<>\"".contains(byte))
}
