//! What a process may lack: a sandbox, where scripts cannot be run.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kernel::Problem;
use kernel::problem::UNAVAILABLE;

/// Something that the server lays under the routes as an extension where it has it. Where it has not, the answer is 503
/// and says so, instead of axum's bare 500.
#[derive(Debug, Clone, Copy)]
pub struct Provided<T>(pub T);

impl<T: Clone + Send + Sync + 'static, S: Send + Sync> FromRequestParts<S> for Provided<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().map(Self).ok_or_else(|| {
            Problem::new(
                UNAVAILABLE,
                "This server runs no scripts, so it cannot do that. Whoever runs it can see why in its log.",
            )
        })
    }
}
