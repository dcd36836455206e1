//! Exercism's tracks (`config.json`, version 3) as paths: concepts are skills, concept exercises mandatory tutorials, practice exercises
//! optional practice, and a uuid is what an exercise is the same one by.
//!
//! An exercise opens as it does there ([`opening`]): what it needs that some visible exercise teaches must be learnt, and until
//! something is completed only the first exercise is open.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::foreign::{Checkout, Foreign, LeftOut, Unreadable};
use crate::model::path::{Bundle, Chapter, NamedQuest, PathDocument, PathQuest, PathType};
use crate::model::quest::{Difficulty, QuestDocument, QuestType, Resource, ResourceType, Step, StepType};
use crate::rules::check::{is_slug, quest_check};
use crate::rules::unlock::{AtLeast, Rule};

/// What a concept exercise brings in each concept that it teaches, and a practice exercise in each that it practises.
const TAUGHT: i32 = 10;
const PRACTISED: i32 = 5;

#[derive(Debug, Deserialize)]
struct Config {
    language: String,
    slug: String,
    #[serde(default)]
    blurb: String,
    #[serde(default)]
    exercises: Exercises,
    #[serde(default)]
    concepts: Vec<Concept>,
}

#[derive(Debug, Default, Deserialize)]
struct Exercises {
    #[serde(default)]
    concept: Vec<Exercise>,
    #[serde(default)]
    practice: Vec<Exercise>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Exercise {
    uuid: String,
    slug: String,
    name: String,
    #[serde(default)]
    concepts: Vec<String>,
    #[serde(default)]
    practices: Vec<String>,
    #[serde(default)]
    prerequisites: Vec<String>,
    #[serde(default)]
    difficulty: Option<i32>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Concept {
    slug: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default)]
    blurb: String,
}

#[derive(Debug, Deserialize)]
struct Link {
    url: String,
    #[serde(default)]
    description: String,
}

/// An exercise that comes along.
#[derive(Debug)]
struct Kept {
    exercise: Exercise,
    /// Whether it teaches concepts.
    teaches: bool,
}

/// Reads a track's checkout. What cannot come along is told by name; what is wrong with the track as a whole is an error.
pub fn exercism(dir: &Path) -> Result<Foreign, Unreadable> {
    let checkout = Checkout::open(dir)?;
    let config: Config = checkout.needed("config.json")?;
    let wrong = |why: &str| Unreadable { file: "config.json".to_owned(), why: why.to_owned() };
    if !is_slug(&config.slug) {
        return Err(wrong("`slug` is no short name"));
    }
    let name = kernel::text::cleaned(&config.language, 255).ok_or_else(|| wrong("`language` is no name"))?;
    let mut left_out = Vec::new();
    let names: BTreeMap<&str, &str> =
        config.concepts.iter().map(|concept| (concept.slug.as_str(), concept.name.as_str())).collect();
    let kept = visible(&config.exercises, &mut left_out);
    let track = Track { checkout: &checkout, slug: &config.slug, concepts: &names };
    let mut quests = Vec::new();
    let mut there = Vec::new();
    for one in kept {
        match track.quest(&one, &mut left_out) {
            Ok(quest) => {
                quests.push(quest);
                there.push(one);
            }
            Err(why) => left_out.push(LeftOut::new(&one.exercise.slug, why)),
        }
    }
    if there.is_empty() {
        return Err(wrong("there is no exercise that can be imported"));
    }
    let first = first_of(&there);
    let rules = opening(&there, first, &mut left_out);
    for (quest, (requires, unlock)) in quests.iter_mut().zip(rules) {
        quest.requires = requires.into_iter().map(|slug| track.named(&slug)).collect();
        quest.unlock = unlock.map(|groups| track.rule(&groups));
    }
    let mut skills = BTreeMap::new();
    for quest in &mut quests {
        quest.skills.retain(|skill, _| {
            let fits = skill_fits(skill);
            if !fits {
                left_out.push(LeftOut::new(skill, "cannot be a skill's short name, so it brings no points"));
            }
            fits
        });
        for skill in quest.skills.keys() {
            let concept = skill.strip_prefix(&format!("{}-", config.slug)).unwrap_or(skill);
            let shown = names.get(concept).copied().unwrap_or(concept);
            let shown = kernel::text::cleaned(&format!("{name}: {shown}"), 100);
            skills.insert(skill.clone(), shown.unwrap_or_else(|| skill.clone()));
        }
    }
    let sources = there
        .iter()
        .map(|one| (track.named(&one.exercise.slug), format!("exercism:{}", one.exercise.uuid)))
        .collect();
    let path = path(&track, &name, &config.blurb, &there, first);
    let quests = there
        .iter()
        .zip(quests)
        .map(|(one, quest)| NamedQuest { slug: track.named(&one.exercise.slug), quest, files: Vec::new() })
        .collect();
    Ok(Foreign {
        source: format!("exercism:{}", config.slug),
        bundle: Bundle {
            slug: config.slug.clone(),
            path,
            quests,
            banks: Vec::new(),
            skills: BTreeMap::new(),
        },
        sources,
        skills,
        left_out,
    })
}

