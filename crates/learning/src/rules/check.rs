//! What is wrong with a document by itself, field by field. What only the guild can tell (whether a quest or skill is there,
//! whether all can be reached) publication says.

mod assessment;
mod path;
mod quest;
mod quiz;

pub use path::{bundle_check, path_check, together_check};
pub use quest::quest_check;
pub use quiz::{bank_check, coding_check, questions_check, quiz_check};

use kernel::FieldError;

/// The languages that search knows, by PostgreSQL's names.
pub const LANGUAGES: [&str; 18] = [
    "simple",
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "turkish",
];
/// The most XP, or points, that one completion may bring.
pub const MOST: i32 = 1_000_000;
/// The longest list of anything but steps and skills.
const MAX_LIST: usize = 100;

/// Whether a text is a short name: lower-case letters, digits, dots, underscores and dashes, 1 to 100, letters or digits first.
pub fn is_slug(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= 100
        && text.bytes().next().is_some_and(fits)
        && text.bytes().all(|b| fits(b) || b"._-".contains(&b))
}

const SLUG: &str = "must be 1 to 100 lower-case letters, digits, dots, underscores and dashes, and begin with a letter or digit";

/// Findings as they gather, under the path of what is looked at.
#[derive(Debug, Default)]
pub(in crate::rules) struct Findings {
    wrong: Vec<FieldError>,
}

impl Findings {
    pub(in crate::rules) fn say(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.wrong.push(FieldError { field: field.into(), message: message.into() });
    }

    pub(in crate::rules) fn done(self) -> Vec<FieldError> {
        self.wrong
    }

    /// What another check found, under a prefix.
    pub(super) fn within(&mut self, prefix: &str, found: Vec<FieldError>) {
        self.wrong
            .extend(found.into_iter().map(|e| FieldError { field: format!("{prefix}.{}", e.field), ..e }));
    }

    pub(super) fn slug(&mut self, field: &str, text: &str) {
        if !is_slug(text) {
            self.say(field, SLUG);
        }
    }

    pub(super) fn name(&mut self, field: &str, text: &str) {
        if kernel::text::name(text, 255) != Some(text) {
            self.say(field, "must be 1 to 255 characters on one line, without blanks around them");
        }
    }

    pub(super) fn text(&mut self, field: &str, text: &str, max: usize) {
        if let Some(order) = kernel::text::control(text) {
            let code = u32::from(order);
            self.say(
                field,
                format!("must not hold the control character \\u{code:04x}; tabs and line ends it may"),
            );
        } else if text.chars().count() > max {
            self.say(field, format!("must be at most {max} characters long"));
        }
    }

    pub(super) fn range(&mut self, field: &str, value: i64, min: i64, max: i64) {
        if !(min..=max).contains(&value) {
            self.say(field, format!("must be {min} to {max}"));
        }
    }

    pub(super) fn url(&mut self, field: &str, url: &str) {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let fits = rest.is_some_and(|rest| !rest.is_empty()) && url.len() <= 2000;
        if !fits || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.say(field, "must be an address that begins with https:// or http://");
        }
    }

    pub(super) fn unique<'a>(&mut self, list: &str, field: &str, slugs: impl Iterator<Item = &'a str>) {
        let mut seen = std::collections::BTreeSet::new();
        for (n, slug) in slugs.enumerate() {
            let place = format!("{list}[{n}].{field}");
            self.slug(&place, slug);
            if !seen.insert(slug) {
                self.say(place, "is taken by an earlier one");
            }
        }
    }
}
