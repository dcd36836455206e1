//! The stand-in's HTTP face.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Extracted;
use axum::http::{HeaderMap, Method, Response, Uri, header};
use serde_json::{Value, json};

use super::{Fault, Inner, Seen, TOKEN};
use crate::judge;

pub(super) fn router(inner: Arc<Mutex<Inner>>) -> Router {
    Router::new().fallback(handle).with_state(inner)
}

async fn handle(
    Extracted(inner): Extracted<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = bare(&uri).to_owned();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (body, files) = taken_apart(kind, &body);
    let reason = headers.get("x-audit-log-reason").map(|reason| reason.to_str().unwrap().to_owned());
    let fault = {
        let mut inner = inner.lock().unwrap();
        let shown = format!("{method} {path}");
        let at = tokio::time::Instant::now();
        if let Some(token) = path.strip_suffix("/messages/@original").and_then(|path| path.rsplit('/').next())
        {
            inner.files.insert(token.to_owned(), files.clone());
        }
        inner.seen.push(Seen {
            method: method.to_string(),
            path: path.clone(),
            body: body.clone(),
            reason,
            at,
            files,
        });
        let wanted = inner.faults.iter().position(|(what, _)| shown.contains(what.as_str()));
        let wanted = wanted.and_then(|at| inner.faults.remove(at)).map(|(_, fault)| fault);
        wanted.or_else(|| inner.always.clone()).or_else(|| inner.mood())
    };
    match fault {
        Some(Fault::Limited(scope, wait)) => return limited(scope, wait),
        Some(Fault::Html(status)) => return html(status),
        Some(Fault::Refused(status, code)) => {
            return json_answer(status, &json!({ "message": "No.", "code": code }), &[]);
        }
        Some(Fault::Redirect(to)) => {
            return Response::builder().status(302).header("location", to).body(Body::empty()).unwrap();
        }
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(Fault::Gone) => return broken(),
        Some(Fault::TakenAndGone) => {
            served(&inner, &method, &uri, &headers, body.as_ref());
            return broken();
        }
        Some(Fault::Endless(bytes)) => return Response::new(Body::from(vec![b' '; bytes])),
        Some(Fault::Empty(wait)) => {
            let (status, answer) = served(&inner, &method, &uri, &headers, body.as_ref());
            let heads = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", &*wait.to_string())];
            return json_answer(status, &answer, &heads);
        }
        None => {}
    }
    let (status, answer) = served(&inner, &method, &uri, &headers, body.as_ref());
    json_answer(status, &answer, &[])
}

fn bare(uri: &Uri) -> &str {
    uri.path().strip_prefix("/api/v10").unwrap_or(uri.path())
}

/// Judges, answers, judges the answer. What is judged is looked at while nobody waits for the state.
fn served(
    inner: &Mutex<Inner>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Option<&Value>,
) -> (u16, Value) {
    let (path, query) = (bare(uri), uri.query().unwrap_or_default());
    let violated = |what: String| inner.lock().unwrap().violations.push(what);
    let own = path.starts_with("/interactions/") || path.starts_with("/webhooks/");
    if !own && headers.get(header::AUTHORIZATION).is_none_or(|given| given != format!("Bot {TOKEN}").as_str())
    {
        return (401, json!({ "message": "401: Unauthorized", "code": 0 }));
    }
    if own && headers.contains_key(header::AUTHORIZATION) {
        violated(format!("{method} {path} carries the bot's token"));
    }
    // Not all clients say it where the token in the path says who they are.
    if !own
        && !headers
            .get(header::USER_AGENT)
            .is_some_and(|agent| agent.to_str().unwrap().starts_with("DiscordBot ("))
    {
        violated(format!("{method} {path} says not which bot it is"));
    }
    if let Err(fault) = judge::request(method.as_str(), path, body) {
        violated(fault);
        return (400, json!({ "message": "Invalid Form Body", "code": 50_035 }));
    }
    let (status, answer) = {
        let mut inner = inner.lock().unwrap();
        let answered = inner.state.answer(method.as_str(), path, query, body);
        if own && let Some(waiting) = token_of(path).and_then(|token| inner.awaited.get(token)) {
            waiting.notify_one();
        }
        answered
    };
    // A callback's answer is empty unless it is asked for; that to banning many is sometimes.
    if (200..300).contains(&status)
        && !(answer.is_null() && path.ends_with("/bulk-ban"))
        && let Err(fault) = judge::answer(method.as_str(), path, status, &answer)
    {
        violated(fault);
    }
    (status, answer)
}

/// The interaction's token in the path of an answer to it.
fn token_of(path: &str) -> Option<&str> {
    path.split('/').nth(3)
}

/// The message of a form, and its files by name: texts as they are, of others a character a byte.
fn taken_apart(kind: &str, body: &Bytes) -> (Option<Value>, Vec<(String, String)>) {
    let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") else {
        return (
            (!body.is_empty()).then(|| serde_json::from_slice(body).expect("bodies are JSON")),
            Vec::new(),
        );
    };
    // A character a byte, so that pictures come through whole.
    let text: String = body.iter().map(|byte| char::from(*byte)).collect();
    let whole = |content: &str| -> String {
        let bytes: Vec<u8> = content.chars().map(|c| u8::try_from(c).unwrap()).collect();
        String::from_utf8(bytes).unwrap_or_else(|_| content.to_owned())
    };
    let (mut message, mut files) = (None, Vec::new());
    for part in text.split(&format!("--{boundary}")).filter(|part| part.contains("\r\n\r\n")) {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let content = content.strip_suffix("\r\n").unwrap();
        match head.split_once("filename=\"") {
            None => message = Some(serde_json::from_str(&whole(content)).unwrap()),
            Some((_, rest)) => files.push((rest.split('"').next().unwrap().to_owned(), whole(content))),
        }
    }
    (message, files)
}

fn json_answer(status: u16, body: &Value, heads: &[(&str, &str)]) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in heads {
        response = response.header(*name, *value);
    }
    if body.is_null() {
        return response.body(Body::empty()).unwrap();
    }
    response.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
}

fn limited(scope: Option<&str>, wait: f64) -> Response<Body> {
    if let Some(scope) = scope {
        let body = json!({ "message": "You are being rate limited.", "retry_after": wait, "global": scope == "global" });
        return json_answer(429, &body, &[("x-ratelimit-scope", scope)]);
    }
    let mut response = html(429);
    response.headers_mut().insert("retry-after", wait.to_string().parse().unwrap());
    response
}

fn html(status: u16) -> Response<Body> {
    let page = "<!doctype html><title>error</title><p>cloudflare";
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/html")
        .body(Body::from(page))
        .unwrap()
}

/// An answer that breaks off.
fn broken() -> Response<Body> {
    let error = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("the plug was pulled"))]);
    Response::builder()
        .status(200)
        .header(header::CONTENT_LENGTH, 100)
        .body(Body::from_stream(error))
        .unwrap()
}
