//! An appeal by the link that came with a direct message: whoever is banned cannot reach the guild any more.

use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::{done, taken};
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::visit::{theme, token};
use frame::{csrf, format, ui};
use kernel::Problem;
use moderation::model::{Action, AppealStatus, Appealable, Statement};
use moderation::ops;
use serde::Deserialize;

use super::super::you::{appeal_state, what};

/// A link's end.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LinkPath {
    token: String,
}

#[derive(Template)]
#[template(path = "open/appeal.html")]
struct AppealPage {
    theme: &'static str,
    csrf: String,
    flash: Option<String>,
    action: String,
    now: chrono::DateTime<chrono::Utc>,
    case: Appealable,
    form: Form,
}

impl AppealPage {
    fn what(action: &Action) -> &'static str {
        what(*action)
    }

    fn may_appeal(&self) -> bool {
        self.case.last.as_ref().is_none_or(|last| {
            matches!(last.status, AppealStatus::Denied | AppealStatus::Withdrawn)
                && last.next_allowed_at <= self.now
        })
    }
}

async fn page_of(app: &App, headers: &HeaderMap, path: &LinkPath, form: Form) -> Result<AppealPage, Problem> {
    let case = ops::appeal_open(app.pool(), &path.token).await?;
    Ok(AppealPage {
        theme: theme(app, headers),
        csrf: csrf::masked(&token(app, headers)),
        flash: taken(app, headers),
        action: format!("/appeal/{}", path.token),
        now: kernel::Clock::system().now(),
        case,
        form,
    })
}

/// The address is a secret: nothing keeps the page, and nothing tells where one came from.
fn secret(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

pub(super) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<LinkPath>,
) -> Result<Response, Problem> {
    let page = page_of(&app, &headers, &path, Form::new()).await?;
    Ok(secret(Page(page).into_response()))
}

pub(super) async fn file(
    State(app): State<App>,
    headers: HeaderMap,
    Path(path): Path<LinkPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let filed = async {
        let said: Statement = typed.read()?;
        Ok::<_, Problem>(ops::appeal_file_by_link(app.pool(), &path.token, &said.statement).await?)
    };
    match filed.await {
        Ok(_) => {
            app.wake().outbox();
            let text =
                "Your appeal is with the moderators. Come back to this address to see what they decide.";
            Ok(done(&app, &format!("/appeal/{}", path.token), text))
        }
        Err(problem) if shown_in_form(&problem) => {
            let page = page_of(&app, &headers, &path, Form::refused(typed, problem.clone())).await?;
            Ok(secret(refused(&page, &problem)))
        }
        Err(problem) => Err(problem),
    }
}
