//! Answers to a quiz by who knows its key: right ones, and wrong ones.

use std::collections::BTreeSet;

use learning::model::quiz::{Question, QuestionType, Quiz};
use serde_json::{Value, json};

/// Answers to the questions that a try asks, all right or all wrong.
pub(crate) fn answers(quiz: &Quiz, begun: &Value, right: bool) -> Value {
    let asked = begun["questions"].as_array().unwrap();
    // Variants differ by a text of theirs, while others may be the same.
    let sets: BTreeSet<Option<&str>> = quiz.questions.iter().map(|one| one.set.as_deref()).collect();
    let of = |set: Option<&str>| -> Option<Vec<&Question>> {
        let known = |asked: &Value| {
            quiz.questions
                .iter()
                .find(|one| (one.set.is_none() || one.set.as_deref() == set) && reads(one, asked))
        };
        asked.iter().map(known).collect()
    };
    let known = sets.into_iter().find_map(of).unwrap_or_else(|| panic!("nobody wrote {begun}"));
    known.into_iter().zip(asked).map(|(question, asked)| answer(question, asked, right)).collect()
}

/// Whether it is this question that is asked.
fn reads(question: &Question, asked: &Value) -> bool {
    let shown = asked["choices"].as_array().into_iter().flatten().map(|one| one["text"].as_str().unwrap());
    let choices = question.choices.iter().map(|one| one.text.as_str());
    let choices = choices.chain(question.pairs.iter().map(|pair| pair.left.as_str()));
    question.text == asked["text"].as_str().unwrap()
        && shown.collect::<BTreeSet<_>>() == choices.collect::<BTreeSet<_>>()
}

/// The id of what reads so.
fn id(list: &Value, text: &str) -> Value {
    list.as_array().unwrap().iter().find(|one| one["text"] == text).unwrap()["id"].clone()
}

fn answer(question: &Question, asked: &Value, right: bool) -> Value {
    let choices = || question.choices.iter().filter(|one| one.right == right);
    let mut answer = json!({ "question": asked["id"] });
    match question.kind {
        QuestionType::Single => answer["choice"] = id(&asked["choices"], &choices().next().unwrap().text),
        QuestionType::Multiple => {
            answer["choices"] = choices().map(|one| id(&asked["choices"], &one.text)).collect();
        }
        QuestionType::Text => {
            answer["text"] = json!(if right { question.answers[0].as_str() } else { "none of these" });
        }
        QuestionType::Number => {
            answer["number"] = json!(if right { question.number.as_deref().unwrap() } else { "-987654321" });
        }
        QuestionType::Ordering => {
            let mut texts: Vec<&str> = question.choices.iter().map(|one| one.text.as_str()).collect();
            if !right {
                texts.reverse();
            }
            answer["order"] = texts.into_iter().map(|text| id(&asked["choices"], text)).collect();
        }
        QuestionType::Matching => {
            let mut rights: Vec<&str> = question.pairs.iter().map(|pair| pair.right.as_str()).collect();
            if !right {
                rights.rotate_left(1);
            }
            for (pair, to) in question.pairs.iter().zip(rights) {
                let left = id(&asked["choices"], &pair.left);
                answer["pairs"][left.as_str().unwrap()] = id(&asked["targets"], to);
            }
        }
    }
    answer
}
