//! Courses of PrairieLearn's as paths: a topic is a chapter, a question a quest with a quiz, and a uuid is what a question is the same one
//! by.
//!
//! A question comes along if it is graded here as it is there: by what its page says is right, or by what its `generate` gives, as
//! variants of which each learner draws one. All others are told by name, each with its reason.

mod elements;
mod question;
mod template;
mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use sandbox::Sandbox;
use serde::Deserialize;

use self::template::Given;
use self::variants::Failed;
use super::foreign::{Checkout, Foreign, LeftOut, Unreadable};
use crate::model::path::{Bundle, Chapter, NamedQuest, PathDocument, PathQuest, PathType};
use crate::model::quest::{Difficulty, QuestDocument, QuestType, Step, StepType};
use crate::rules::check::{is_slug, quest_check};

/// What a question brings.
const QUESTION_XP: i32 = 10;
/// The folder in which questions lie, at any depth.
const QUESTIONS: &str = "questions";

#[derive(Debug, Deserialize)]
struct Info {
    name: String,
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    topics: Vec<Topic>,
}

#[derive(Debug, Deserialize)]
struct Topic {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Debug, Deserialize)]
struct QuestionInfo {
    uuid: String,
    title: String,
    topic: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "gradingMethod", default)]
    grading: Option<String>,
    #[serde(rename = "partialCredit", default)]
    partial: Option<bool>,
    #[serde(default)]
    template: Option<String>,
}

/// A question as it lies there.
#[derive(Debug)]
struct Question {
    /// What it is called there: where it lies.
    name: String,
    info: QuestionInfo,
    /// Its title here.
    title: String,
    html: String,
    /// Its program, if there is more in it than comments.
    program: Option<String>,
}

/// A course that has been read.
#[derive(Debug)]
pub struct PrairieLearn {
    info: Info,
    questions: Vec<Question>,
    left_out: Vec<LeftOut>,
}

/// Reads a course's folder. What cannot be read of it is told by name; what is wrong with the course as a whole is an error.
pub fn prairielearn(dir: &Path) -> Result<PrairieLearn, Unreadable> {
    let checkout = Checkout::open(dir)?;
    let info: Info = checkout.needed("infoCourse.json")?;
    let mut left_out = Vec::new();
    for (folder, why) in [
        ("courseInstances", "assessments and their dates stay there: only questions come along"),
        ("elements", "elements of the course's own stay there, as do questions that use them"),
    ] {
        if checkout.is_there(folder) {
            left_out.push(LeftOut::new(folder, why));
        }
    }
    let mut uuids = BTreeSet::new();
    let mut questions = Vec::new();
    for folder in checkout.holding(QUESTIONS, "info.json", &mut left_out) {
        let name = folder.strip_prefix(QUESTIONS).unwrap_or(&folder).trim_start_matches('/').to_owned();
        match read(&checkout, &folder, name.clone()) {
            Ok(question) if !uuids.insert(question.info.uuid.clone()) => {
                left_out.push(LeftOut::new(&name, "has the `uuid` of another question"));
            }
            Ok(question) => questions.push(question),
            Err(why) => left_out.push(LeftOut::new(&name, why)),
        }
    }
    Ok(PrairieLearn { info, questions, left_out })
}

fn read(checkout: &Checkout, folder: &str, name: String) -> Result<Question, String> {
    let of = |file: &'static str| move |why: String| format!("its `{file}` {why}");
    let info: Option<QuestionInfo> =
        checkout.json(&format!("{folder}/info.json")).map_err(of("info.json"))?;
    let mut info = info.ok_or("has no `info.json`")?;
    info.uuid = info.uuid.parse::<uuid::Uuid>().map_err(|_| "its `uuid` is none")?.to_string();
    let title = kernel::text::cleaned(&info.title, 255).ok_or("its `title` is none")?;
    if info.kind != "v3" {
        return Err("is of a type other than `v3`".to_owned());
    }
    match info.grading.as_deref() {
        None | Some("Internal") => {}
        Some("External") => return Err("is graded by a program in a container of its own".to_owned()),
        Some("Manual") => return Err("is graded by hand".to_owned()),
        Some(_) => return Err("is graded in a way that has no form here".to_owned()),
    }
    if info.template.is_some() {
        return Err("is made of another question (`template`)".to_owned());
    }
    let html = checkout.text(&format!("{folder}/question.html")).map_err(of("question.html"))?;
    let html = html.ok_or("has no `question.html`")?;
    let program = checkout.text(&format!("{folder}/server.py")).map_err(of("server.py"))?;
    let program = program.filter(|program| !variants::is_empty(program));
    Ok(Question { name, info, title, html, program })
}

