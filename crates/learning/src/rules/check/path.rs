//! Paths and bundles.

use std::collections::BTreeSet;

use kernel::FieldError;

use super::{Findings, LANGUAGES, MOST, bank_check, quest_check};
use crate::model::path::{Bundle, PathDocument};
use crate::rules::banks::{Banks, banks_of, draws_check};
use crate::rules::unlock::rule_check;

/// The most quests of a path, and chapters.
pub(crate) const MAX_QUESTS: usize = 2_000;
const MAX_CHAPTERS: usize = 200;

/// Everything that is wrong with a path by itself.
pub fn path_check(path: &PathDocument) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.name("name", &path.name);
    found.text("description", &path.description, 100_000);
    if !LANGUAGES.contains(&path.language.as_str()) {
        found.say("language", format!("must be one of {}", LANGUAGES.join(", ")));
    }
    if !is_zone(&path.timezone) {
        found.say("timezone", "must be a zone of the IANA database, such as Europe/Berlin");
    }
    if let Some(hours) = path.estimated_hours {
        found.range("estimated_hours", hours.into(), 1, 1_000_000);
    }
    found.range("experience_points", path.experience_points.into(), 0, MOST.into());
    if let Some(wrong) = path.unlock.as_ref().and_then(rule_check) {
        found.say("unlock", wrong);
    }
    if path.chapters.len() > MAX_CHAPTERS {
        found.say("chapters", format!("must be at most {MAX_CHAPTERS}"));
    }
    found.unique("chapters", "slug", path.chapters.iter().map(|chapter| chapter.slug.as_str()));
    for (n, chapter) in path.chapters.iter().enumerate() {
        let place = |field: &str| format!("chapters[{n}].{field}");
        found.name(&place("title"), &chapter.title);
        found.text(&place("description"), &chapter.description, 100_000);
        found.range(&place("experience_points"), chapter.experience_points.into(), 0, MOST.into());
        if let (Some(starts), Some(ends)) = (chapter.starts, chapter.ends)
            && ends < starts
        {
            found.say(place("ends"), "must not be before `starts`");
        }
        if let Some(wrong) = chapter.unlock.as_ref().and_then(rule_check) {
            found.say(place("unlock"), wrong);
        }
    }
    if path.entries().count() > MAX_QUESTS {
        found.say("quests", format!("must be at most {MAX_QUESTS} in all"));
    }
    let mut seen = BTreeSet::new();
    let mut places = (0, 0, None);
    for (chapter, entry) in path.entries() {
        if places.2 != chapter {
            places = (0, places.1, chapter);
        }
        let list = chapter.map_or("quests".to_owned(), |n| format!("chapters[{n}].quests"));
        let place = format!("{list}[{}]", places.0);
        places.0 += 1;
        found.slug(&format!("{place}.quest"), &entry.quest);
        if !seen.insert(entry.quest.as_str()) {
            found.say(format!("{place}.quest"), "is in the path twice");
        }
        if let Some(wrong) = entry.unlock.as_ref().and_then(rule_check) {
            found.say(format!("{place}.unlock"), wrong);
        }
    }
    found.done()
}

/// Whether it looks like a zone's name; whether there is one of it, the database says.
fn is_zone(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
    };
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.split('/').all(part)
}

/// Everything that is wrong with a path and its quests by themselves.
pub fn bundle_check(bundle: &Bundle) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.slug("slug", &bundle.slug);
    found.within("path", path_check(&bundle.path));
    if bundle.quests.len() > MAX_QUESTS {
        found.say("quests", format!("must be at most {MAX_QUESTS}"));
    }
    found.unique("quests", "slug", bundle.quests.iter().map(|quest| quest.slug.as_str()));
    for (n, named) in bundle.quests.iter().enumerate() {
        found.within(&format!("quests[{n}].quest"), quest_check(&named.quest));
    }
    found.unique("banks", "slug", bundle.banks.iter().map(|named| named.slug.as_str()));
    for (n, named) in bundle.banks.iter().enumerate() {
        found.within(&format!("banks[{n}].bank"), bank_check(&named.bank));
    }
    let mut wrong = found.done();
    wrong.extend(together_check(bundle));
    wrong
}

/// The most banks of a bundle, and skills.
const MAX_BANKS: usize = 200;

/// What is wrong between the parts of a bundle: what is drawn from banks, and banks and skills that nothing in it names, which would not
/// come back from the guild.
pub fn together_check(bundle: &Bundle) -> Vec<FieldError> {
    let mut found = Findings::default();
    if bundle.banks.len() > MAX_BANKS {
        found.say("banks", format!("must be at most {MAX_BANKS}"));
    }
    if bundle.skills.len() > MAX_BANKS {
        found.say("skills", format!("must be at most {MAX_BANKS}"));
    }
    let banks: Banks =
        bundle.banks.iter().map(|named| (named.slug.clone(), named.bank.questions.clone())).collect();
    let mut drawn = BTreeSet::new();
    let mut brought = BTreeSet::new();
    for (n, named) in bundle.quests.iter().enumerate() {
        found.within(&format!("quests[{n}].quest"), draws_check(&named.quest, &banks, None));
        drawn.extend(banks_of(&named.quest));
        brought.extend(named.quest.skills.keys());
    }
    for (n, named) in bundle.banks.iter().enumerate() {
        if !drawn.contains(named.slug.as_str()) {
            found.say(format!("banks[{n}].slug"), "is a bank that no quiz here draws from");
        }
    }
    for (slug, skill) in &bundle.skills {
        if !brought.contains(slug) {
            found.say(format!("skills.{slug}"), "is a skill that no quest here brings");
        }
        for (field, text, most) in [("name", &skill.name, 100), ("domain", &skill.domain, 50)] {
            if let Err(wrong) = kernel::fields::line(field, text, most) {
                found.say(format!("skills.{slug}.{field}"), wrong.message);
            }
        }
        found.text(&format!("skills.{slug}.description"), &skill.description, 2_000);
    }
    found.done()
}
