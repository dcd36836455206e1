//! How large a body may be.

use access::App;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

/// What routes end with that take whole campaigns, or many events.
const UPLOADS: [&str; 3] = ["/import", "/check", "/lake/events"];

/// Middleware: tells the extractors how much they may read. Routes for imports take more than others.
pub(super) async fn body_limit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let upload = UPLOADS.iter().any(|end| route.ends_with(end));
    let settings = app.http();
    let limit = if upload { settings.upload_limit } else { settings.body_limit };
    DefaultBodyLimit::max(limit).apply(&mut request);
    next.run(request).await
}
