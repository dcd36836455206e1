//! A limit on how long a request may take.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kernel::Problem;

use crate::problems::TIMED_OUT;
use crate::web::App;

/// Middleware: answers 503 when a request has no answer after [`crate::HttpSettings::request_timeout`]. What the request
/// did is rolled back, unless it was just being committed. A stream that has begun is not cut.
pub async fn time_limit(State(app): State<App>, request: Request, next: Next) -> Response {
    within(app.http().request_timeout, next.run(request)).await
}

/// The answer, or 503 when it takes longer than `limit`.
pub(crate) async fn within(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        let detail = "The request was given up after its time was over; try again in a moment.";
        Problem::new(TIMED_OUT, detail).retry_after(Duration::from_secs(1)).into_response()
    })
}
