//! Everything that learners are sent, looked at for keys, hidden tests and rubrics that they must not see, or not yet. What must not be
//! seen is marked in the path beforehand, so that it is found in whatever form it comes; and the fields that only authors have are known by
//! name.

use learning::model::assessment::{Criterion, RubricVisibility};
use learning::model::coding::Coding;
use learning::model::quiz::Question;
use serde_json::{Value, json};

use crate::http::Answer;

/// In whatever explains an answer.
const EXPLANATION: &str = "CANARY-explanation";
/// In hidden tests and checkers.
const HIDDEN: &str = "CANARY-hidden";
/// In rubrics that only who grades may see.
pub(super) const NEVER: &str = "CANARY-rubric-never";
/// In rubrics that are seen once one's work is graded, and by peers.
const LATER: &str = "CANARY-rubric-later";
/// In rubrics that all may see; marked, so that it is seen that marks are found.
const ALWAYS: &str = "CANARY-rubric-always";

/// Fields that nothing for learners has, but for where they are listed.
const AUTHORS: [&str; 16] = [
    "right",
    "pattern",
    "number",
    "answers",
    "absolute",
    "relative",
    "parameters",
    "pairs",
    "extra",
    "pool",
    "draws",
    "banks",
    "checker",
    "hidden",
    "partial",
    "case_sensitive",
];

pub(super) fn mark_question(question: &mut Question) {
    question.explanation =
        Some(format!("{EXPLANATION}: {}", question.explanation.as_deref().unwrap_or("so it is")));
}

pub(super) fn mark_program(program: &mut Coding) {
    for test in program.tests.iter_mut().filter(|test| test.hidden) {
        test.name = format!("{HIDDEN} {}", test.name);
        if !test.append.is_empty() {
            test.append = format!("{}  # {HIDDEN}", test.append);
        }
    }
    if let Some(checker) = &mut program.checker {
        *checker += "\n# ";
        *checker += HIDDEN;
        checker.push('\n');
    }
}

pub(super) fn mark_of(visibility: RubricVisibility) -> &'static str {
    match visibility {
        RubricVisibility::Always => ALWAYS,
        RubricVisibility::AfterGrading => LATER,
        RubricVisibility::Never => NEVER,
    }
}

pub(super) fn mark_rubric(rubric: &mut [Criterion], mark: &str) {
    for criterion in rubric {
        criterion.text = format!("{mark} {}", criterion.text);
    }
}

/// What of an answer its reader should not have been sent.
pub(super) fn leaks(path: &str, answer: &Answer) -> Vec<String> {
    let (text, body) = (&answer.text, &answer.body);
    let mut found = Vec::new();
    let mut tell = |what: &str| found.push(what.to_owned());
    if text.contains(HIDDEN) {
        tell("a hidden test, or a checker");
    }
    if text.contains(NEVER) {
        tell("a rubric that nobody is shown");
    }
    // Explanations: with what each question brought, once it is passed or no tries are left.
    let ended = body["passed"] == true || body["tries_left"] == 0;
    if text.contains(EXPLANATION) && !(path.ends_with("/answers") && ended) {
        tell("an explanation before its time");
    }
    if path.ends_with("/answers") && !ended && body["questions"].as_array().is_some_and(|all| !all.is_empty())
    {
        tell("what each question brought while tries are left");
    }
    // Rubrics that are shown later: with what is graded, or to a peer who reviews by it.
    if text.contains(LATER) && !path.ends_with("/reviews") {
        let early = body.as_array().into_iter().flatten().any(|one| {
            let graded =
                one["submissions"].as_array().into_iter().flatten().any(|own| own["status"] == "graded");
            one.to_string().contains(LATER) && !graded
        });
        if early || !body.is_array() {
            tell("a rubric before anything is graded");
        }
    }
    fields(body, &mut |name| tell(&format!("the field `{name}`")));
    found
}

/// Fields of authors, wherever they are.
fn fields(value: &Value, tell: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if AUTHORS.contains(&name.as_str()) {
                    tell(name);
                }
                fields(value, tell);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| fields(value, tell)),
        _ => {}
    }
}

#[test]
fn what_must_not_be_seen_is_found() {
    let answer = |body: Value| Answer { status: 200, text: body.to_string(), body };
    let seen = |path: &str, body: Value| leaks(path, &answer(body));
    assert_eq!(
        seen("/tries", json!({ "questions": [{ "text": "?", "choices": [{ "id": "1", "text": "A" }] }] })),
        [""; 0]
    );
    assert_eq!(
        seen("/tries", json!({ "questions": [{ "choices": [{ "right": true }] }] })),
        ["the field `right`"]
    );
    assert_eq!(seen("/attempt", json!({ "steps": [{ "tests": [{ "name": "CANARY-hidden x" }] }] })).len(), 1);
    let explained =
        |passed: bool| json!({ "passed": passed, "questions": [{ "explanation": "CANARY-explanation" }] });
    assert_eq!(seen("/answers", explained(true)), [""; 0]);
    assert_eq!(seen("/answers", explained(false)).len(), 2);
    let rubric = |status: &str| json!([{ "rubric": [{ "text": "CANARY-rubric-later" }], "submissions": [{ "status": status }] }]);
    assert_eq!(seen("/assessments", rubric("graded")), [""; 0]);
    assert_eq!(seen("/assessments", rubric("submitted")).len(), 1);
}
