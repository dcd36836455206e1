//! Signing in and out.

use access::sessions::cookie::Cookie;
use access::{App, Origin, Query, sign_in};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::see_other;
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::visit::{encode, theme};
use kernel::Problem;
use kernel::problem::UNAUTHENTICATED;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "entry/sign_in.html")]
struct SignInPage {
    theme: &'static str,
    to: String,
    discord: Option<String>,
    development: bool,
    form: Form,
}

/// Where to go once somebody is signed in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct To {
    to: Option<String>,
}

impl To {
    /// A place of this server.
    pub(super) fn path(&self) -> String {
        let to = self.to.as_deref().unwrap_or("/");
        if sign_in::safe_path(to) { to.to_owned() } else { "/".to_owned() }
    }
}

fn page_of(app: &App, headers: &HeaderMap, to: String, form: Form) -> SignInPage {
    let discord = app
        .http()
        .discord
        .as_ref()
        .map(|_| format!("/api/v1/auth/login/discord?redirect_to={}", encode(&to)));
    SignInPage { theme: theme(app, headers), to, discord, development: app.http().development, form }
}

pub(super) async fn show(
    State(app): State<App>,
    actor: Result<access::Actor, Problem>,
    headers: HeaderMap,
    Query(query): Query<To>,
) -> Response {
    if actor.is_ok_and(|actor| actor.session().is_some()) {
        return see_other(&query.path());
    }
    Page(page_of(&app, &headers, query.path(), Form::new())).into_response()
}

/// With a local name and password, in development.
pub(super) async fn local(
    State(app): State<App>,
    origin: Origin,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let to = To { to: typed.value("to").map(str::to_owned) }.path();
    let (name, password) =
        (typed.value("username").unwrap_or_default(), typed.value("password").unwrap_or_default());
    match sign_in::sign_in_local(&app, &origin, &headers, name, password).await {
        Ok((_, new)) => {
            let mut response = see_other(&to);
            let answer = response.headers_mut();
            answer.append(header::SET_COOKIE, sign_in::session_cookie(&app, &new));
            answer.append(header::SET_COOKIE, Cookie::ActingFor.remove(app.http()));
            answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Err(problem) if shown_in_form(&problem) => {
            let page = page_of(&app, &headers, to, Form::refused(typed, problem.clone()));
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}

/// Signs out; whoever is out already is none the worse.
pub(super) async fn out(
    State(app): State<App>,
    actor: Result<access::Actor, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match actor {
        Ok(actor) => sign_in::sign_out(&app, &actor).await?,
        Err(problem) if problem.slug() == UNAUTHENTICATED.slug => {}
        Err(problem) => return Err(problem),
    }
    let mut response = see_other("/sign-in");
    sign_in::signed_out(&app, &headers, response.headers_mut());
    response.headers_mut().append(header::SET_COOKIE, Cookie::ActingFor.remove(app.http()));
    Ok(response)
}

/// Remembers in this browser which theme is wanted.
pub(super) async fn choose_theme(State(app): State<App>, typed: Typed) -> Response {
    let to = To { to: typed.value("to").map(str::to_owned) }.path();
    let mut response = see_other(&to);
    let cookie = match typed.value("theme") {
        Some(theme @ ("light" | "dark")) => Cookie::Theme.set(app.http(), theme, 365 * 86_400),
        _ => Cookie::Theme.remove(app.http()),
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Remembers in this browser in which language somebody reads.
pub(super) async fn choose_language(State(app): State<App>, typed: Typed) -> Response {
    let to = To { to: typed.value("to").map(str::to_owned) }.path();
    let mut response = see_other(&to);
    let cookie = match typed.value("language") {
        Some(language) if kernel::language::is_tag(language) => {
            Cookie::Language.set(app.http(), language, 365 * 86_400)
        }
        _ => Cookie::Language.remove(app.http()),
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}
