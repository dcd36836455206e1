//! What forms cannot say in headers, said for them: a layer outside of whatever reads those.
//!
//! `_csrf` and `_once` of a form become `X-CSRF-Token` and `Idempotency-Key`. The latter stands for the form as it was filled in: sent
//! twice it has its effect once; changed and sent again it is another deed.

use access::App;
use access::keys::hex;
use access::problems::TOO_LARGE;
use access::sessions::cookie::Cookie;
use access::sessions::csrf::CSRF_HEADER;
use access::web::MEMBER_HEADER;
use access::web::idempotency::IDEMPOTENCY_KEY;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kernel::{Problem, UserId};
use sha2::{Digest as _, Sha256};

use crate::csrf;

/// The layer.
pub async fn forms(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    act_for(&app, &mut parts);
    if parts.method != Method::POST || !is_form(&parts) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let Ok(bytes) = to_bytes(body, app.http().body_limit).await else {
        return Problem::new(TOO_LARGE, "The form holds more than this server takes.").into_response();
    };
    let mut once = None;
    for (name, value) in form_urlencoded::parse(&bytes) {
        match &*name {
            "_csrf" => {
                let token = csrf::unmasked(&value).and_then(|token| HeaderValue::try_from(token).ok());
                if let Some(token) = token {
                    parts.headers.insert(CSRF_HEADER, token);
                }
            }
            "_once" => once = Some(value),
            _ => {}
        }
    }
    if let Some(key) = once.and_then(|once| HeaderValue::try_from(deed(&once, &bytes)).ok()) {
        parts.headers.insert(IDEMPOTENCY_KEY, key);
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

fn is_form(parts: &Parts) -> bool {
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded")
}

/// The name of a form as it was filled in.
fn deed(once: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(once.as_bytes());
    hash.update(b"\n");
    hash.update(body);
    format!("form-{}", hex(&hash.finalize().into()))
}

/// A local administrator, who is no member, may look and act as one: in development, where alone there are any. Whoever is bound to a
/// member is refused by the guards if they name another.
fn act_for(app: &App, parts: &mut Parts) {
    if !app.http().development
        || !parts.uri.path().starts_with("/g/")
        || parts.headers.contains_key(MEMBER_HEADER)
    {
        return;
    }
    let member = Cookie::ActingFor.read(app.http(), &parts.headers).and_then(|id| id.parse::<UserId>().ok());
    if let Some(value) = member.and_then(|member| HeaderValue::try_from(member.to_string()).ok()) {
        parts.headers.insert(MEMBER_HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sent_twice_is_one_deed_and_a_changed_one_another() {
        assert_eq!(deed("a", b"x=1"), deed("a", b"x=1"));
        assert_ne!(deed("a", b"x=1"), deed("a", b"x=2"));
        assert_ne!(deed("a", b"x=1"), deed("b", b"x=1"));
        assert!(deed("a\r\nb", b"").bytes().all(|b| b.is_ascii_graphic()));
    }
}
