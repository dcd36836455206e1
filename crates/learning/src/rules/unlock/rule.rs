//! Rules as authors write them: JSON or TOML, an object with exactly one key.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How deep rules may nest.
pub const MAX_DEPTH: usize = 6;
/// How many rules one may be made of.
pub const MAX_RULES: usize = 100;

/// A rule that opens something. What it names is named by slug, within the guild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// All of these.
    All(Vec<Rule>),
    /// At least one of these.
    Any(Vec<Rule>),
    /// Not this; of XP, levels, skills, achievements and dates only: what was unlocked would else be locked again.
    Not(Box<Rule>),
    /// A quest is completed.
    Quest(String),
    /// So many of some quests are completed.
    Quests(AtLeast),
    /// A chapter of a path is completed.
    Chapter(InPath),
    /// A path is completed.
    Path(String),
    /// So much XP in the guild.
    Xp(i64),
    /// Such a level in the guild.
    Level(i32),
    /// So many points in a skill.
    Skill(InSkill),
    /// An achievement, by its number.
    Achievement(i32),
    /// From this day on, in the zone of the path; UTC outside of paths.
    #[serde(deserialize_with = "kernel::time::day")]
    After(NaiveDate),
}

/// So many of some quests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// The quests.
    pub of: Vec<String>,
    /// How many of them.
    pub at_least: usize,
}

/// A chapter of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InPath {
    /// The path.
    pub path: String,
    /// The chapter.
    pub chapter: String,
}

/// Points in a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InSkill {
    /// The skill's short name.
    pub slug: String,
    /// Points in it.
    pub points: i64,
}

/// What is wrong with a rule by itself, as the end of a sentence; whether what it names is there is for publication to say.
pub fn rule_check(rule: &Rule) -> Option<String> {
    let mut count = 0;
    check(rule, 1, false, &mut count)
}

fn check(rule: &Rule, depth: usize, negated: bool, count: &mut usize) -> Option<String> {
    *count += 1;
    if depth > MAX_DEPTH {
        return Some(format!("must nest at most {MAX_DEPTH} deep"));
    }
    if *count > MAX_RULES {
        return Some(format!("must have at most {MAX_RULES} rules in all"));
    }
    let about_learning = || {
        negated.then(|| {
            "must not say `not` over quests, chapters or paths: completing one would lock again".to_owned()
        })
    };
    match rule {
        Rule::All(rules) | Rule::Any(rules) => {
            if rules.is_empty() {
                return Some("must name at least one rule within `all` and `any`".to_owned());
            }
            rules.iter().find_map(|rule| check(rule, depth + 1, negated, count))
        }
        Rule::Not(rule) => check(rule, depth + 1, true, count),
        Rule::Quest(_) | Rule::Chapter(_) | Rule::Path(_) => about_learning(),
        Rule::Quests(AtLeast { of, at_least }) => {
            let mut different = of.clone();
            different.sort_unstable();
            different.dedup();
            *count += of.len();
            if different.len() != of.len() {
                return Some("names a quest twice within `quests`".to_owned());
            }
            if *at_least < 1 || *at_least > of.len() {
                return Some(format!("asks for at least {at_least} of {} quests", of.len()));
            }
            about_learning()
        }
        Rule::Xp(amount) => {
            (!(0..=1_000_000_000).contains(amount)).then(|| "must ask for 0 to 1,000,000,000 XP".to_owned())
        }
        Rule::Level(level) => {
            (!(1..=1_000).contains(level)).then(|| "must ask for a level of 1 to 1,000".to_owned())
        }
        Rule::Skill(InSkill { points, .. }) => (!(1..=1_000_000_000).contains(points))
            .then(|| "must ask for 1 to 1,000,000,000 points".to_owned()),
        Rule::Achievement(id) => (*id < 1).then(|| "must name an achievement by its number".to_owned()),
        Rule::After(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_grammar_is_the_documented_one() {
        let text = json!({ "all": [
            { "quest": "loops" }, { "quests": { "of": ["a", "b"], "at_least": 1 } },
            { "any": [{ "xp": 100 }, { "level": 3 }, { "skill": { "slug": "graphs", "points": 20 } }] },
            { "chapter": { "path": "rust", "chapter": "basics" } }, { "path": "rust" },
            { "not": { "achievement": 3 } }, { "after": "2026-12-01" },
        ] });
        let rule: Rule = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&rule).unwrap(), text);
        assert_eq!(rule_check(&rule), None);
        for wrong in [
            json!({}),
            json!([]),
            json!({ "xp": 1, "level": 2 }),
            json!({ "gold": 3 }),
            json!({ "quest": 3 }),
            // Beyond what the database reckons with: one such day would keep the whole guild from learning.
            json!({ "after": "-262143-01-01" }),
            json!({ "all": [{ "after": "+262142-12-31" }] }),
        ] {
            assert!(serde_json::from_value::<Rule>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        let quest = |slug: &str| Rule::Quest(slug.to_owned());
        let mut deep = quest("a");
        for _ in 0..6 {
            deep = Rule::All(vec![deep]);
        }
        for wrong in [
            Rule::Not(Box::new(Rule::Any(vec![quest("a")]))),
            Rule::Quests(AtLeast { of: vec!["a".to_owned()], at_least: 2 }),
            Rule::Quests(AtLeast { of: vec!["a".to_owned()], at_least: 0 }),
            Rule::Quests(AtLeast { of: vec!["a".to_owned(), "a".to_owned()], at_least: 2 }),
            Rule::All(Vec::new()),
            Rule::Any(vec![quest("a"); 101]),
            Rule::Level(0),
            deep,
        ] {
            assert!(rule_check(&wrong).is_some(), "{wrong:?}");
        }
        assert_eq!(rule_check(&Rule::Not(Box::new(Rule::Level(3)))), None);
    }
}
