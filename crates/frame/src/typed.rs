//! What was typed into a form, as a handler takes it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use kernel::Problem;

use crate::decode::Typed;

impl<S: Send + Sync> FromRequest<S> for Typed {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let form = kind.is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if !form {
            return Err(Problem::new(
                access::problems::UNSUPPORTED_MEDIA_TYPE,
                "A page takes forms, as browsers send them.",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| {
            Problem::new(access::problems::TOO_LARGE, "The form holds more than this server takes.")
        })?;
        Self::parse(&body)
    }
}

/// A form of nothing but a button.
pub fn none() -> Typed {
    Typed::default()
}
