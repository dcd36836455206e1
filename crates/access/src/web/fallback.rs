//! Answers where there is no handler: problems too, and not axum's empty bodies.

use axum::http::{Method, Uri};
use kernel::Problem;
use kernel::problem::NOT_FOUND;

use crate::problems::METHOD_NOT_ALLOWED;

/// For `Router::fallback`: no such route.
pub async fn no_route(uri: Uri) -> Problem {
    Problem::new(NOT_FOUND, format!("There is nothing at `{}`.", uri.path()))
}

/// For `Router::method_not_allowed_fallback`: the route exists, but not for this method.
pub async fn no_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        METHOD_NOT_ALLOWED,
        format!("`{}` does not take {method}; `Allow` says what it takes.", uri.path()),
    )
}
