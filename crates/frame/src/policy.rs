//! What a browser may do with a page: one place owns it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Everything from this server alone; scripts and styles from files, none in the page; no text becomes markup by a script but
/// through the page's one policy.
const PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types questhall",
);

/// Gives a page its headers, where it has none of its own.
pub fn apply(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        return;
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, PAGE);
    // A form must say where it comes from, or it is taken for another site's.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    // Going back is instant, and asks first whether the page still is what it was.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("Cookie"));
}
