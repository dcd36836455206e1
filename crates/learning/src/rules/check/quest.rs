//! Quests.

use std::collections::BTreeSet;

use kernel::FieldError;

use super::assessment::{assessments_check, rubric_check};
use super::{Findings, LANGUAGES, MAX_LIST, MOST, coding_check, quiz_check};
use crate::model::quest::{Elsewhere, QuestDocument, Step, StepType, SubmissionStep};
use crate::rules::files::{file_named, files_check};
use crate::rules::unlock::rule_check;

/// The most steps.
const MAX_STEPS: usize = 200;
/// Everything that is wrong with a quest by itself.
pub fn quest_check(quest: &QuestDocument) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.name("title", &quest.title);
    found.text("description", &quest.description, 100_000);
    if !LANGUAGES.contains(&quest.language.as_str()) {
        found.say("language", format!("must be one of {}", LANGUAGES.join(", ")));
    }
    if let Some(minutes) = quest.estimated_minutes {
        found.range("estimated_minutes", minutes.into(), 1, 1_000_000);
    }
    found.range("experience_points", quest.experience_points.into(), 0, MOST.into());
    if quest.skills.len() > 50 {
        found.say("skills", "must be at most 50");
    }
    for (skill, points) in &quest.skills {
        found.range(&format!("skills.{skill}"), (*points).into(), 1, MOST.into());
    }
    if quest.requires.len() > MAX_LIST {
        found.say("requires", format!("must be at most {MAX_LIST}"));
    }
    found.unique_names("requires", &quest.requires);
    if let Some(wrong) = quest.unlock.as_ref().and_then(rule_check) {
        found.say("unlock", wrong);
    }
    if quest.resources.len() > MAX_LIST {
        found.say("resources", format!("must be at most {MAX_LIST}"));
    }
    for (n, resource) in quest.resources.iter().enumerate() {
        found.name(&format!("resources[{n}].title"), &resource.title);
        found.text(
            &format!("resources[{n}].description"),
            resource.description.as_deref().unwrap_or(""),
            10_000,
        );
        if file_named(&resource.url).is_none() {
            found.url(&format!("resources[{n}].url"), &resource.url);
        }
    }
    if quest.steps.len() > MAX_STEPS {
        found.say("steps", format!("must be at most {MAX_STEPS}"));
    }
    found.unique("steps", "slug", quest.steps.iter().map(|step| step.slug.as_str()));
    for (n, step) in quest.steps.iter().enumerate() {
        found.within(&format!("steps[{n}]"), step_check(step));
    }
    files_check(&mut found, quest);
    let mut wrong = found.done();
    wrong.extend(assessments_check(&quest.assessments));
    wrong
}

impl Findings {
    fn unique_names(&mut self, field: &str, names: &[String]) {
        let different: BTreeSet<&String> = names.iter().collect();
        if different.len() != names.len() {
            self.say(field, "must not name one twice");
        }
        for (n, name) in names.iter().enumerate() {
            self.slug(&format!("{field}[{n}]"), name);
        }
    }
}

fn step_check(step: &Step) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.name("title", &step.title);
    found.text("description", &step.description, 100_000);
    found.range("experience_points", step.experience_points.into(), 0, MOST.into());
    found.range("note_characters", step.note_characters.into(), 0, 10_000);
    if let Some(url) = &step.url {
        found.url("url", url);
    }
    let kind = step.step_type;
    if step.url.is_some() && !matches!(kind, StepType::Video | StepType::Interactive) {
        found.say("url", "belongs to Video and Interactive steps");
    }
    if step.url.is_none() && kind == StepType::Video {
        found.say("url", "is missing: where is the video?");
    }
    let judged = matches!(kind, StepType::Quiz | StepType::Coding | StepType::Submission);
    if judged && step.note_characters > 0 {
        found.say("note_characters", "belongs to steps that are confirmed");
    }
    if let Some(elsewhere) = &step.elsewhere {
        if judged || step.note_characters > 0 {
            found.say("elsewhere", "belongs to steps that nobody judges, and that ask for no note");
        }
        if let Some(wrong) = elsewhere_check(elsewhere) {
            found.say("elsewhere", wrong);
        }
    }
    let parts = [
        ("quiz", step.quiz.is_some(), kind == StepType::Quiz),
        ("coding", step.coding.is_some(), kind == StepType::Coding),
        ("submission", step.submission.is_some(), kind == StepType::Submission),
    ];
    for (field, there, wanted) in parts {
        match (there, wanted) {
            (true, false) => found.say(field, format!("does not belong to a {} step", kind.as_str())),
            (false, true) => found.say(field, format!("is missing from a {} step", kind.as_str())),
            _ => {}
        }
    }
    if let Some(quiz) = &step.quiz {
        found.within("quiz", quiz_check(quiz));
    }
    if let Some(coding) = &step.coding {
        found.within("coding", coding_check(coding));
    }
    if let Some(submission) = &step.submission {
        found.within("submission", submission_check(submission));
    }
    found.done()
}

fn elsewhere_check(elsewhere: &Elsewhere) -> Option<&'static str> {
    match elsewhere {
        Elsewhere::Challenge(slug) => {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let is_slug = (1..=64).contains(&slug.len()) && !slug.starts_with('-') && slug.bytes().all(fits);
            (!is_slug)
                .then_some("must name a challenge by its short name: lower-case letters, digits and dashes")
        }
        Elsewhere::Achievement(id) => (*id < 1).then_some("must name an achievement by its number"),
        Elsewhere::BoardQuests(n) | Elsewhere::Threads(n) => {
            (!(1..=1_000).contains(n)).then_some("must be 1 to 1000 of them")
        }
        Elsewhere::VoiceMinutes(n) => {
            (!(10..=10_000).contains(n) || n % 10 != 0).then_some("must be 10 to 10000 minutes, in tens")
        }
    }
}

fn submission_check(submission: &SubmissionStep) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.range("pass_percent", submission.pass_percent.into(), 1, 100);
    if let Some(tries) = submission.max_tries {
        found.range("max_tries", tries.into(), 1, 1_000);
    }
    rubric_check(&mut found, &submission.rubric);
    found.done()
}
