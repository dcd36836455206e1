//! Answers as they come, read into canonical ones. Whatever is unknown, repeated or of another try is refused.

use std::collections::{BTreeMap, BTreeSet};

use kernel::FieldError;
use serde_json::{Value, json};

use super::ask::Put;
use crate::model::quiz::{ItemAnswer, QuestionType};
use crate::rules::number::Decimal;

/// The longest text that is an answer, in characters.
const MAX_TEXT: usize = 10_000;

/// A canonical answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// `single`.
    Choice(String),
    /// `multiple`.
    Choices(BTreeSet<String>),
    /// `text`, as it was written.
    Text(String),
    /// `number`.
    Number(Decimal),
    /// `ordering`.
    Order(Vec<String>),
    /// `matching`: right sides by left sides.
    Pairs(BTreeMap<String, String>),
}

impl Given {
    /// As it is stored.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Choice(choice) => json!(choice),
            Self::Choices(choices) => json!(choices),
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number.to_string()),
            Self::Order(order) => json!(order),
            Self::Pairs(pairs) => json!(pairs),
        }
    }

    /// Reads back what is stored.
    pub fn from_json(kind: QuestionType, value: &Value) -> Option<Self> {
        let text = || value.as_str().map(str::to_owned);
        let list = || -> Option<Vec<String>> { serde_json::from_value(value.clone()).ok() };
        Some(match kind {
            QuestionType::Single => Self::Choice(text()?),
            QuestionType::Multiple => Self::Choices(list()?.into_iter().collect()),
            QuestionType::Text => Self::Text(text()?),
            QuestionType::Number => Self::Number(text()?.parse().ok()?),
            QuestionType::Ordering => Self::Order(list()?),
            QuestionType::Matching => Self::Pairs(serde_json::from_value(value.clone()).ok()?),
        })
    }
}

/// The canonical answers to what was put, `None` for those left out; or everything that is wrong. Nothing at all is wrong, too.
pub fn answers_read(put: &[Put<'_>], answers: &[ItemAnswer]) -> Result<Vec<Option<Given>>, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut given: Vec<Option<Given>> = vec![None; put.len()];
    let mut seen = BTreeSet::new();
    for (n, answer) in answers.iter().enumerate() {
        let mut say = |field: &str, message: &str| {
            wrong.push(FieldError { field: format!("answers[{n}].{field}"), message: message.to_owned() });
        };
        let Some(at) = put.iter().position(|one| one.id == answer.question) else {
            say("question", "is no question of this try");
            continue;
        };
        if !seen.insert(at) {
            say("question", "is answered twice");
            continue;
        }
        match read_one(&put[at], answer) {
            Ok(one) => given[at] = one,
            Err((field, message)) => say(field, message),
        }
    }
    if wrong.is_empty() && given.iter().all(Option::is_none) {
        wrong.push(FieldError {
            field: "answers".to_owned(),
            message: "must answer at least one question".to_owned(),
        });
    }
    if wrong.is_empty() { Ok(given) } else { Err(wrong) }
}

type Wrong = (&'static str, &'static str);

fn read_one(put: &Put<'_>, answer: &ItemAnswer) -> Result<Option<Given>, Wrong> {
    let kind = put.question.kind;
    let fields = [
        (answer.choice.is_some(), "choice", QuestionType::Single),
        (answer.choices.is_some(), "choices", QuestionType::Multiple),
        (answer.text.is_some(), "text", QuestionType::Text),
        (answer.number.is_some(), "number", QuestionType::Number),
        (answer.order.is_some(), "order", QuestionType::Ordering),
        (answer.pairs.is_some(), "pairs", QuestionType::Matching),
    ];
    if let Some((_, field, _)) = fields.iter().find(|(there, _, of)| *there && *of != kind) {
        return Err((field, "is not how this question is answered"));
    }
    Ok(match kind {
        QuestionType::Single => match &answer.choice {
            None => None,
            Some(id) => Some(Given::Choice(canonical(&put.choices, id).ok_or(("choice", FOREIGN))?)),
        },
        QuestionType::Multiple => match answer.choices.as_deref() {
            None | Some([]) => None,
            Some(ids) => Some(Given::Choices(all_of(&put.choices, ids, "choices")?.into_iter().collect())),
        },
        QuestionType::Text => match answer.text.as_deref() {
            Some(text) if text.chars().count() > MAX_TEXT => {
                return Err(("text", "must be at most 10,000 characters long"));
            }
            Some(text) if !text.trim().is_empty() => Some(Given::Text(text.to_owned())),
            _ => None,
        },
        QuestionType::Number => match answer.number.as_deref() {
            Some(text) if !text.trim().is_empty() => {
                Some(Given::Number(text.parse().map_err(|_| ("number", NUMBER))?))
            }
            _ => None,
        },
        QuestionType::Ordering => match answer.order.as_deref() {
            None | Some([]) => None,
            Some(ids) => {
                let order = all_of(&put.choices, ids, "order")?;
                if order.len() != put.choices.len() {
                    return Err(("order", "must have every choice, once"));
                }
                Some(Given::Order(order))
            }
        },
        QuestionType::Matching => match &answer.pairs {
            None => None,
            Some(pairs) if pairs.is_empty() => None,
            Some(pairs) => Some(Given::Pairs(pairs_read(put, pairs)?)),
        },
    })
}

const FOREIGN: &str = "is not among the ids of this try";
const NUMBER: &str =
    "must be a decimal number, such as \"-12.5\", with at most 15 digits before the point and 9 after it";

fn canonical(all: &[(String, String, String)], id: &str) -> Option<String> {
    all.iter().find(|(one, ..)| one == id).map(|(_, canonical, _)| canonical.clone())
}

fn all_of(
    all: &[(String, String, String)],
    ids: &[String],
    field: &'static str,
) -> Result<Vec<String>, Wrong> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let one = canonical(all, id).ok_or((field, "has an id that is not of this try"))?;
        if found.contains(&one) {
            return Err((field, "has an id twice"));
        }
        found.push(one);
    }
    Ok(found)
}

fn pairs_read(put: &Put<'_>, pairs: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Wrong> {
    let mut read = BTreeMap::new();
    let mut used = BTreeSet::new();
    for (left, right) in pairs {
        let left =
            canonical(&put.choices, left).ok_or(("pairs", "has a left side that is not of this try"))?;
        let right =
            canonical(&put.targets, right).ok_or(("pairs", "has a right side that is not of this try"))?;
        if !used.insert(right.clone()) {
            return Err(("pairs", "has a right side twice"));
        }
        read.insert(left, right);
    }
    Ok(read)
}
