//! What is announced about oneself, and how this browser looks.

use access::App;
use access::scope::CommunityPlay;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::languages;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::visit::Member;
use kernel::Problem;
use people::preferences::{Preferences, preferences_get, preferences_put};

#[derive(Template)]
#[template(path = "you/preferences.html")]
pub(super) struct PreferencesPage {
    shell: Shell,
    form: Form,
    languages: Vec<(String, String)>,
}

impl PreferencesPage {
    fn is_theme(&self, word: &str) -> bool {
        self.shell.theme == word
    }
}

pub(super) async fn show(
    State(app): State<App>,
    member: Member<CommunityPlay>,
) -> Result<Page<PreferencesPage>, Problem> {
    let stored = preferences_get(app.pool(), member.guild_id(), member.user_id()).await?;
    Ok(Page(PreferencesPage {
        shell: member.shell,
        form: Form::of(&stored),
        languages: languages::choices(),
    }))
}

pub(super) async fn put(
    State(app): State<App>,
    member: Member<CommunityPlay>,
    typed: Typed,
) -> Result<Response, Problem> {
    let put = async {
        let wanted: Preferences = typed.read()?;
        Ok::<_, Problem>(preferences_put(app.pool(), member.guild_id(), member.user_id(), wanted).await?)
    };
    match put.await {
        Ok(_) => Ok(done(&app, &member.shell.at("/preferences"), "Your preferences are kept.")),
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(typed, problem.clone());
            let page = PreferencesPage { shell: member.shell, form, languages: languages::choices() };
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}
