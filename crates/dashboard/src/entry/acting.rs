//! In development: looking and acting as a member, for administrators who are none.

use access::scope::CommunityRead;
use access::sessions::cookie::Cookie;
use access::{App, Query};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::see_other;
use frame::form::Form;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;
use kernel::{PageQuery, Problem, UserId};
use people::Member as Known;
use serde::Deserialize;

/// How many members are offered.
const OFFERED: i64 = 60;
/// For how long it is remembered, in seconds.
const REMEMBERED: i64 = 86_400;

#[derive(Template)]
#[template(path = "entry/acting.html")]
pub(super) struct ActingPage {
    shell: Shell,
    members: Vec<Known>,
    to: String,
    form: Form,
}

/// Where to go on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct To {
    to: Option<String>,
}

fn to_of(shell: &Shell, to: Option<&str>) -> String {
    let home = shell.at("");
    to.filter(|to| access::sign_in::safe_path(to) && to.starts_with(&home))
        .map_or(home.clone(), str::to_owned)
}

fn in_development(app: &App) -> Result<(), Problem> {
    if app.http().development { Ok(()) } else { Err(Problem::not_found("page")) }
}

pub(super) async fn choose(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(query): Query<To>,
) -> Result<Page<ActingPage>, Problem> {
    in_development(&app)?;
    let page = PageQuery { limit: Some(OFFERED), cursor: None };
    let members = people::ops::member_list(app.pool(), visit.guild_id(), &page).await?.items;
    let to = to_of(&visit.shell, query.to.as_deref());
    Ok(Page(ActingPage { shell: visit.shell, members, to, form: Form::new() }))
}

pub(super) async fn act(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    typed: Typed,
) -> Result<Response, Problem> {
    in_development(&app)?;
    let mut response = see_other(&to_of(&visit.shell, typed.value("to")));
    let cookie = match typed.value("user").unwrap_or_default().trim() {
        "" => Cookie::ActingFor.remove(app.http()),
        user => {
            let user: UserId = user
                .parse()
                .map_err(|error: kernel::id::ParseIdError| Problem::field("user", error.to_string()))?;
            Cookie::ActingFor.set(app.http(), &user.to_string(), REMEMBERED)
        }
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
