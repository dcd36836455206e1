//! Pages for people where the API answers with a problem: a layer outside of all handlers.
//!
//! Who asks for HTML gets a page that says what happened, why, and what to do now, with the request's id. Who is not signed in is
//! sent to sign in and back.

use access::App;
use access::sessions::cookie::Cookie;
use access::web::RequestId;
use askama::Template;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;

use crate::visit::{encode, theme};
use crate::{flash, page, policy};

/// The longest problem that is read, in bytes; longer ones stay as they are.
const MAX: usize = 256 * 1024;

/// What a page tells of a problem.
#[derive(Debug, Default, Deserialize)]
struct Told {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    retry_after: Option<u64>,
}

/// A problem as a page.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    theme: &'static str,
    status: u16,
    title: String,
    detail: String,
    advice: &'static str,
    retry_after: Option<u64>,
    request_id: String,
    back: String,
}

/// The layer.
pub async fn pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&app, &request);
    let mut response = next.run(request).await;
    if asked.html && is(&response, "application/problem+json") {
        response = as_page(&asked, response).await;
    }
    if is(&response, "text/html") {
        policy::apply(response.headers_mut());
        // A page that is fetched to be at hand has not been looked at, and one that many share shows nobody's message.
        let shared = text(response.headers(), "cache-control").starts_with("public");
        if asked.flash && !asked.prefetch && !shared {
            response.headers_mut().append(header::SET_COOKIE, Cookie::Flash.remove(app.http()));
        }
    }
    response
}

/// What is known of a request after it is answered.
struct Asked {
    html: bool,
    api: bool,
    get: bool,
    flash: bool,
    prefetch: bool,
    path: String,
    referrer: String,
    theme: &'static str,
    request_id: String,
}

impl Asked {
    fn of(app: &App, request: &Request) -> Self {
        let headers = request.headers();
        let path =
            request.uri().path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str).to_owned();
        Self {
            html: text(headers, "accept").contains("text/html"),
            api: path.starts_with("/api/"),
            get: matches!(*request.method(), Method::GET | Method::HEAD),
            flash: Cookie::Flash.read(app.http(), headers).is_some(),
            prefetch: text(headers, "sec-purpose").contains("prefetch"),
            referrer: own_path(text(headers, "referer"), text(headers, "host")),
            path,
            theme: theme(app, headers),
            request_id: request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The path of an address of ours; `/` for any other.
fn own_path(url: &str, host: &str) -> String {
    let path = url.split_once("://").and_then(|(_, rest)| rest.strip_prefix(host)).unwrap_or("/");
    if access::sign_in::safe_path(path) { path.to_owned() } else { "/".to_owned() }
}

fn is(response: &Response, kind: &str) -> bool {
    text(response.headers(), "content-type").starts_with(kind)
}

async fn as_page(asked: &Asked, response: Response) -> Response {
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED && asked.get && !asked.api {
        return flash::see_other(&format!("/sign-in?to={}", encode(&asked.path)));
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX).await else {
        return page::rendered(&page_of(asked, status, Told::default()), status);
    };
    let told: Told = serde_json::from_slice(&bytes).unwrap_or_default();
    let made = page::rendered(&page_of(asked, status, told), status);
    let (mut made, body) = made.into_parts();
    // What else the answer says stays: when to come again, which methods there are.
    for name in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::WWW_AUTHENTICATE,
        header::CONTENT_SECURITY_POLICY,
    ] {
        parts.headers.remove(name);
    }
    parts.headers.extend(made.headers.drain().filter_map(|(name, value)| name.map(|name| (name, value))));
    Response::from_parts(parts, body)
}

fn page_of(asked: &Asked, status: StatusCode, told: Told) -> ProblemPage {
    let slug = told.kind.rsplit('/').next().unwrap_or_default();
    let (title, advice) = match slug {
        "unauthenticated" => (
            "You are signed out",
            "Go back and copy what you typed, then sign in again and send it from a page that was loaded since.",
        ),
        "forbidden" => (
            "You may not do that",
            "If you think you should, ask somebody who runs the guild for the role that permits it.",
        ),
        "not-found" => (
            "There is nothing here",
            "It may have been removed, or it belongs to a guild that you are not in.",
        ),
        "rate-limited" => ("Too many requests", "Wait a moment, then try again."),
        "internal" => (
            "Something went wrong on our side",
            "It has been logged. Tell whoever runs this server the request's id below.",
        ),
        "foreign-request" => (
            "This page is out of date",
            "You signed in anew since it was loaded. Go back, copy what you typed, load it again, and send the form from there.",
        ),
        "answer-not-kept" | "idempotency-key-in-use" => (
            "This form was sent before",
            "It was carried out, or is being carried out. Look at what there is now.",
        ),
        _ => ("", "Go back, look at it again, then decide."),
    };
    let detail = match slug {
        // Both speak of keys and headers, which people do not send.
        "unauthenticated" | "foreign-request" | "forbidden" | "rate-limited" => String::new(),
        _ => told.detail,
    };
    let title = match (title, told.title.is_empty()) {
        ("", true) => format!("Error {}", status.as_u16()),
        ("", false) => told.title,
        (title, _) => title.to_owned(),
    };
    ProblemPage {
        theme: asked.theme,
        status: status.as_u16(),
        title,
        detail,
        advice,
        retry_after: told.retry_after,
        request_id: asked.request_id.clone(),
        back: if asked.get { "/".to_owned() } else { asked.referrer.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_back_to_another_site() {
        assert_eq!(own_path("http://here:80/g/1?a=b", "here:80"), "/g/1?a=b");
        for url in ["http://evil/g/1", "http://here:80.evil/", "http://here:80//evil", "", "javascript:x"] {
            assert_eq!(own_path(url, "here:80"), "/", "{url}");
        }
    }
}
