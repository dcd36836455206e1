//! Making a guild known, for who runs the installation: the rest is set up within it.

use access::scope::SettingsWrite;
use access::{App, Author, Global};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use frame::csrf;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::page::{Page, refused, shown_in_form};
use frame::visit::{theme, token};
use kernel::{GuildId, Problem};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "new_guild.html")]
pub(super) struct NewGuildPage {
    theme: &'static str,
    csrf: String,
    form: Form,
}

/// A guild as somebody names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGuild {
    guild_id: GuildId,
    name: String,
}

fn page(app: &App, headers: &HeaderMap, form: Form) -> NewGuildPage {
    NewGuildPage { theme: theme(app, headers), csrf: csrf::masked(&token(app, headers)), form }
}

pub(super) async fn show(
    State(app): State<App>,
    _global: Global<SettingsWrite>,
    headers: HeaderMap,
) -> Page<NewGuildPage> {
    Page(page(&app, &headers, Form::new()))
}

pub(super) async fn make(
    State(app): State<App>,
    global: Global<SettingsWrite>,
    headers: HeaderMap,
    typed: Typed,
) -> Result<Response, Problem> {
    let make = async {
        let NewGuild { guild_id, name } = typed.read()?;
        let author = Author::new(global.by(), &global.origin);
        people::heading::guild_make(app.pool(), guild_id, &name, author).await?;
        Ok::<_, Problem>(guild_id)
    };
    match make.await {
        Ok(guild) => {
            let said = "The guild is known. Look through its settings, then say who is who under “Roles”.";
            Ok(done(&app, &format!("/g/{guild}/staff/settings"), said))
        }
        Err(problem) if shown_in_form(&problem) => {
            let page = page(&app, &headers, Form::refused(typed, problem.clone()));
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}
