//! What every request passes through on its way to a handler, outermost first: request id, figures and log line, security
//! headers, panics, cross-origin rules, compression, pages of problems, time limit, what forms say in place of headers, rate limits,
//! the watch over streams, body limit, idempotency.

mod headers;
mod limits;
mod observe;
mod panics;

use access::App;
use axum::http::{Method, header};
use axum::{Router, http::HeaderValue, middleware};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{
    CompressionLayer, CompressionLevel, DefaultPredicate, Predicate as _, predicate::SizeAbove,
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::settings::Http;

pub(crate) use headers::{PAGE_POLICY, READER_POLICY};

/// Smaller answers are not worth the processor time of compressing them.
const COMPRESS_FROM: u64 = 2048;

/// Puts everything around the routes.
pub(crate) fn wrap(slices: Router<App>, app: &App, http: &Http) -> Router {
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(DefaultPredicate::new().and(SizeAbove::new(COMPRESS_FROM)));
    // As one layer: each that a router is given by itself is cloned, boxed, with all below it for every request. The first is
    // the outermost.
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn(access::web::request_id))
        .layer(middleware::from_fn(observe::observe))
        .layer(middleware::from_fn(headers::secure))
        .layer(CatchPanicLayer::custom(panics::answer))
        .option_layer((!http.cors_origins.is_empty()).then(|| cors(&http.cors_origins)))
        .layer(compression)
        .layer(middleware::from_fn_with_state(app.clone(), frame::problem_pages))
        // Here too, so that whoever looks at a page is told of a panic by one.
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(middleware::from_fn_with_state(app.clone(), access::web::time_limit))
        .layer(middleware::from_fn_with_state(app.clone(), frame::forms))
        .layer(middleware::from_fn_with_state(app.clone(), access::web::rate_limits))
        .layer(middleware::from_fn_with_state(app.clone(), access::web::while_allowed))
        .layer(middleware::from_fn_with_state(app.clone(), limits::body_limit))
        .layer(middleware::from_fn_with_state(app.clone(), access::web::idempotency));
    slices.layer(around).with_state(app.clone())
}

/// Lets pages of the named origins call the API. Keys travel in a header, never in cookies, so credentials stay off.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::HeaderName::from_static("last-event-id"),
            header::HeaderName::from_static(access::web::MEMBER_HEADER),
            access::web::idempotency::IDEMPOTENCY_KEY,
            access::web::REQUEST_ID_HEADER,
        ])
        .expose_headers([
            header::RETRY_AFTER,
            access::web::REQUEST_ID_HEADER,
            access::web::idempotency::IDEMPOTENCY_REPLAYED,
        ])
        .max_age(std::time::Duration::from_hours(1))
}

#[cfg(test)]
mod tests {
    use access::HttpSettings;
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// A database that is not there, for which nobody waits longer than the request may take: rate limits are asked of it.
    fn nowhere() -> sqlx::PgPool {
        sqlx::postgres::PgPoolOptions::new()
            .acquire_timeout(std::time::Duration::from_millis(10))
            .connect_lazy("postgres://nobody@localhost/nowhere")
            .unwrap()
    }

    #[tokio::test]
    async fn a_handler_that_panics_costs_its_own_request_and_tells_nothing() {
        let pool = nowhere();
        let app = App::new(pool, jobs::Wake::new(), HttpSettings::default());
        let secret = "hunter2";
        let slices =
            Router::new().route("/panic", get(async move || -> () { panic!("the secret is {secret}") }));
        let router = wrap(slices, &app, &Http::default());
        let response = router.oneshot(Request::get("/panic").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert!(response.headers().contains_key("x-request-id"));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains(secret));
    }

    /// What a subscriber writes.
    #[derive(Debug, Clone, Default)]
    struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_is_logged_with_its_request_also_where_only_warnings_are() {
        let lines = Lines::default();
        let written = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("warn")
            .with_ansi(false)
            .with_writer(move || written.clone())
            .finish();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tracing::subscriber::with_default(subscriber, || {
            runtime.block_on(async {
                let pool = nowhere();
                let app = App::new(pool, jobs::Wake::new(), HttpSettings::default());
                let broken = get(async || kernel::Problem::internal_message("the pipe burst"));
                let router = wrap(Router::new().route("/pipes/{pipe}", broken), &app, &Http::default());
                let request = Request::get("/pipes/7?secret=hunter2").header("x-request-id", "a-request");
                router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
            })
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        for line in ["the pipe burst", "answered"] {
            let line =
                text.lines().find(|text| text.contains(line)).unwrap_or_else(|| panic!("{line}: {text}"));
            assert!(line.contains("a-request") && line.contains("/pipes/7"), "{line}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }
}
