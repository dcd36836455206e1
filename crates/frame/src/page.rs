//! Answers that are pages.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Problem;

/// A page of this template.
#[derive(Debug)]
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        rendered(&self.0, StatusCode::OK)
    }
}

/// The same page again, because what its form wanted was refused.
pub fn refused<T: Template>(page: &T, problem: &Problem) -> Response {
    // Waiting is told as such; everything else is a form that was not taken.
    let status = if problem.status() == 429 {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    rendered(page, status)
}

/// A page with this status.
pub fn rendered<T: Template>(page: &T, status: StatusCode) -> Response {
    match page.render() {
        Ok(html) => {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, kind)], html).into_response()
        }
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Whether a form can show this refusal beside what was typed; anything else is a page of its own: nobody is signed in, there is no
/// such thing, something broke.
pub fn shown_in_form(problem: &Problem) -> bool {
    matches!(problem.status(), 400 | 409 | 413 | 422 | 429) || matches!(problem.slug(), "forbidden")
}

/// What may be missing without anything being wrong.
pub fn optional<T, E: Into<Problem>>(found: Result<T, E>) -> Result<Option<T>, Problem> {
    match found.map_err(Into::into) {
        Ok(found) => Ok(Some(found)),
        Err(problem) if matches!(problem.status(), 404 | 409) => Ok(None),
        Err(problem) => Err(problem),
    }
}