/// Exercises that learners see there: active or beta, each once.
fn visible(exercises: &Exercises, left_out: &mut Vec<LeftOut>) -> Vec<Kept> {
    let all = exercises.concept.iter().map(|one| (one, true));
    let all = all.chain(exercises.practice.iter().map(|one| (one, false)));
    let (mut uuids, mut slugs) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = Vec::new();
    for (exercise, teaches) in all {
        let status = exercise.status.as_deref().unwrap_or("active");
        let why = if !matches!(status, "active" | "beta") {
            format!("is {status} there")
        } else if !is_slug(&exercise.slug) {
            "its `slug` is no short name".to_owned()
        } else if exercise.uuid.parse::<uuid::Uuid>().is_err() {
            "its `uuid` is none".to_owned()
        } else if !slugs.insert(&exercise.slug) || !uuids.insert(exercise.uuid.to_ascii_lowercase()) {
            "is there twice".to_owned()
        } else {
            let mut exercise = exercise.clone();
            exercise.uuid.make_ascii_lowercase();
            kept.push(Kept { exercise, teaches });
            continue;
        };
        left_out.push(LeftOut::new(&exercise.slug, why));
    }
    kept
}

/// The first exercise: `hello-world`, else the first in the track's order.
fn first_of(there: &[Kept]) -> usize {
    there.iter().position(|one| one.exercise.slug == "hello-world").unwrap_or(0)
}

/// What opens an exercise: exercises that must be completed, and groups of which one must be.
type Opening = (Vec<String>, Option<Vec<Vec<String>>>);

/// What opens each exercise, by Exercism's rule: the concepts that it needs, as far as a visible exercise teaches them, are learnt by
/// completing one that does; and but for the first, the first is completed.
fn opening(there: &[Kept], first: usize, left_out: &mut Vec<LeftOut>) -> Vec<Opening> {
    let mut teachers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in there.iter().filter(|one| one.teaches) {
        for concept in &one.exercise.concepts {
            teachers.entry(concept).or_default().push(&one.exercise.slug);
        }
    }
    let mut all = Vec::with_capacity(there.len());
    for (n, one) in there.iter().enumerate() {
        let mut requires = BTreeSet::new();
        let mut groups = BTreeSet::new();
        if n != first {
            requires.insert(there[first].exercise.slug.clone());
        }
        for concept in &one.exercise.prerequisites {
            let by: BTreeSet<&str> = teachers.get(concept.as_str()).into_iter().flatten().copied().collect();
            let what = format!("{} needs {concept}", one.exercise.slug);
            if by.is_empty() {
                left_out.push(LeftOut::new(&what, "nobody teaches it, so it is open without"));
            } else if by.contains(one.exercise.slug.as_str()) {
                left_out.push(LeftOut::new(&what, "it teaches that itself, so it is open without"));
            } else if n == first {
                left_out.push(LeftOut::new(&what, "it is the first exercise, so it is open without"));
            } else if by.len() == 1 {
                requires.extend(by.into_iter().map(str::to_owned));
            } else {
                groups.insert(by.into_iter().map(str::to_owned).collect::<Vec<_>>());
            }
        }
        // A group of which one is required anyway says nothing.
        groups.retain(|group| group.iter().all(|slug| !requires.contains(slug)));
        let groups: Vec<Vec<String>> = groups.into_iter().collect();
        all.push((requires.into_iter().collect(), Some(groups).filter(|groups| !groups.is_empty())));
    }
    all
}

