//! Right answers, for those who have the key: members of the demo, and rehearsals of a path. They are found by what a learner was sent
//! alone, so that they show that it can be answered.

use std::collections::BTreeMap;

use crate::model::quiz::{AskedChoice, AskedQuestion, ItemAnswer, Question, QuestionType, Quiz};
use crate::rules::formula;
use crate::rules::number::Decimal;

/// Answers to what was asked that bring all points; `None` where a question is not one of the quiz, or only a pattern tells what is right.
pub fn solve(quiz: &Quiz, asked: &[AskedQuestion]) -> Option<Vec<ItemAnswer>> {
    asked.iter().map(|one| quiz.questions.iter().find_map(|question| answer(question, one))).collect()
}

fn answer(question: &Question, asked: &AskedQuestion) -> Option<ItemAnswer> {
    if question.kind != asked.kind {
        return None;
    }
    let parameters = parameters(question, &asked.text)?;
    let id = |of: &[AskedChoice], text: &str| {
        let text = filled(text, &parameters);
        of.iter().find(|one| one.text == text).map(|one| one.id.clone())
    };
    let mut right = question.choices.iter().filter(|choice| choice.right);
    let mut answer = ItemAnswer { question: asked.id.clone(), ..ItemAnswer::default() };
    match question.kind {
        QuestionType::Single => answer.choice = Some(id(&asked.choices, &right.next_back()?.text)?),
        QuestionType::Multiple => {
            answer.choices = Some(right.map(|one| id(&asked.choices, &one.text)).collect::<Option<_>>()?);
        }
        QuestionType::Text => answer.text = Some(question.answers.first()?.clone()),
        QuestionType::Number => {
            let number = formula::value(question.number.as_deref()?, &parameters).ok()?;
            answer.number = Some(number.to_string());
        }
        QuestionType::Ordering => {
            let order = question.choices.iter().map(|one| id(&asked.choices, &one.text));
            answer.order = Some(order.collect::<Option<_>>()?);
        }
        QuestionType::Matching => {
            let pairs = question
                .pairs
                .iter()
                .map(|pair| Some((id(&asked.choices, &pair.left)?, id(&asked.targets, &pair.right)?)));
            answer.pairs = Some(pairs.collect::<Option<_>>()?);
        }
    }
    Some(answer)
}

fn filled(text: &str, parameters: &BTreeMap<String, Decimal>) -> String {
    parameters
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.to_string()))
}

/// The parameters' values, read out of the text that they were put into; `None` where it is another question's.
fn parameters(question: &Question, text: &str) -> Option<BTreeMap<String, Decimal>> {
    let mut values: BTreeMap<String, Decimal> = BTreeMap::new();
    let (mut template, mut rest) = (question.text.as_str(), text);
    loop {
        let places = question.parameters.iter().filter_map(|parameter| {
            let place = format!("{{{}}}", parameter.name);
            Some((template.find(&place)?, place.len(), &parameter.name))
        });
        let Some((at, length, name)) = places.min() else {
            return (rest == template).then_some(values);
        };
        rest = rest.strip_prefix(&template[..at])?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
        let value: Decimal = rest[..end].parse().ok()?;
        if values.insert(name.clone(), value).is_some_and(|before| before != value) {
            return None;
        }
        (template, rest) = (&template[at + length..], &rest[end..]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::quiz::{answers_read, asked, grade, passes, put, score};

    #[test]
    fn what_is_asked_can_be_answered_with_the_key_at_hand() {
        let quiz: Quiz = serde_json::from_value(json!({ "questions": [
            { "slug": "one", "type": "single", "text": "One?", "choices": [
                { "slug": "a", "text": "A" }, { "slug": "b", "text": "B", "right": true }] },
            { "slug": "some", "type": "multiple", "text": "Some?", "choices": [
                { "slug": "a", "text": "A", "right": true }, { "slug": "b", "text": "B", "right": true }, { "slug": "c", "text": "C" }] },
            { "slug": "word", "type": "text", "text": "Word?", "answers": ["sesame"] },
            { "slug": "sum", "type": "number", "text": "{a} + {b}, or {b} + {a}?", "number": "a + b", "parameters": [
                { "name": "a", "from": -9, "to": 90 }, { "name": "b", "from": 2, "to": 20 }] },
            { "slug": "order", "type": "ordering", "text": "Order?", "choices": [
                { "slug": "a", "text": "A" }, { "slug": "b", "text": "B" }, { "slug": "c", "text": "C" }] },
            { "slug": "pairs", "type": "matching", "text": "Pairs?", "extra": ["Z"], "pairs": [
                { "slug": "a", "left": "a", "right": "A" }, { "slug": "b", "left": "b", "right": "B" }] },
        ] }))
        .unwrap();
        for n in 0..50 {
            let put = put(&quiz, b"secret", &format!("try {n}"));
            let answers = solve(&quiz, &asked(&put)).unwrap();
            let given = answers_read(&put, &answers).unwrap();
            let graded = put
                .iter()
                .zip(&given)
                .map(|(one, given)| grade(one.question, &one.parameters, given.as_ref()));
            let (reached, full) = score(put.iter().map(|one| one.question).zip(graded));
            assert!(passes(reached, full, 100), "{answers:?}");
        }
    }
}