impl PrairieLearn {
    /// Whether there are questions that only a sandbox can make.
    pub fn needs_sandbox(&self) -> bool {
        self.questions.iter().any(|question| question.program.is_some())
    }

    /// Makes a path of it. Without a sandbox, questions with a program stay there; one that fails through no fault of theirs is an
    /// error, for what stays there once would leave the path.
    pub async fn bring(self, sandbox: Option<&Sandbox>) -> Result<Foreign, Unreadable> {
        let Self { info, questions, mut left_out } = self;
        let wrong = |why: &str| Unreadable { file: "infoCourse.json".to_owned(), why: why.to_owned() };
        let identity = match info.uuid.as_deref().map(str::parse::<uuid::Uuid>) {
            Some(Ok(uuid)) => Some(uuid.to_string()),
            Some(Err(_)) => return Err(wrong("`uuid` is none")),
            None => None,
        };
        let slug = slug_of(&info.name, 40).ok_or_else(|| wrong("`name` is none"))?;
        let name = kernel::text::cleaned(&info.title, 255).or_else(|| kernel::text::cleaned(&info.name, 255));
        let name = name.ok_or_else(|| wrong("`title` is none"))?;
        let source = format!("prairielearn:{}", identity.as_deref().unwrap_or(&slug));
        let mut kept = Kept::default();
        for question in questions {
            match step(&question, sandbox).await {
                Ok((step, notes)) => {
                    left_out.extend(notes.into_iter().map(|note| LeftOut::new(&question.name, note)));
                    kept.put(&slug, &source, &question, quest(&question.title, vec![step]));
                }
                Err(Failed::Program(why)) => left_out.push(LeftOut::new(&question.name, why)),
                Err(Failed::Sandbox(why)) => {
                    return Err(Unreadable { file: format!("{QUESTIONS}/{}/server.py", question.name), why });
                }
            }
        }
        if kept.quests.is_empty() {
            let told: Vec<String> = left_out.iter().map(ToString::to_string).collect();
            let why = format!("there is no question that can be imported\n{}", told.join("\n"));
            return Err(Unreadable { file: QUESTIONS.to_owned(), why });
        }
        let path = path(name, kept.chapters(&info.topics));
        let bundle = Bundle { slug, path, quests: kept.quests, banks: Vec::new(), skills: BTreeMap::new() };
        Ok(Foreign { bundle, source, sources: kept.sources, skills: BTreeMap::new(), left_out })
    }
}

/// Questions that come along.
#[derive(Debug, Default)]
struct Kept {
    quests: Vec<NamedQuest>,
    sources: BTreeMap<String, String>,
    /// Which of them are of which topic.
    topics: BTreeMap<String, Vec<String>>,
}

impl Kept {
    fn put(&mut self, course: &str, source: &str, question: &Question, quest: QuestDocument) {
        let uuid = &question.info.uuid;
        let mut slug =
            format!("{course}-{}", slug_of(&question.name, 50).unwrap_or_else(|| "question".to_owned()));
        if self.sources.contains_key(&slug) {
            slug = format!("{slug}-{}", uuid.get(24..).unwrap_or(uuid));
        }
        self.sources.insert(slug.clone(), format!("{source}:{uuid}"));
        self.topics.entry(question.info.topic.trim().to_owned()).or_default().push(slug.clone());
        self.quests.push(NamedQuest { slug, quest, files: Vec::new() });
    }