/// Whether the guild can have a skill of this short name.
fn skill_fits(slug: &str) -> bool {
    slug.len() <= 100
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+#.-".contains(&b))
}

/// What an exercise becomes depends on.
struct Track<'a> {
    checkout: &'a Checkout,
    slug: &'a str,
    concepts: &'a BTreeMap<&'a str, &'a str>,
}

impl Track<'_> {
    /// An exercise's or concept's short name here, where it has to be unique in the guild.
    fn named(&self, slug: &str) -> String {
        let mut named = format!("{}-{slug}", self.slug);
        named.truncate(100);
        named
    }

    fn rule(&self, groups: &[Vec<String>]) -> Rule {
        let one_of = |group: &Vec<String>| {
            Rule::Quests(AtLeast { of: group.iter().map(|slug| self.named(slug)).collect(), at_least: 1 })
        };
        match groups {
            [group] => one_of(group),
            groups => Rule::All(groups.iter().map(one_of).collect()),
        }
    }

    /// A text, and what is wrong with it told.
    fn text(&self, file: &str, left_out: &mut Vec<LeftOut>) -> Option<String> {
        match self.checkout.text(file) {
            Ok(text) => text.filter(|text| !text.is_empty()),
            Err(why) => {
                left_out.push(LeftOut::new(file, why));
                None
            }
        }
    }

    fn quest(&self, one: &Kept, left_out: &mut Vec<LeftOut>) -> Result<QuestDocument, String> {
        let exercise = &one.exercise;
        let folder =
            format!("exercises/{}/{}", if one.teaches { "concept" } else { "practice" }, exercise.slug);
        let title = kernel::text::cleaned(&exercise.name, 255).ok_or("its `name` is none")?;
        let instructions = self
            .text(&format!("{folder}/.docs/instructions.md"), left_out)
            .ok_or("it has no `.docs/instructions.md` that can be read")?;
        let appended = self.text(&format!("{folder}/.docs/instructions.append.md"), left_out);
        let instructions =
            appended.map_or_else(|| instructions.clone(), |more| format!("{instructions}\n\n{more}"));
        let meta: Meta = match self.checkout.json(&format!("{folder}/.meta/config.json")) {
            Ok(meta) => meta.unwrap_or_default(),
            Err(why) => {
                left_out.push(LeftOut::new(&format!("{folder}/.meta/config.json"), why));
                Meta::default()
            }
        };
        let mut steps = Vec::new();
        if let Some(text) = self.text(&format!("{folder}/.docs/introduction.md"), left_out) {
            steps.push(step("introduction", StepType::Reading, "Introduction", text));
        }
        let mut solve = step("solve", StepType::Interactive, "Solve it", instructions);
        solve.url = Some(format!("https://exercism.org/tracks/{}/exercises/{}", self.slug, exercise.slug));
        steps.push(solve);
        let mut resources = Vec::new();
        let taught = if one.teaches { exercise.concepts.as_slice() } else { &[] };
        for concept in taught.iter().filter(|concept| is_slug(concept)) {
            self.about(concept, &mut steps, &mut resources, left_out);
        }
        let difficulty = difficulty(exercise.difficulty, one.teaches);
        let (brought, points) =
            if one.teaches { (taught, TAUGHT) } else { (&exercise.practices[..], PRACTISED) };
        let quest = QuestDocument {
            title,
            description: meta.blurb.trim().to_owned(),
            quest_type: if one.teaches { QuestType::Tutorial } else { QuestType::Practice },
            difficulty,
            language: "english".to_owned(),
            estimated_minutes: None,
            experience_points: match difficulty {
                Difficulty::Beginner => 10,
                Difficulty::Intermediate => 25,
                Difficulty::Advanced | Difficulty::Expert => 50,
            },
            skills: brought
                .iter()
                .filter(|concept| is_slug(concept))
                .map(|concept| (self.named(concept), points))
                .collect(),
            requires: Vec::new(),
            unlock: None,
            resources,
            files: BTreeMap::new(),
            steps,
            assessments: Vec::new(),
        };
        match quest_check(&quest).first() {
            None => Ok(quest),
            Some(wrong) => Err(format!("`{}` {}", wrong.field, wrong.message)),
        }
    }

    /// What a concept's folder has: a text to read afterwards, and links.
    fn about(
        &self,
        concept: &str,
        steps: &mut Vec<Step>,
        resources: &mut Vec<Resource>,
        left_out: &mut Vec<LeftOut>,
    ) {
        let name = self.concepts.get(concept).copied().unwrap_or(concept);
        let name = kernel::text::cleaned(name, 200).unwrap_or_else(|| concept.to_owned());
        if let Some(text) = self.text(&format!("concepts/{concept}/about.md"), left_out) {
            let mut about =
                step(&format!("about-{concept}"), StepType::Reading, &format!("About {name}"), text);
            about.slug.truncate(100);
            about.optional = true;
            steps.push(about);
        }
        let file = format!("concepts/{concept}/links.json");
        let links: Vec<Link> = match self.checkout.json(&file) {
            Ok(links) => links.unwrap_or_default(),
            Err(why) => {
                left_out.push(LeftOut::new(&file, why));
                Vec::new()
            }
        };
        for link in links {
            let web = link.url.starts_with("https://") || link.url.starts_with("http://");
            if !web || link.url.len() > 2_000 || link.url.chars().any(|c| c.is_whitespace() || c.is_control())
            {
                left_out.push(LeftOut::new(&format!("{file}: {}", link.url), "is no address of the web"));
                continue;
            }
            let title =
                kernel::text::cleaned(&link.description, 255).unwrap_or_else(|| format!("About {name}"));
            resources.push(Resource {
                resource_type: ResourceType::Link,
                title,
                description: None,
                url: link.url,
            });
        }
    }
}

