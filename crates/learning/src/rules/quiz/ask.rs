//! What is asked in a try: drawn, shuffled, with parameters put in and ids of its own.

use std::collections::BTreeMap;

use crate::model::quiz::{AskedChoice, AskedQuestion, Question, QuestionType, Quiz};
use crate::rules::chance::{Chance, opaque};
use crate::rules::number::Decimal;

/// A question as it was put to a learner in a try.
#[derive(Debug, Clone)]
pub struct Put<'a> {
    /// The question with its key.
    pub question: &'a Question,
    /// Its id in this try.
    pub id: String,
    /// Values that stand in its text.
    pub parameters: BTreeMap<String, Decimal>,
    /// What can be chosen, ordered or matched: id in this try, canonical name, text.
    pub choices: Vec<(String, String, String)>,
    /// Right sides of `matching`: id in this try, canonical name, text.
    pub targets: Vec<(String, String, String)>,
}

/// The questions of a try: the same whenever it is worked out again. `name` is that of the try.
pub fn put<'a>(quiz: &'a Quiz, secret: &[u8], name: &str) -> Vec<Put<'a>> {
    let mut chance = Chance::new(secret, format!("quiz {name}"));
    let mut groups: Vec<Vec<&Question>> = quiz
        .questions
        .iter()
        .filter(|question| !is_drawn(quiz, question))
        .map(|question| vec![question])
        .collect();
    for draw in &quiz.draws {
        let of_pool = |question: &&Question| question.pool.as_deref() == Some(draw.pool.as_str());
        let mut pool = drawable(quiz.questions.iter().filter(of_pool));
        chance.shuffle(&mut pool);
        groups.extend(pool.into_iter().take(draw.count));
    }
    if quiz.shuffle {
        chance.shuffle(&mut groups);
    }
    groups.into_iter().flatten().map(|question| put_one(question, quiz.shuffle, secret, name)).collect()
}

/// What can be drawn of a pool, each with the questions that come together: a set is one, in the order of its questions.
pub fn drawable<'a>(pool: impl Iterator<Item = &'a Question>) -> Vec<Vec<&'a Question>> {
    let mut groups: Vec<Vec<&Question>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for question in pool {
        let known = question.set.as_deref().map(|set| *places.entry(set).or_insert(groups.len()));
        match known.and_then(|place| groups.get_mut(place)) {
            Some(group) => group.push(question),
            None => groups.push(vec![question]),
        }
    }
    groups
}

fn is_drawn(quiz: &Quiz, question: &Question) -> bool {
    question.pool.as_ref().is_some_and(|pool| quiz.draws.iter().any(|draw| draw.pool == *pool))
}

fn put_one<'a>(question: &'a Question, shuffle: bool, secret: &[u8], name: &str) -> Put<'a> {
    let slug = &question.slug;
    // Each question has a stream of its own: its parameters do not depend on what else is asked.
    let mut chance = Chance::new(secret, format!("question {slug} of {name}"));
    let parameters: BTreeMap<String, Decimal> = question
        .parameters
        .iter()
        .filter_map(|parameter| {
            let values = parameter.to.abs_diff(parameter.from) / parameter.step.unsigned_abs().max(1) + 1;
            let nth = i64::try_from(chance.below(values)).ok()?;
            Some((parameter.name.clone(), Decimal::whole(parameter.from + nth * parameter.step)?))
        })
        .collect();
    let named = |side: &str, canonical: &str, text: &str| {
        let id = opaque(secret, &format!("{side} {canonical} of {slug} of {name}"));
        (id, canonical.to_owned(), filled(text, &parameters))
    };
    let mut choices: Vec<_> = match question.kind {
        QuestionType::Matching => {
            question.pairs.iter().map(|pair| named("left", &pair.slug, &pair.left)).collect()
        }
        _ => question.choices.iter().map(|choice| named("choice", &choice.slug, &choice.text)).collect(),
    };
    let extra = question.extra.iter().enumerate().map(|(n, text)| named("right", &format!("+{n}"), text));
    let pairs = question.pairs.iter().map(|pair| named("right", &pair.slug, &pair.right));
    let mut targets: Vec<_> = pairs.chain(extra).collect();
    if shuffle && question.kind != QuestionType::Matching {
        chance.shuffle(&mut choices);
    }
    // As they are written, these would be the answer: they are shuffled whatever the author says.
    if !shuffle && question.kind == QuestionType::Ordering {
        chance.shuffle(&mut choices);
    }
    chance.shuffle(&mut targets);
    Put { question, id: opaque(secret, &format!("question {slug} of {name}")), parameters, choices, targets }
}

/// The text with `{name}` replaced by the parameters' values.
fn filled(text: &str, parameters: &BTreeMap<String, Decimal>) -> String {
    parameters
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string()))
}

/// What the learner is sent.
pub fn asked(put: &[Put<'_>]) -> Vec<AskedQuestion> {
    let shown = |all: &[(String, String, String)]| {
        all.iter().map(|(id, _, text)| AskedChoice { id: id.clone(), text: text.clone() }).collect()
    };
    put.iter()
        .map(|one| AskedQuestion {
            id: one.id.clone(),
            kind: one.question.kind,
            text: filled(&one.question.text, &one.parameters),
            points: one.question.points,
            choices: shown(&one.choices),
            targets: shown(&one.targets),
        })
        .collect()
}
