//! What keeps other sites from acting with a visitor's cookie.
//!
//! A request that may change something and is known by its cookie must bring the session's token in `X-CSRF-Token`, which
//! no other site can read, and must not say that it comes from one (`Sec-Fetch-Site`, `Origin`). The cookie's `SameSite`
//! is a third fence. The token follows from the cookie's, so that it can be shown again without being stored.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use kernel::Problem;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::actor::Session;
use crate::keys::hex;
use crate::problems::FOREIGN_REQUEST;
use crate::web::HttpSettings;

/// The header that brings the token.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// The token that goes with a session's.
pub fn token_of(session_token: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"questhall csrf ");
    hash.update(session_token);
    hex(&hash.finalize().into())
}

/// Refuses what another site may have sent with this session's cookie.
pub(crate) fn check(http: &HttpSettings, session: &Session, parts: &Parts) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    refuse_other_sites(http, &parts.headers)?;
    let given = parts.headers.get(&CSRF_HEADER).map(|value| Sha256::digest(value.as_bytes()));
    if given.is_some_and(|given| bool::from(given.as_slice().ct_eq(&session.csrf_hash))) {
        return Ok(());
    }
    Err(Problem::new(
        FOREIGN_REQUEST,
        "A request that changes something and comes with a cookie takes the header `X-CSRF-Token`; `GET /api/v1/auth/me` \
         tells the token.",
    ))
}

/// Refuses a request that says it comes from another site.
pub(crate) fn refuse_other_sites(http: &HttpSettings, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let foreign = || {
        Problem::new(
            FOREIGN_REQUEST,
            "This request was sent from another site; a cookie does not count then.",
        )
    };
    if text(HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| !matches!(site, "same-origin" | "none"))
    {
        return Err(foreign());
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let own = match &http.public_url {
        Some(url) => origin_of(url) == Some(origin),
        // Without an address of our own, the one that the client called us by.
        None => origin.split_once("://").is_some_and(|(_, host)| Some(host) == text(header::HOST)),
    };
    if own { Ok(()) } else { Err(foreign()) }
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> Option<&str> {
    let begin = url.find("://")? + 3;
    let end = url[begin..].find('/').map_or(url.len(), |slash| begin + slash);
    Some(&url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&'static str, &str)], public_url: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let http = HttpSettings { public_url: public_url.map(str::to_owned), ..HttpSettings::default() };
        refuse_other_sites(&http, &headers).is_ok()
    }

    #[test]
    fn other_sites_are_told_by_what_browsers_say() {
        assert!(from(&[], None));
        assert!(from(&[("sec-fetch-site", "same-origin")], None));
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(!from(&[("sec-fetch-site", site)], None), "{site}");
        }
        let public = Some("https://quests.example.org/");
        assert!(from(&[("origin", "https://quests.example.org")], public));
        for origin in
            ["https://evil.example", "http://quests.example.org", "null", "https://quests.example.org.evil"]
        {
            assert!(!from(&[("origin", origin)], public), "{origin}");
        }
        assert!(from(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")], None));
        assert!(!from(&[("origin", "http://evil:8080"), ("host", "localhost:8080")], None));
        assert!(!from(&[("origin", "http://evil:8080")], None));
        assert!(!from(&[("origin", "null")], None));
    }

    #[test]
    fn tokens_follow_from_the_sessions() {
        assert_eq!(token_of("a"), token_of("a"));
        assert_ne!(token_of("a"), token_of("b"));
        assert_eq!(token_of("a").len(), 64);
    }
}
