//! What publishing a bundle would say, as far as that can be told without a guild.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::FieldError;
use uuid::Uuid;

use super::needs::{Need, needs_of};
use crate::error::Error;
use crate::graph::{Chapter, Graph, Path, Quest, Source, SourceEntry};
use crate::ids::{ChapterId, PathId, QuestId};
use crate::model::path::Bundle;
use crate::model::quest::{Difficulty, QuestType};
use crate::ops;
use crate::rules::files::{unpack, unused};
use crate::rules::unlock::{Condition, Rule};
use crate::rules::versions::counted;

/// What publication would say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What would be refused, by the bundle's fields.
    pub refused: Vec<FieldError>,
    /// What is named and not in the bundle: the guild must have it already.
    pub needs: Vec<Need>,
    /// Files that no text names: short name of the quest, and the file's name. They are imported all the same.
    pub unused: Vec<(String, String)>,
}

/// Looks at a bundle as publication would, taking quests, chapters and paths that are not in it for ones that can be opened and completed.
pub fn bundle_outlook(bundle: &Bundle) -> Outlook {
    let mut outlook = Outlook { needs: needs_of(bundle), ..Outlook::default() };
    if let Ok(Some((told, _))) = unpack(bundle) {
        for named in &told.quests {
            outlook.unused.extend(unused(&named.quest).into_iter().map(|name| (named.slug.clone(), name)));
        }
    }
    let mut refuse = |field: String, message: String| outlook.refused.push(FieldError { field, message });
    for (n, _) in bundle.quests.iter().enumerate().filter(|(_, named)| counted(&named.quest) == 0) {
        let message = "must have at least one step or assessment that is not optional";
        refuse(format!("quests[{n}].quest"), message.to_owned());
    }
    if bundle.path.entries().all(|(_, entry)| entry.optional) {
        refuse("path.quests".to_owned(), "must have at least one quest that is not optional".to_owned());
    }
    if let Some(n) = bundle.path.unearned() {
        let message = "would never be paid: the chapter has no quest that is not optional";
        refuse(format!("path.chapters[{n}].experience_points"), message.to_owned());
    }
    let elsewhere: BTreeSet<&str> =
        outlook.needs.iter().filter(|need| need.what == "quest").map(|need| need.name.as_str()).collect();
    if let Err(Error::Unreachable(faults)) = ops::reachable(&graph(bundle, &elsewhere)) {
        for fault in faults {
            let named = bundle.quests.iter().enumerate().find(|(_, named)| named.slug == fault.field);
            let field = match named {
                Some((n, named)) if named.quest.requires.is_empty() => format!("quests[{n}].quest.unlock"),
                Some((n, _)) => format!("quests[{n}].quest.requires"),
                None => fault.field,
            };
            outlook.refused.push(FieldError { field, message: fault.message });
        }
    }
    outlook
}

/// A rule in which chapters and paths of elsewhere are taken for something that can be reached.
fn attainable(bundle: &Bundle, rule: &Rule) -> Rule {
    let all = |rules: &[Rule]| rules.iter().map(|rule| attainable(bundle, rule)).collect();
    match rule {
        Rule::All(rules) => Rule::All(all(rules)),
        Rule::Any(rules) => Rule::Any(all(rules)),
        Rule::Chapter(chapter) if chapter.path != bundle.slug => Rule::Level(1),
        Rule::Path(slug) if *slug != bundle.slug => Rule::Level(1),
        other => other.clone(),
    }
}

/// The graph of the bundle alone, under ids of its own.
fn graph(bundle: &Bundle, elsewhere: &BTreeSet<&str>) -> Graph {
    let within = |rule: Option<&Rule>| rule.map(|rule| attainable(bundle, rule));
    let id = |n: usize| Uuid::from_u128(n as u128 + 1);
    let quest = |n: usize, slug: &str, title: &str| Quest {
        id: QuestId::new(id(n)),
        slug: slug.to_owned(),
        title: title.to_owned(),
        quest_type: QuestType::Tutorial,
        difficulty: Difficulty::Beginner,
        estimated_minutes: None,
        experience_points: 0,
        skills: BTreeMap::new(),
        version: 1,
        condition: Condition::ALWAYS,
    };
    let mut source = Source::default();
    let mut ids = HashMap::new();
    for (n, named) in bundle.quests.iter().enumerate() {
        ids.insert(named.slug.as_str(), QuestId::new(id(n)));
        let document = &named.quest;
        source.quests.push((
            quest(n, &named.slug, &document.title),
            within(document.unlock.as_ref()),
            document.requires.clone(),
        ));
    }
    for &slug in elsewhere {
        let n = source.quests.len();
        ids.insert(slug, QuestId::new(id(n)));
        source.quests.push((quest(n, slug, slug), None, Vec::new()));
    }
    let path = Path {
        id: PathId::new(Uuid::from_u128(1)),
        slug: bundle.slug.clone(),
        name: bundle.path.name.clone(),
        mandatory: Vec::new(),
        entries: Vec::new(),
        chapters: Vec::new(),
        experience_points: 0,
        epoch: 0,
    };
    source.paths.push((path, within(bundle.path.unlock.as_ref()), "UTC".to_owned()));
    for (n, chapter) in bundle.path.chapters.iter().enumerate() {
        let chapter_node = Chapter {
            id: ChapterId::new(id(n)),
            slug: chapter.slug.clone(),
            title: chapter.title.clone(),
            path: 0,
            mandatory: Vec::new(),
            experience_points: 0,
            opens_at: None,
            closes_at: None,
        };
        source.chapters.push((chapter_node, within(chapter.unlock.as_ref())));
    }
    for (chapter, entry) in bundle.path.entries() {
        let Some(quest) = ids.get(entry.quest.as_str()) else { continue };
        source.entries.push(SourceEntry {
            path: 0,
            quest: *quest,
            chapter: chapter.map(|n| ChapterId::new(id(n))),
            optional: entry.optional,
            difficulty: Difficulty::Beginner,
            rule: within(entry.unlock.as_ref()),
        });
    }
    Graph::compile(source)
}