    /// Topics as chapters: in the course's order, then those that it does not name.
    fn chapters(&mut self, order: &[Topic]) -> Vec<Chapter> {
        let mut chapters: Vec<Chapter> = Vec::new();
        let named = order.iter().map(|topic| (topic.name.trim().to_owned(), topic.description.trim()));
        let others: Vec<String> = self.topics.keys().cloned().collect();
        for (topic, description) in named.chain(others.into_iter().map(|topic| (topic, ""))) {
            let Some(quests) = self.topics.remove(&topic) else { continue };
            let mut slug = slug_of(&topic, 80).unwrap_or_else(|| "topic".to_owned());
            if chapters.iter().any(|one| one.slug == slug) {
                slug = format!("{slug}-{}", chapters.len() + 1);
            }
            let entry = |quest| PathQuest { quest, optional: false, difficulty: None, unlock: None };
            chapters.push(Chapter {
                slug,
                title: kernel::text::cleaned(&topic, 255).unwrap_or_else(|| "Other questions".to_owned()),
                description: super::markdown::escaped(description),
                starts: None,
                ends: None,
                experience_points: 0,
                unlock: None,
                quests: quests.into_iter().map(entry).collect(),
            });
        }
        chapters
    }
}

/// A question as a step, with what is otherwise here than there.
async fn step(question: &Question, sandbox: Option<&Sandbox>) -> Result<(Step, Vec<String>), Failed> {
    let variants = match (&question.program, sandbox) {
        (None, _) => vec![Given::Nothing],
        (Some(_), None) => {
            let why = "has a program (server.py), and the sandbox that would run it is off";
            return Err(Failed::Program(why.to_owned()));
        }
        (Some(program), Some(sandbox)) => {
            let file = format!("{}/server.py", question.name);
            variants::variants(sandbox, &file, program).await?
        }
    };
    let asked = question::asked(&question.info.uuid, &question.title, &question.html, &variants);
    let mut asked = asked.map_err(Failed::Program)?;
    if question.info.partial == Some(false) {
        for one in &mut asked.quiz.questions {
            one.partial = false;
        }
    }
    let step = Step {
        slug: "answer".to_owned(),
        step_type: StepType::Quiz,
        title: question.title.clone(),
        description: asked.description,
        experience_points: 0,
        optional: false,
        url: None,
        elsewhere: None,
        note_characters: 0,
        quiz: Some(asked.quiz),
        coding: None,
        submission: None,
    };
    let quest = quest(&question.title, vec![step]);
    if let Some(wrong) = quest_check(&quest).first() {
        let field = wrong.field.trim_start_matches("steps[0].").trim_start_matches("quiz.");
        return Err(Failed::Program(format!("`{field}` {}", wrong.message)));
    }
    let step = quest.steps.into_iter().next();
    step.map(|step| (step, asked.notes)).ok_or_else(|| Failed::Program("asks nothing".to_owned()))
}

fn quest(title: &str, steps: Vec<Step>) -> QuestDocument {
    QuestDocument {
        title: title.to_owned(),
        description: String::new(),
        quest_type: QuestType::Practice,
        difficulty: Difficulty::Beginner,
        language: "english".to_owned(),
        estimated_minutes: None,
        experience_points: QUESTION_XP,
        skills: BTreeMap::new(),
        requires: Vec::new(),
        unlock: None,
        resources: Vec::new(),
        files: BTreeMap::new(),
        steps,
        assessments: Vec::new(),
    }
}

fn path(name: String, chapters: Vec<Chapter>) -> PathDocument {
    PathDocument {
        name,
        description: String::new(),
        path_type: PathType::Course,
        language: "english".to_owned(),
        timezone: "UTC".to_owned(),
        estimated_hours: None,
        experience_points: 0,
        unlock: None,
        quests: Vec::new(),
        chapters,
    }
}

/// A short name of something called by any words; letters that short names do not have stand there by their numbers.
fn slug_of(name: &str, longest: usize) -> Option<String> {
    let mut slug = String::new();
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if c.is_alphanumeric() {
            // A String takes whatever is written.
            let _ = write!(slug, "u{:x}", u32::from(c));
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(longest);
    let slug = slug.trim_end_matches('-').to_owned();
    is_slug(&slug).then_some(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_with_letters_has_a_short_name() {
        assert_eq!(slug_of(" LAMP 101! ", 40).as_deref(), Some("lamp-101"));
        assert_eq!(slug_of("light/../Ähre", 40).as_deref(), Some("light-ue4hre"));
        assert_eq!(slug_of("a-b", 2).as_deref(), Some("a"));
        assert_eq!(slug_of("\u{202e}/..", 40), None);
    }
}
