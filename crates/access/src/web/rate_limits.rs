//! Requests against their sender's allowance, and the headers that tell how much of it is left.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
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

/// What is asked often by machines that watch us, or costs nothing, counts against no allowance.
const UNMETERED: [&str; 6] = ["/healthz", "/readyz", "/metrics", "/assets/", "/docs", "/problems"];

/// Middleware for the API and for pages. Whoever is known by a key or a session has an allowance as that; everybody else has
/// one by address, which also pays for keys that turn out bad. A good key that this process meets for the first time costs
/// its address nothing; while the address is refused, no further key is asked about: a flood of made-up keys ends here.
pub async fn rate_limits(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if UNMETERED.iter().any(|begin| path.starts_with(begin)) {
        return next.run(request).await;
    }
    // Without a database nobody is served anyway; the handler says it better.
    let Ok(limits) = app.settings().get::<RateLimits>(None).await else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    let verdict = match judge(&app, &limits, &mut parts).await {
        Ok(verdict) => verdict,
        // The handler would wait as long for the same answer.
        Err(problem) => return problem.into_response(),
    };
    let mut response = match verdict {
        Some((allowance, Verdict { refused: Some(wait), .. })) => refusal(allowance, wait).into_response(),
        _ => next.run(Request::from_parts(parts, body)).await,
    };
    if let Some((allowance, verdict)) = verdict {
        tell(&mut response, allowance, verdict);
    }
    response
}

/// What is said of a request, and by which allowance; `None` where none applies. A problem when nobody can be asked who sent it.
async fn judge(
    app: &App,
    limits: &RateLimits,
    parts: &mut Parts,
) -> Result<Option<(Allowance, Verdict)>, Problem> {
    let secret = guard::secret(app, &parts.headers);
    let known = secret.as_ref().is_some_and(|secret| app.keys().knows(secret));
    let by_address = if known { None } else { of_address(app, limits, parts) };
    if secret.is_some() {
        if let Some((subject, allowance)) = &by_address
            && let Some(verdict) = app.limiter().refused(subject, *allowance)
        {
            return Ok(Some((*allowance, verdict)));
        }
        match guard::authenticate(app, parts).await {
            Ok(actor) => {
                let allowance = match actor.session() {
                    None => allowance("key", limits.key_per_minute, limits.key_burst),
                    Some(_) => allowance("person", limits.person_per_minute, limits.person_burst),
                };
                let Some(allowance) = allowance else { return Ok(None) };
                return Ok(Some((allowance, app.limiter().take(&actor.sender(), allowance).await)));
            }
            Err(problem) if problem.status() >= 500 => return Err(problem),
            // Who is not known after all is told so by the handler's extractor.
            Err(_) => {}
        }
    }
    let Some((subject, allowance)) = by_address else { return Ok(None) };
    Ok(Some((allowance, app.limiter().take(&subject, allowance).await)))
}

/// Under which name the address of a request has which allowance.
fn of_address(app: &App, limits: &RateLimits, parts: &Parts) -> Option<(String, Allowance)> {
    let allowance = allowance("address", limits.address_per_minute, limits.address_burst)?;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    Some((address::subject(address::client(app.http(), &parts.headers, peer)?), allowance))
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
