//! Versions: what of a quest is graded makes one, wording does not.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::banks::Banks;
use super::progress::Progress;
use crate::model::assessment::Assessment;
use crate::model::quest::{QuestDocument, Step};
use crate::model::quiz::Question;

/// SHA-256 of what of a quest is graded or paid, in canonical JSON; with the banks that it draws from.
pub fn graded_hash(quest: &QuestDocument, banks: &Banks) -> [u8; 32] {
    let steps: Vec<Value> = quest.steps.iter().map(graded).collect();
    let mut whole =
        json!({ "experience_points": quest.experience_points, "skills": quest.skills, "steps": steps });
    // A quest without any keeps the hash that it had before there were assessments.
    if !quest.assessments.is_empty() {
        whole["assessments"] = quest.assessments.iter().map(assessment_graded).collect();
    }
    let files = files_graded(quest);
    if !files.is_empty() {
        whole["files"] = json!(files);
    }
    if !banks.is_empty() {
        let mut banks = serde_json::to_value(banks).unwrap_or_default();
        let all = banks.as_object_mut().into_iter().flat_map(Map::values_mut);
        for question in all.filter_map(Value::as_array_mut).flatten() {
            question_graded(question);
        }
        whole["banks"] = banks;
    }
    hash(&whole)
}

/// What learners work with: the files that are no pictures, by name, each with the hash of what it holds. A picture is wording, as the
/// text is that it stands in.
fn files_graded(quest: &QuestDocument) -> BTreeMap<&str, &str> {
    let files = quest.files.iter().filter(|(name, _)| !kernel::files::is_picture(name));
    files.map(|(name, file)| (name.as_str(), file.sha256.as_str())).collect()
}

/// What of an assessment is graded: all but how it is worded, and its deadline, which holds for everybody at once.
fn assessment_graded(assessment: &Assessment) -> Value {
    let mut value = serde_json::to_value(assessment).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("title");
        fields.remove("description");
        if let Some(review) = fields.get_mut("review").and_then(Value::as_object_mut) {
            review.remove("due_at");
        }
        parts_graded(fields);
    }
    value
}

/// What of a step is graded or paid: all but how it is worded.
fn graded(step: &Step) -> Value {
    // A document of ours always is an object.
    let mut value = serde_json::to_value(step).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        for wording in ["title", "description", "url"] {
            fields.remove(wording);
        }
        parts_graded(fields);
    }
    value
}

/// Takes what is wording out of a quiz or a program to write.
fn parts_graded(fields: &mut Map<String, Value>) {
    if let Some(coding) = fields.get_mut("coding").and_then(Value::as_object_mut) {
        coding.remove("starter");
    }
    let questions = fields.get_mut("quiz").and_then(|quiz| quiz.get_mut("questions"));
    for question in questions.and_then(Value::as_array_mut).into_iter().flatten() {
        question_graded(question);
    }
}

/// Without what of a question is wording. What choices say stays: another text may be another answer.
fn question_graded(question: &mut Value) {
    if let Some(fields) = question.as_object_mut() {
        fields.remove("explanation");
    }
}

/// SHA-256 of a question with its key.
pub fn question_hash(question: &Question) -> [u8; 32] {
    hash(&serde_json::to_value(question).unwrap_or_default())
}

fn hash(value: &Value) -> [u8; 32] {
    Sha256::digest(canonical(value).to_string().as_bytes()).into()
}

/// The same with the fields of every object in order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> =
                fields.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(sorted.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// How many parts of a quest count: its mandatory steps, and the assessments that must be passed.
pub fn counted(quest: &QuestDocument) -> u32 {
    let steps = quest.steps.iter().filter(|step| !step.optional).map(|_| false);
    let assessments = quest.assessments.iter().filter(|one| one.counts()).map(|_| false);
    Progress::of(steps.chain(assessments)).total
}

/// What an upgrade changes for a learner, by the short names of steps and assessments and the names of files: see [`title_of`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Steps that are new.
    pub added: Vec<String>,
    /// Steps that are gone.
    pub removed: Vec<String>,
    /// Steps that are graded or paid differently.
    pub changed: Vec<String>,
}

