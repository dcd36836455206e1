//! Languages as their readers call them, and in which one somebody reads here.

use access::App;
use access::sessions::cookie::Cookie;
use axum::http::{HeaderMap, header};
use kernel::language::{Reader, is_tag};

use crate::html::{Html, escape};
use crate::shell::Shell;

/// What languages call themselves. What is not here is shown by its tag.
const NAMES: &[(&str, &str)] = &[
    ("ar", "العربية"),
    ("bg", "Български"),
    ("cs", "Čeština"),
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("el", "Ελληνικά"),
    ("en", "English"),
    ("es", "Español"),
    ("fi", "Suomi"),
    ("fr", "Français"),
    ("he", "עברית"),
    ("hi", "हिन्दी"),
    ("hr", "Hrvatski"),
    ("hu", "Magyar"),
    ("id", "Bahasa Indonesia"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("lt", "Lietuvių"),
    ("nl", "Nederlands"),
    ("no", "Norsk"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("pt-BR", "Português (Brasil)"),
    ("ro", "Română"),
    ("ru", "Русский"),
    ("sv", "Svenska"),
    ("th", "ไทย"),
    ("tr", "Türkçe"),
    ("uk", "Українська"),
    ("vi", "Tiếng Việt"),
    ("zh", "中文"),
    ("zh-CN", "简体中文"),
    ("zh-TW", "繁體中文"),
];

/// What a language calls itself.
pub fn name(tag: &str) -> &str {
    NAMES.iter().find(|(known, _)| *known == tag).map_or(tag, |(_, name)| name)
}

/// Languages to choose from, and none.
pub fn choices() -> Vec<(String, String)> {
    let none = (String::new(), "As the browser says".to_owned());
    let known = NAMES.iter().map(|(tag, name)| ((*tag).to_owned(), (*name).to_owned()));
    std::iter::once(none).chain(known).collect()
}

/// Languages in which a browser reads: what was chosen in it, and what it accepts.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    asked: Option<String>,
    accepted: Option<String>,
}

impl Chosen {
    /// Of a request.
    pub fn of(app: &App, headers: &HeaderMap) -> Self {
        let asked = Cookie::Language.read(app.http(), headers).filter(|language| is_tag(language));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self { asked, accepted: accepted.map(str::to_owned) }
    }

    /// As those take it who choose texts.
    pub fn reader(&self) -> Reader<'_> {
        Reader { asked: self.asked.as_deref(), accepted: self.accepted.as_deref() }
    }
}

/// The ways to the other languages that a text is told in; nothing where there are none.
pub fn switch(shell: &Shell, languages: &[String], now: &str) -> Html {
    if languages.len() < 2 {
        return Html::default();
    }
    let mut markup = format!(
        "<form method=\"post\" action=\"/language\" class=\"actions languages\" aria-label=\"Language\">\
         <input type=\"hidden\" name=\"_csrf\" value=\"{}\"><input type=\"hidden\" name=\"to\" value=\"{}\">",
        escape(&shell.csrf_token()),
        escape(shell.here())
    );
    for tag in languages {
        let now =
            if tag == now { " aria-pressed=\"true\" class=\"primary\"" } else { " aria-pressed=\"false\"" };
        let (tag, name) = (escape(tag), escape(name(tag)));
        markup.extend([
            "<button name=\"language\" value=\"",
            &tag,
            "\" lang=\"",
            &tag,
            "\"",
            now,
            ">",
            &name,
            "</button>",
        ]);
    }
    Html::trusted(markup + "</form>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_tag_and_a_name_of_its_own() {
        assert!(NAMES.iter().all(|(tag, name)| is_tag(tag) && !name.is_empty()));
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!([name("de"), name("de-AT")], ["Deutsch", "de-AT"]);
    }
}
