//! Requests against their sender's allowance, and the headers that tell how much of it is left.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kernel::Problem;
use kernel::problem::RATE_LIMITED;

use crate::rate_limit::{Allowance, RateLimits, Verdict};
use crate::web::{App, address, guard};

/// What a sender may send, in the draft of the IETF's working group on HTTP APIs.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it.
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Middleware for the API's routes. Whoever is known by a key or a session has an allowance as that; everybody else has
/// one by address, which also pays for asking whether a key is good: a flood of made-up keys ends here.
pub async fn rate_limits(State(app): State<App>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    // Without a database nobody is served anyway; the handler says it better.
    let Ok(limits) = app.settings().get::<RateLimits>(None).await else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let secret = guard::secret(&app, &parts.headers);
    let known = secret.as_ref().is_some_and(|secret| app.keys().knows(secret));
    let mut verdict = None;
    if !known {
        let allowance = allowance("address", limits.address_per_minute, limits.address_burst);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        if let (Some(allowance), Some(client)) =
            (allowance, address::client(app.http(), &parts.headers, peer))
        {
            verdict = Some((allowance, app.limiter().take(&address::subject(client), allowance).await));
        }
    }
    if verdict.is_none_or(|(_, verdict)| verdict.refused.is_none())
        && secret.is_some()
        // Who is not known after all is told so by the handler's extractor.
        && let Ok(actor) = guard::authenticate(&app, &mut parts).await
    {
        let allowance = match actor.session() {
            None => allowance("key", limits.key_per_minute, limits.key_burst),
            Some(_) => allowance("person", limits.person_per_minute, limits.person_burst),
        };
        verdict = match allowance {
            Some(allowance) => Some((allowance, app.limiter().take(&actor.sender(), allowance).await)),
            None => None,
        };
    }
    let mut response = match verdict {
        Some((allowance, Verdict { refused: Some(wait), .. })) => refusal(allowance, wait).into_response(),
        _ => next.run(Request::from_parts(parts, body)).await,
    };
    if let Some((allowance, verdict)) = verdict {
        tell(&mut response, allowance, verdict);
    }
    response
}

fn allowance(name: &'static str, per_minute: Option<i64>, burst: i64) -> Option<Allowance> {
    per_minute.map(|per_minute| Allowance { name, per_minute, burst })
}

/// 429, in words that say whose allowance is used up.
pub(crate) fn refusal(allowance: Allowance, wait: std::time::Duration) -> Problem {
    metrics::counter!("questhall_http_rate_limited_total", "limit" => allowance.name).increment(1);
    let whose = match allowance.name {
        "key" => "of this key",
        "person" => "of yours",
        "sign-in" => "to sign in",
        _ => "from this address",
    };
    let detail = format!(
        "Too many requests {whose}: {} a minute, {} at once. `Retry-After` says when to go on.",
        allowance.per_minute, allowance.burst
    );
    Problem::new(RATE_LIMITED, detail).retry_after(wait)
}

fn tell(response: &mut Response, allowance: Allowance, verdict: Verdict) {
    let (name, burst, window) = (allowance.name, allowance.burst, allowance.window_seconds());
    let left = verdict.remaining.max(0);
    for (header, text) in [
        (POLICY, format!("\"{name}\";q={burst};w={window}")),
        (LEFT, format!("\"{name}\";r={left};t={}", verdict.full_after)),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(header, value);
        }
    }
}
