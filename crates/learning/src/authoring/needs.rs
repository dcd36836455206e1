//! What a bundle names that is not in it: the guild must have it already.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::path::Bundle;
use crate::model::quest::Elsewhere;
use crate::rules::banks::{drawn, quizzes};
use crate::rules::unlock::Rule;

/// Something that the guild must have already.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Need {
    /// What: quest, chapter, path, skill, question bank, challenge or achievement.
    pub what: &'static str,
    /// Its short name, or its number.
    pub name: String,
    /// The field of the bundle that names it.
    pub field: String,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} `{}`", self.what, self.name)
    }
}

/// Everything that the bundle names and has not, each time that it is named, in the order of its fields.
pub(super) fn needs_of(bundle: &Bundle) -> Vec<Need> {
    let mut needs = Needs { bundle, found: Vec::new() };
    needs.rule("path.unlock", bundle.path.unlock.as_ref());
    for (n, entry) in bundle.path.quests.iter().enumerate() {
        needs.quest(format!("path.quests[{n}].quest"), &entry.quest);
        needs.rule(&format!("path.quests[{n}].unlock"), entry.unlock.as_ref());
    }
    for (m, chapter) in bundle.path.chapters.iter().enumerate() {
        needs.rule(&format!("path.chapters[{m}].unlock"), chapter.unlock.as_ref());
        for (n, entry) in chapter.quests.iter().enumerate() {
            let at = format!("path.chapters[{m}].quests[{n}]");
            needs.quest(format!("{at}.quest"), &entry.quest);
            needs.rule(&format!("{at}.unlock"), entry.unlock.as_ref());
        }
    }
    let banks: BTreeSet<&str> = bundle.banks.iter().map(|named| named.slug.as_str()).collect();
    for (m, named) in bundle.quests.iter().enumerate() {
        let at = format!("quests[{m}].quest");
        for skill in named.quest.skills.keys() {
            needs.skill(format!("{at}.skills.{skill}"), skill);
        }
        for (n, quest) in named.quest.requires.iter().enumerate() {
            needs.quest(format!("{at}.requires[{n}]"), quest);
        }
        needs.rule(&format!("{at}.unlock"), named.quest.unlock.as_ref());
        for (n, step) in named.quest.steps.iter().enumerate() {
            let field = format!("{at}.steps[{n}].elsewhere");
            match &step.elsewhere {
                Some(Elsewhere::Challenge(slug)) => {
                    needs.say("challenge", slug, format!("{field}.challenge"));
                }
                Some(Elsewhere::Achievement(id)) => {
                    needs.say("achievement", &id.to_string(), format!("{field}.achievement"));
                }
                _ => {}
            }
        }
        for (place, quiz) in quizzes(&named.quest) {
            for (n, draw) in drawn(quiz).filter(|(_, draw)| !banks.contains(draw.pool.as_str())) {
                needs.say("question bank", &draw.pool, format!("{at}.{place}.draws[{n}].pool"));
            }
        }
    }
    needs.found
}

struct Needs<'b> {
    bundle: &'b Bundle,
    found: Vec<Need>,
}

impl Needs<'_> {
    fn say(&mut self, what: &'static str, name: &str, field: String) {
        self.found.push(Need { what, name: name.to_owned(), field });
    }

    fn quest(&mut self, field: String, slug: &str) {
        if self.bundle.quests.iter().all(|named| named.slug != slug) {
            self.say("quest", slug, field);
        }
    }

    fn skill(&mut self, field: String, slug: &str) {
        if !self.bundle.skills.contains_key(slug) {
            self.say("skill", slug, field);
        }
    }

    fn rule(&mut self, at: &str, rule: Option<&Rule>) {
        let Some(rule) = rule else { return };
        match rule {
            Rule::All(rules) => self.rules(&format!("{at}.all"), rules),
            Rule::Any(rules) => self.rules(&format!("{at}.any"), rules),
            Rule::Not(rule) => self.rule(&format!("{at}.not"), Some(rule.as_ref())),
            Rule::Quest(slug) => self.quest(format!("{at}.quest"), slug),
            Rule::Quests(some) => {
                for (n, slug) in some.of.iter().enumerate() {
                    self.quest(format!("{at}.quests.of[{n}]"), slug);
                }
            }
            Rule::Chapter(chapter) if chapter.path != self.bundle.slug => {
                let name = format!("{}/{}", chapter.path, chapter.chapter);
                self.say("chapter", &name, format!("{at}.chapter"));
            }
            Rule::Path(slug) if *slug != self.bundle.slug => self.say("path", slug, format!("{at}.path")),
            Rule::Skill(skill) => self.skill(format!("{at}.skill"), &skill.slug),
            Rule::Achievement(id) => self.say("achievement", &id.to_string(), format!("{at}.achievement")),
            Rule::Chapter(_) | Rule::Path(_) | Rule::Xp(_) | Rule::Level(_) | Rule::After(_) => {}
        }
    }

    fn rules(&mut self, at: &str, rules: &[Rule]) {
        for (n, rule) in rules.iter().enumerate() {
            self.rule(&format!("{at}[{n}]"), Some(rule));
        }
    }
}
