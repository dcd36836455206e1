//! A path to begin with: three quests that show the step types an author needs first.

use serde_json::json;

use crate::error::Error;
use crate::model::path::Bundle;
use crate::rules::check::is_slug;

/// A small path of this short name, complete as it is.
pub fn new_path(slug: &str) -> Result<Bundle, Error> {
    if !is_slug(slug) {
        let message =
            "must be lower-case letters, digits, dots, underscores and dashes: it is the path's short name";
        return Err(Error::field("folder", message));
    }
    let quest = |n: u32| format!("{slug}-{n}");
    let name = slug.replace(['-', '_', '.'], " ");
    let bundle = json!({
        "slug": slug,
        "path": {
            "name": name, "type": "Course", "experience_points": 100,
            "description": "What is learnt here, and for whom. Markdown.",
            "chapters": [
                { "slug": "first-steps", "title": "First steps", "experience_points": 20,
                  "quests": [{ "quest": quest(1) }, { "quest": quest(2) }] },
                { "slug": "on-your-own", "title": "On your own", "quests": [{ "quest": quest(3) }] },
            ],
        },
        "quests": [
            { "slug": quest(1), "quest": {
                "title": "Welcome", "type": "Tutorial", "difficulty": "Beginner", "experience_points": 10, "estimated_minutes": 10,
                "description": "What this quest is about.",
                "steps": [
                    { "slug": "read", "type": "Reading", "title": "Read", "description": "Something to read." },
                    { "slug": "think", "type": "Reflection", "title": "Think", "note_characters": 20,
                      "description": "What do you hope to learn? Write a sentence or two." },
                ],
            } },
            { "slug": quest(2), "quest": {
                "title": "A first check", "type": "Assessment", "difficulty": "Beginner", "experience_points": 20,
                "requires": [quest(1)], "description": "A few questions.",
                "steps": [
                    { "slug": "quiz", "type": "Quiz", "title": "Quiz", "experience_points": 10,
                      "description": "Take your time. You may try three times.",
                      "quiz": { "pass_percent": 60, "max_tries": 3, "questions": [
                        { "slug": "colour", "type": "single", "text": "Which of these is a colour?",
                          "choices": [{ "slug": "blue", "text": "Blue", "right": true }, { "slug": "seven", "text": "Seven" },
                                      { "slug": "loud", "text": "Loud" }] },
                        { "slug": "sum", "type": "number", "text": "What is {a} + {b}?", "number": "a + b",
                          "parameters": [{ "name": "a", "from": 2, "to": 20 }, { "name": "b", "from": 2, "to": 20 }] },
                        { "slug": "word", "type": "text", "text": "What do you call a person who learns?",
                          "answers": ["learner", "student", "pupil"] },
                      ] } },
                ],
            } },
            { "slug": quest(3), "quest": {
                "title": "A first program", "type": "Practice", "difficulty": "Beginner", "experience_points": 30,
                "requires": [quest(2)], "description": "Write a few lines of Python.",
                "steps": [
                    { "slug": "add", "type": "Coding", "title": "Add two numbers", "experience_points": 10,
                      "description": "Write a function `add(a, b)` that returns the sum of two numbers.",
                      "coding": { "starter": "def add(a, b):\n    return 0\n", "tests": [
                        { "name": "one and one", "append": "print(add(1, 1))", "expected": "2" },
                        { "name": "larger ones", "append": "print(add(40, 2))", "expected": "42", "hidden": true },
                      ] } },
                ],
            } },
        ],
    });
    serde_json::from_value(bundle).map_err(|error| Error::Corrupt("the example", error))
}