fn step(slug: &str, step_type: StepType, title: &str, description: String) -> Step {
    Step {
        slug: slug.to_owned(),
        step_type,
        title: title.to_owned(),
        description,
        experience_points: 0,
        optional: false,
        url: None,
        elsewhere: None,
        note_characters: 0,
        quiz: None,
        coding: None,
        submission: None,
    }
}

/// Of 1 to 10 as it is there; concept exercises have none.
fn difficulty(of: Option<i32>, teaches: bool) -> Difficulty {
    match of {
        _ if teaches => Difficulty::Beginner,
        Some(4..=7) => Difficulty::Intermediate,
        Some(8..) => Difficulty::Advanced,
        _ => Difficulty::Beginner,
    }
}

/// The first exercise, then those that teach, then those to practise.
fn path(track: &Track<'_>, name: &str, blurb: &str, there: &[Kept], first: usize) -> PathDocument {
    let entry = |one: &Kept, optional| PathQuest {
        quest: track.named(&one.exercise.slug),
        optional,
        difficulty: None,
        unlock: None,
    };
    let others = |teaches: bool| {
        let those = there.iter().enumerate().filter(move |(n, one)| *n != first && one.teaches == teaches);
        those.map(|(_, one)| entry(one, !teaches)).collect::<Vec<_>>()
    };
    let chapter = |slug: &str, title: &str, quests: Vec<PathQuest>| Chapter {
        slug: slug.to_owned(),
        title: title.to_owned(),
        description: String::new(),
        starts: None,
        ends: None,
        experience_points: 0,
        unlock: None,
        quests,
    };
    let chapters = [chapter("learn", "Learn", others(true)), chapter("practise", "Practise", others(false))];
    PathDocument {
        name: name.to_owned(),
        description: blurb.trim().to_owned(),
        path_type: PathType::Course,
        language: "english".to_owned(),
        timezone: "UTC".to_owned(),
        estimated_hours: None,
        experience_points: 0,
        unlock: None,
        quests: vec![entry(&there[first], false)],
        chapters: chapters.into_iter().filter(|chapter| !chapter.quests.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A track: of each exercise whether it teaches, what, and what it needs.
    fn tracks() -> impl Strategy<Value = Vec<Kept>> {
        let concepts = || prop::collection::btree_set(0_u8..6, 0..4);
        prop::collection::vec((any::<bool>(), concepts(), concepts()), 1..12).prop_map(|all| {
            let named = |concepts: BTreeSet<u8>| concepts.into_iter().map(|n| format!("c{n}")).collect();
            all.into_iter()
                .enumerate()
                .map(|(n, (teaches, concepts, prerequisites))| Kept {
                    exercise: Exercise {
                        slug: format!("e{n}"),
                        concepts: named(concepts),
                        prerequisites: named(prerequisites),
                        ..Exercise::default()
                    },
                    teaches,
                })
                .collect()
        })
    }

    /// Exercism's rule as it is written down: what is open to a learner who has completed `done`.
    fn open_there(there: &[Kept], first: usize, done: &BTreeSet<usize>) -> BTreeSet<usize> {
        let concepts = |of: &mut dyn Iterator<Item = &Kept>| -> BTreeSet<String> {
            of.filter(|one| one.teaches).flat_map(|one| one.exercise.concepts.clone()).collect()
        };
        let taught = concepts(&mut there.iter());
        let learnt = concepts(&mut done.iter().map(|n| &there[*n]));
        (0..there.len())
            .filter(|n| {
                if done.is_empty() {
                    return *n == first;
                }
                let needed = there[*n].exercise.prerequisites.iter();
                done.contains(n) || needed.filter(|c| taught.contains(*c)).all(|c| learnt.contains(c))
            })
            .collect()
    }

    fn open_here(there: &[Kept], rules: &[Opening], done: &BTreeSet<usize>) -> BTreeSet<usize> {
        let slugs: BTreeSet<&str> = done.iter().map(|n| there[*n].exercise.slug.as_str()).collect();
        let is_done = |slug: &String| slugs.contains(slug.as_str());
        (0..there.len())
            .filter(|n| {
                let (requires, groups) = &rules[*n];
                done.contains(n)
                    || (requires.iter().all(is_done)
                        && groups.iter().flatten().all(|group| group.iter().any(is_done)))
            })
            .collect()
    }

    proptest! {
        /// Whatever a learner does, one exercise at a time, the same is open here as there.
        #[test]
        fn exercises_open_as_they_do_there(mut there in tracks(), choices in prop::collection::vec(any::<prop::sample::Index>(), 12)) {
            // What needs what it teaches itself could never be opened there, and the first exercise needs nothing.
            for (n, one) in there.iter_mut().enumerate() {
                let own = if one.teaches { one.exercise.concepts.clone() } else { Vec::new() };
                one.exercise.prerequisites.retain(|concept| n > 0 && !own.contains(concept));
            }
            let first = first_of(&there);
            let rules = opening(&there, first, &mut Vec::new());
            let mut done = BTreeSet::new();
            for choice in choices {
                let open = open_there(&there, first, &done);
                prop_assert_eq!(&open_here(&there, &rules, &done), &open);
                let undone: Vec<usize> = open.difference(&done).copied().collect();
                if undone.is_empty() {
                    break;
                }
                done.insert(undone[choice.index(undone.len())]);
            }
        }
    }

    #[test]
    fn difficulties_are_in_three_parts() {
        let all: Vec<Difficulty> = (1..=10).map(|n| difficulty(Some(n), false)).collect();
        let (b, i, a) = (Difficulty::Beginner, Difficulty::Intermediate, Difficulty::Advanced);
        assert_eq!(all, [b, b, b, i, i, i, i, a, a, a]);
        assert_eq!(difficulty(Some(9), true), b);
    }
}
