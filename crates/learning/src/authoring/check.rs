//! What publishing a bundle would say, as far as that can be told without a guild.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use crate::error::Error;
use crate::graph::{Chapter, Graph, Path, Quest, Source, SourceEntry};
use crate::ids::{ChapterId, PathId, QuestId};
use crate::model::path::Bundle;
use crate::model::quest::{Difficulty, QuestType};
use crate::ops;
use crate::rules::banks::banks_of;
use crate::rules::files::{unpack, unused};
use crate::rules::unlock::{Condition, Rule};
use crate::rules::versions::counted;

/// What would be refused at publication, each as `(short name of the quest, why)`; and what the guild must have already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What would be refused.
    pub refused: Vec<(String, String)>,
    /// Quests that are named and not in the bundle.
    pub elsewhere: Vec<String>,
    /// Skills that the guild must have.
    pub skills: Vec<String>,
    /// Banks that the guild must have.
    pub banks: Vec<String>,
    /// Files that no text names: short name of the quest, and the file's name. They are imported all the same.
    pub unused: Vec<(String, String)>,
}

/// Looks at a bundle as publication would, taking quests that are not in it for ones that can be opened.
pub fn bundle_outlook(bundle: &Bundle) -> Outlook {
    let mut outlook = Outlook::default();
    let skills: BTreeSet<&String> =
        bundle.quests.iter().flat_map(|named| named.quest.skills.keys()).collect();
    outlook.skills = skills.into_iter().filter(|slug| !bundle.skills.contains_key(*slug)).cloned().collect();
    let drawn: BTreeSet<&str> = bundle.quests.iter().flat_map(|named| banks_of(&named.quest)).collect();
    let missing = drawn.into_iter().filter(|slug| bundle.banks.iter().all(|named| named.slug != *slug));
    outlook.banks = missing.map(str::to_owned).collect();
    if let Ok(Some((told, _))) = unpack(bundle) {
        for named in &told.quests {
            outlook.unused.extend(unused(&named.quest).into_iter().map(|name| (named.slug.clone(), name)));
        }
    }
    let here: BTreeSet<&str> = bundle.quests.iter().map(|named| named.slug.as_str()).collect();
    let mut named: BTreeSet<String> = bundle.path.entries().map(|(_, entry)| entry.quest.clone()).collect();
    for quest in &bundle.quests {
        named.extend(quest.quest.requires.iter().cloned());
    }
    let rules = bundle.quests.iter().filter_map(|named| named.quest.unlock.as_ref());
    let links = bundle.path.entries().filter_map(|(_, entry)| entry.unlock.as_ref());
    let chapters = bundle.path.chapters.iter().filter_map(|chapter| chapter.unlock.as_ref());
    for rule in rules.chain(links).chain(chapters).chain(bundle.path.unlock.as_ref()) {
        quests_of(rule, &mut named);
    }
    outlook.elsewhere = named.into_iter().filter(|slug| !here.contains(slug.as_str())).collect();
    for quest in bundle.quests.iter().filter(|named| counted(&named.quest) == 0) {
        outlook.refused.push((
            quest.slug.clone(),
            "must have at least one step or assessment that is not optional".to_owned(),
        ));
    }
    if bundle.path.entries().all(|(_, entry)| entry.optional) {
        outlook
            .refused
            .push((bundle.slug.clone(), "must have at least one quest that is not optional".to_owned()));
    }
    if let Some(n) = bundle.path.unearned() {
        let why = format!(
            "the XP of chapter `{}` would never be paid: it has no quest that is not optional",
            bundle.path.chapters[n].slug
        );
        outlook.refused.push((bundle.slug.clone(), why));
    }
    if let Err(Error::Unreachable(faults)) = ops::reachable(&graph(bundle, &outlook.elsewhere)) {
        outlook.refused.extend(faults.into_iter().map(|fault| (fault.field, fault.message)));
    }
    outlook
}

fn quests_of(rule: &Rule, into: &mut BTreeSet<String>) {
    match rule {
        Rule::All(rules) | Rule::Any(rules) => rules.iter().for_each(|rule| quests_of(rule, into)),
        Rule::Not(rule) => quests_of(rule, into),
        Rule::Quest(slug) => {
            into.insert(slug.clone());
        }
        Rule::Quests(some) => into.extend(some.of.iter().cloned()),
        _ => {}
    }
}

/// The graph of the bundle alone, under ids of its own.
fn graph(bundle: &Bundle, elsewhere: &[String]) -> Graph {
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
            document.unlock.clone(),
            document.requires.clone(),
        ));
    }
    for slug in elsewhere {
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
    source.paths.push((path, bundle.path.unlock.clone(), "UTC".to_owned()));
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
        source.chapters.push((chapter_node, chapter.unlock.clone()));
    }
    for (chapter, entry) in bundle.path.entries() {
        let Some(quest) = ids.get(entry.quest.as_str()) else { continue };
        source.entries.push(SourceEntry {
            path: 0,
            quest: *quest,
            chapter: chapter.map(|n| ChapterId::new(id(n))),
            optional: entry.optional,
            difficulty: Difficulty::Beginner,
            rule: entry.unlock.clone(),
        });
    }
    Graph::compile(source)
}
