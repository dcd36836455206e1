//! One span, one log line and two figures per request. Never a secret, a body or a query: those may hold answers and keys.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use tracing::{Instrument as _, field::Empty};

/// Slower answers are logged for everyone to see.
const SLOW: Duration = Duration::from_secs(1);

/// Middleware: see the module. Who sent it is recorded by whoever finds out.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = tracing::error_span!("http", route, actor = Empty);
    let in_flight = InFlight::begin();
    let response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);
    let (took, status) = (began.elapsed(), response.status().as_u16());
    metrics::histogram!("questhall_http_request_duration_seconds", "method" => method, "route" => route.to_owned())
        .record(took);
    metrics::counter!(
        "questhall_http_requests_total",
        "method" => method, "route" => route.to_owned(), "status" => status.to_string()
    )
    .increment(1);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match status {
        500.. => tracing::warn!(status, ms, "answered"),
        _ if took >= SLOW => tracing::info!(status, ms, "answered slowly"),
        _ => tracing::debug!(status, ms, "answered"),
    });
    response
}

/// Counts a request also when its client goes away and its future is dropped.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        metrics::gauge!("questhall_http_requests_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("questhall_http_requests_in_flight").decrement(1.0);
    }
}

/// Clients may invent methods: each would be a series of its own.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
