//! What a challenge may be. The database's constraints say the same; here it is said by field.

use kernel::FieldError;
use kernel::language::is_tag;

use super::{ChallengeDraft, HintDraft, MOST_TRANSLATIONS};
use crate::error::Error;
use crate::rules::{AnswerRule, MAX_PARTS, rules_check};

/// Everything that is wrong with a new challenge, each with its field. Its slug is checked only if it names one.
pub fn draft_check(draft: &ChallengeDraft) -> Vec<FieldError> {
    let mut faults = Faults::default();
    if let Some(slug) = &draft.slug {
        faults.slug(slug);
    }
    faults.title(&draft.title);
    faults.description("description", &draft.description);
    if !(1..=MAX_PARTS).contains(&draft.parts) {
        faults.say("parts", format!("must be between 1 and {MAX_PARTS}"));
    }
    faults.part_texts("", &draft.part_descriptions, draft.parts);
    faults.translations(draft);
    faults.script(&draft.generation_script);
    faults.categories(&draft.categories);
    faults.difficulty(draft.difficulty_level);
    faults.closes_after(draft.closes_after_minutes);
    faults.answers(&draft.answers, draft.parts);
    faults.checker(draft.checker_script.as_deref());
    faults.hints(&draft.hints, draft.parts);
    faults.0
}

/// Whether a challenge's slug, and so its folder, may be called so: `[a-z0-9][a-z0-9-]{0,63}`.
pub fn slug_fits(slug: &str) -> bool {
    (1..=64).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
}

/// Gathers everything that is wrong, so that the author sees all of it at once.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<FieldError>);

impl Faults {
    pub(super) fn say(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    pub(super) fn done(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Wrong(self.0)) }
    }

    pub(super) fn list(self) -> Vec<FieldError> {
        self.0
    }

    pub(super) fn of(faults: Vec<FieldError>) -> Self {
        Self(faults)
    }

    fn length(&mut self, field: &str, text: &str, (least, most): (usize, usize)) {
        let length = text.chars().count();
        if let Some(order) = kernel::text::control(text) {
            self.say(field, format!("must not contain the control character \\u{:04x}", u32::from(order)));
        } else if length < least {
            self.say(field, "must not be empty");
        } else if length > most {
            self.say(field, format!("must be at most {most} characters long, not {length}"));
        }
    }

    fn slug(&mut self, slug: &str) {
        if !slug_fits(slug) {
            self.say("slug", "must be 1 to 64 of a-z, 0-9 and -, and not begin with -");
        }
    }

    /// What stands in a line, to be read.
    fn line(&mut self, field: &str, text: &str, most: usize) {
        if let Err(fault) = kernel::text::name_check(text, most) {
            self.say(field, fault.to_string());
        }
    }

    fn title(&mut self, title: &str) {
        self.line("title", title, 200);
    }

    fn description(&mut self, field: &str, text: &str) {
        self.length(field, text, (1, 100_000));
    }

    /// The texts of the parts from the second; `of` is where they stand.
    fn part_texts(&mut self, of: &str, texts: &[String], parts: i32) {
        let field = format!("{of}part_descriptions");
        let wanted = usize::try_from(parts.clamp(1, MAX_PARTS) - 1).unwrap_or_default();
        if texts.len() != wanted {
            let expected = match wanted {
                0 => "must be left out: there is one part".to_owned(),
                1 => "must be one text, of part 2".to_owned(),
                several => format!("must be {several} texts, of the parts 2 to {}", several + 1),
            };
            self.say(&field, expected);
        }
        for (n, text) in texts.iter().enumerate() {
            self.description(&format!("{field}[{n}]"), text);
        }
    }

    fn translations(&mut self, draft: &ChallengeDraft) {
        const TAG: &str = "must be a language's tag, such as de or pt-BR";
        if !is_tag(&draft.language) {
            self.say("language", TAG);
        }
        if draft.translations.len() > MOST_TRANSLATIONS {
            self.say("translations", format!("must be at most {MOST_TRANSLATIONS}"));
        }
        let mut seen = vec![draft.language.as_str()];
        for (n, translation) in draft.translations.iter().enumerate() {
            let at = |field: &str| format!("translations[{n}].{field}");
            let language = translation.language.as_str();
            if !is_tag(language) {
                self.say(at("language"), TAG);
            } else if language == draft.language {
                self.say(at("language"), "is the challenge's own language");
            } else if seen.contains(&language) {
                self.say(at("language"), "is told already");
            }
            seen.push(language);
            if let Some(title) = &translation.title {
                self.line(&at("title"), title, 200);
            }
            self.description(&at("description"), &translation.description);
            self.part_texts(&at(""), &translation.part_descriptions, draft.parts);
        }
    }

    fn script(&mut self, script: &str) {
        if script.trim().is_empty() {
            self.say("generation_script", "must not be empty");
        } else if script.len() > 262_144 {
            self.say("generation_script", format!("must be at most 262144 bytes long, not {}", script.len()));
        } else if script.contains('\0') {
            self.say("generation_script", "must not contain a zero character");
        }
    }

    fn checker(&mut self, script: Option<&str>) {
        let Some(script) = script else { return };
        if script.trim().is_empty() {
            self.say("checker_script", "must not be empty");
        } else if script.len() > 262_144 {
            self.say("checker_script", format!("must be at most 262144 bytes long, not {}", script.len()));
        } else if script.contains('\0') {
            self.say("checker_script", "must not contain a zero character");
        }
    }

    fn categories(&mut self, categories: &[String]) {
        if categories.len() > 50 {
            self.say("categories", "must be at most 50");
        }
        for (n, category) in categories.iter().enumerate() {
            self.line(&format!("categories[{n}]"), category, 100);
        }
    }

    fn difficulty(&mut self, level: Option<i32>) {
        if level.is_some_and(|level| !(1..=10).contains(&level)) {
            self.say("difficulty_level", "must be between 1 and 10");
        }
    }

    fn closes_after(&mut self, minutes: Option<i32>) {
        if minutes.is_some_and(|minutes| !(1..=5_256_000).contains(&minutes)) {
            self.say("closes_after_minutes", "must be between 1 and 5256000");
        }
    }

    fn answers(&mut self, answers: &[AnswerRule], parts: i32) {
        self.0.extend(rules_check(answers, parts));
    }

    fn hints(&mut self, hints: &[HintDraft], parts: i32) {
        if hints.len() > 50 {
            self.say("hints", "must be at most 50");
        }
        for (n, hint) in hints.iter().enumerate() {
            self.length(&format!("hints[{n}].body"), hint.body.trim(), (1, 10_000));
            if !(1..=parts.clamp(1, MAX_PARTS)).contains(&hint.part) {
                self.say(format!("hints[{n}].part"), "must be a part of the challenge");
            }
            for (field, amount) in [("cost_bytes", hint.cost_bytes), ("penalty", hint.penalty)] {
                if !(0..=1_000_000_000).contains(&amount) {
                    self.say(format!("hints[{n}].{field}"), "must be between 0 and 1000000000");
                }
            }
        }
    }
}

/// A slug from a title: what is neither letter nor digit becomes a hyphen.
pub(super) fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(64);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "challenge".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn titles_make_slugs() {
        assert_eq!(slug_of("  The Coat-Check, part 2! "), "the-coat-check-part-2");
        assert_eq!(slug_of("雪"), "challenge");
    }

    proptest! {
        #[test]
        fn every_title_makes_a_slug_that_fits(title in ".{0,120}") {
            let mut faults = Faults::default();
            faults.slug(&slug_of(&title));
            prop_assert!(faults.done().is_ok());
        }
    }
}
