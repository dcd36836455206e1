//! Coming in by a link: to set up, or to look around in the demo.

use access::sessions::cookie::Cookie;
use access::sign_in::{demo_sign_in, session_cookie, set_up_link_good, set_up_sign_in};
use access::{Actor, App, Origin, Query};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::see_other;
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::visit::theme;
use kernel::{Problem, UserId};
use serde::Deserialize;

use super::steps;
use crate::entry::may_make;

/// The secret of a link.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    link: Option<String>,
}

#[derive(Template)]
#[template(path = "set_up/begin.html")]
struct BeginPage {
    theme: &'static str,
    link: String,
    form: Form,
}

/// A page whose address or content is a secret.
fn unseen(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The steps, for an operator; who comes by the link says who they are first.
pub(super) async fn show(
    State(app): State<App>,
    actor: Result<Actor, Problem>,
    headers: HeaderMap,
    Query(query): Query<Link>,
) -> Result<Response, Problem> {
    if let Ok(actor) = &actor
        && may_make(actor)
    {
        return steps::overview(&app, actor, &headers, Form::new())
            .await
            .map(|page| Page(page).into_response());
    }
    if let Some(link) = query.link {
        if !set_up_link_good(&mut *db::acquire(app.pool()).await?, &link).await? {
            return Err(Problem::not_found(
                "link; it was used, or has expired. `questhall up` prints another one while no guild is known, and \
                 `questhall operator add` lets somebody in at any time",
            ));
        }
        return Ok(unseen(
            Page(BeginPage { theme: theme(&app, &headers), link, form: Form::new() }).into_response(),
        ));
    }
    // Who is signed in and no operator is told so, everybody else signs in.
    actor?;
    Err(Problem::forbidden(
        "Only operators set the installation up; whoever has the machine names them: `questhall operator add ID`.",
    ))
}

/// Uses the link.
pub(super) async fn begin(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let link = typed.value("link").unwrap_or_default().to_owned();
    let begun =
        async {
            let user: UserId =
                typed.value("user_id").unwrap_or_default().trim().parse().map_err(
                    |error: kernel::id::ParseIdError| Problem::field("user_id", error.to_string()),
                )?;
            if user == UserId::HOUSE {
                return Err(Problem::field("user_id", "must be your own"));
            }
            set_up_sign_in(&app, &origin, &headers, &link, user).await
        };
    match begun.await {
        Ok(new) => Ok(signed_in(&app, &new, "/set-up")),
        Err(problem) if shown_in_form(&problem) => {
            let page =
                BeginPage { theme: theme(&app, &headers), link, form: Form::refused(typed, problem.clone()) };
            Ok(unseen(refused(&page, &problem)))
        }
        Err(problem) => Err(problem),
    }
}

/// Signs in whom a link of the demo stands for. A browser that only looks ahead is sent away: it would sign out who is signed in.
pub(super) async fn demo(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    Query(query): Query<Link>,
) -> Result<Response, Problem> {
    if headers.contains_key(HeaderName::from_static("sec-purpose")) {
        return Err(Problem::not_found("page"));
    }
    let new = demo_sign_in(&app, &origin, &headers, &query.link.unwrap_or_default()).await?;
    Ok(signed_in(&app, &new, "/"))
}

fn signed_in(app: &App, new: &access::sessions::NewSession, to: &str) -> Response {
    let mut response = see_other(to);
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, session_cookie(app, new));
    headers.append(header::SET_COOKIE, Cookie::ActingFor.remove(app.http()));
    unseen(response)
}
