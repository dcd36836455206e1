//! A handler that panics costs its own request and no other.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use kernel::Problem;

/// The answer to the request whose handler panicked: the panic's text goes to the log and no further.
#[expect(clippy::needless_pass_by_value, reason = "the signature that tower-http calls")]
pub(super) fn answer(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    Problem::internal_message(&format!("a handler panicked: {text}")).into_response()
}
