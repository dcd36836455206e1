//! What became of a form: the page that it leads to, or the page that it stood on, again.

use access::App;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use kernel::Problem;

use super::sheet::{Sheet, again};

/// What a form did: where that leads to, and what is said there.
#[derive(Debug)]
pub(super) struct Done {
    to: String,
    said: String,
}

/// What a form did.
pub(super) fn led(to: impl Into<String>, said: impl Into<String>) -> Done {
    Done { to: to.into(), said: said.into() }
}

/// Leads on to what a form did; or shows `page` again, with what was typed and why it was refused.
pub(super) async fn told<F>(
    app: &App,
    typed: Typed,
    outcome: Result<Done, Problem>,
    page: impl FnOnce(Form) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Sheet, Problem>>,
{
    match outcome {
        Ok(Done { to, said }) => {
            app.wake().outbox();
            Ok(done(app, &to, &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(page(form).await?.refused(&problem))
        }
    }
}