/// What differs between two versions.
pub fn changes(old: &QuestDocument, new: &QuestDocument) -> Changes {
    let mut changes = Changes::default();
    for step in &new.steps {
        match old.step(&step.slug) {
            None => changes.added.push(step.slug.clone()),
            Some(before) if graded(before) != graded(step) => changes.changed.push(step.slug.clone()),
            Some(_) => {}
        }
    }
    changes.removed = old
        .steps
        .iter()
        .filter(|step| new.step(&step.slug).is_none())
        .map(|step| step.slug.clone())
        .collect();
    let of = |quest: &QuestDocument, slug: &str| {
        quest.assessments.iter().find(|one| one.slug == slug).map(assessment_graded)
    };
    for one in &new.assessments {
        match of(old, &one.slug) {
            None => changes.added.push(format!("{OF_ASSESSMENT}{}", one.slug)),
            Some(before) if before != assessment_graded(one) => {
                changes.changed.push(format!("{OF_ASSESSMENT}{}", one.slug));
            }
            Some(_) => {}
        }
    }
    let gone = old.assessments.iter().filter(|one| of(new, &one.slug).is_none());
    changes.removed.extend(gone.map(|one| format!("{OF_ASSESSMENT}{}", one.slug)));
    let (before, after) = (files_graded(old), files_graded(new));
    for (name, hash) in &after {
        match before.get(name) {
            None => changes.added.push(format!("{OF_FILE}{name}")),
            Some(other) if other != hash => changes.changed.push(format!("{OF_FILE}{name}")),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    changes.removed.extend(gone.map(|name| format!("{OF_FILE}{name}")));
    changes
}

/// What stands before the short name of an assessment among [`Changes`]; no step's begins so.
const OF_ASSESSMENT: &str = "assessments/";

/// What stands before the name of a file among [`Changes`]; no step's begins so.
const OF_FILE: &str = "files/";

/// The title of what [`Changes`] name; of a file its name.
pub fn title_of<'a>(quest: &'a QuestDocument, slug: &str) -> Option<&'a str> {
    if let Some(name) = slug.strip_prefix(OF_FILE) {
        return quest.files.get_key_value(name).map(|(name, _)| name.as_str());
    }
    match slug.strip_prefix(OF_ASSESSMENT) {
        Some(slug) => quest.assessments.iter().find(|one| one.slug == slug).map(|one| one.title.as_str()),
        None => quest.step(slug).map(|step| step.title.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quest() -> QuestDocument {
        serde_json::from_value(json!({
            "title": "Loops", "type": "Tutorial", "difficulty": "Beginner", "experience_points": 50,
            "steps": [
                { "slug": "read", "type": "Reading", "title": "Read" },
                { "slug": "ask", "type": "Quiz", "title": "Ask", "quiz": { "questions": [
                    { "slug": "q", "type": "number", "text": "6 × 7?", "number": "42" }] } },
                { "slug": "more", "type": "Reading", "title": "More", "optional": true },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn wording_is_cosmetic_and_what_is_graded_is_not() {
        let old = quest();
        let changed = |change: &dyn Fn(&mut QuestDocument)| {
            let mut new = quest();
            change(&mut new);
            graded_hash(&new, &Banks::new()) != graded_hash(&old, &Banks::new())
        };
        assert!(!changed(&|new| new.title = "Repeating".to_owned()));
        assert!(!changed(&|new| new.description = "…".to_owned()));
        assert!(!changed(&|new| new.steps[0].description = "…".to_owned()));
        assert!(!changed(
            &|new| new.steps[1].quiz.as_mut().unwrap().questions[0].explanation = Some("…".to_owned())
        ));
        assert!(changed(&|new| new.experience_points = 60));
        assert!(changed(&|new| new.steps[0].optional = true));
        assert!(changed(&|new| new.steps.swap(0, 1)));
        assert!(changed(
            &|new| new.steps[1].quiz.as_mut().unwrap().questions[0].number = Some("41".to_owned())
        ));
        assert!(changed(&|new| new.skills.extend([("loops".to_owned(), 5)])));
        let with = |name: &str| (name.to_owned(), crate::rules::files::file_of(name, b"x"));
        assert!(changed(&|new| new.files.extend([with("data.csv")])));
        assert!(!changed(&|new| new.files.extend([with("map.svg")])), "a picture is wording");
        // A bank's key is graded, and what explains it is not.
        let bank = |key: &str, explanation: &str| -> Banks {
            serde_json::from_value(json!({ "codes": [
                { "slug": "q", "type": "number", "text": "?", "number": key, "explanation": explanation }] }))
            .unwrap()
        };
        assert_eq!(graded_hash(&old, &bank("1", "a")), graded_hash(&old, &bank("1", "b")));
        assert_ne!(graded_hash(&old, &bank("1", "a")), graded_hash(&old, &bank("2", "a")));
    }

    #[test]
    fn an_upgrade_says_what_changes() {
        let (old, mut new) = (quest(), quest());
        new.steps[0].slug = "see".to_owned();
        new.steps[1].experience_points = 5;
        new.steps[2].title = "Even more".to_owned();
        let slugs = |text: &str| vec![text.to_owned()];
        assert_eq!(
            changes(&old, &new),
            Changes { added: slugs("see"), removed: slugs("read"), changed: slugs("ask") }
        );
        let file = crate::rules::files::file_of;
        let with = |files: &[(&str, &str)]| {
            let files =
                files.iter().map(|(name, content)| ((*name).to_owned(), file(name, content.as_bytes())));
            QuestDocument { files: files.collect(), ..quest() }
        };
        let (before, after) = (
            with(&[("a", "1"), ("b", "1"), ("p.png", "1")]),
            with(&[("b", "2"), ("c", "1"), ("p.png", "2")]),
        );
        let differ = changes(&before, &after);
        let titles = |of: &QuestDocument, slugs: &[String]| title_of(of, &slugs[0]).map(str::to_owned);
        assert_eq!(titles(&after, &differ.added).as_deref(), Some("c"));
        assert_eq!(titles(&before, &differ.removed).as_deref(), Some("a"));
        assert_eq!(differ.changed, slugs("files/b"));
        assert_eq!(counted(&old), 2);
    }
}
