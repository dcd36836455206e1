//! Finding quests and paths, by words and by meaning.

use access::scope::LearningRead;
use access::{App, Query};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use frame::form::Form;
use frame::html::{Html, escape};
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::ui;
use frame::visit::Visit;
use kernel::Problem;
use search::Search;
use search::model::{Asked, Found, Hit, Kind, Meaning, Mode, Part};
use serde::Deserialize;

/// How many are shown.
const SHOWN: usize = 30;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    q: String,
    kind: String,
}

impl Wanted {
    /// Quests or paths alone; both, where nothing, or nothing known, is chosen.
    fn kind(&self) -> Option<Kind> {
        [Kind::Quest, Kind::Path].into_iter().find(|kind| kind.as_str() == self.kind)
    }
}

#[derive(Template)]
#[template(path = "learn/search.html")]
pub(super) struct SearchPage {
    shell: Shell,
    q: String,
    kind: Option<Kind>,
    found: Option<Found>,
    form: Form,
}

impl SearchPage {
    /// A text with what was asked for marked.
    fn parts(parts: &[Part]) -> Html {
        let marked = parts.iter().map(|part| {
            let text = escape(&part.text);
            if part.hit { format!("<mark>{text}</mark>") } else { text }
        });
        Html::trusted(marked.collect())
    }

    fn at(&self, hit: &Hit) -> String {
        let kind = match hit.kind {
            Kind::Quest => "quests",
            Kind::Path => "paths",
        };
        self.shell.at(&format!("/learn/{kind}/{}", hit.id))
    }

    const fn kind_of(hit: &Hit) -> &'static str {
        match hit.kind {
            Kind::Quest => "Quest",
            Kind::Path => "Path",
        }
    }

    fn is_kind(&self, word: &str) -> bool {
        self.kind.map_or("", Kind::as_str) == word
    }

    const fn is_behind(found: &Found) -> bool {
        matches!(found.meaning, Meaning::Behind)
    }

    fn by_meaning(hit: &Hit) -> bool {
        !hit.by_words && hit.likeness.is_some()
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningRead>,
    search: Option<Extension<Search>>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let search = search.map(|Extension(search)| search);
    let (guild, shell) = (visit.guild_id(), visit.shell);
    let (kind, q) = (wanted.kind(), wanted.q);
    if q.trim().is_empty() {
        return Ok(Page(SearchPage { shell, q, kind, found: None, form: Form::new() }).into_response());
    }
    let asked = Asked { text: q.clone(), kind, language: None, mode: Mode::Both, limit: SHOWN };
    match search::ops::find(app.pool(), search.as_ref(), guild, &asked).await.map_err(Problem::from) {
        Ok(found) => {
            Ok(Page(SearchPage { shell, q, kind, found: Some(found), form: Form::new() }).into_response())
        }
        Err(problem) if shown_in_form(&problem) => {
            let form = Form::refused(none(), problem.clone());
            Ok(refused(&SearchPage { shell, q, kind, found: None, form }, &problem))
        }
        Err(problem) => Err(problem),
    }
}
