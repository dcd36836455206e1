//! What an answer is worth: whole ten-thousandths of a point, so that sums are exact.

use std::collections::BTreeMap;

use super::read::Given;
use crate::model::quiz::{Question, QuestionType};
use crate::rules::formula;
use crate::rules::number::Decimal;
use crate::rules::text::{Pattern, normalised};

/// A point, in the unit of scores.
pub const POINT: i64 = 10_000;
/// The most points of a question.
pub const MAX_POINTS: u32 = 100;

/// The score of an answer, 0 to `points × POINT`; 0 for one left out.
pub fn grade(question: &Question, parameters: &BTreeMap<String, Decimal>, given: Option<&Given>) -> i64 {
    let full = i64::from(question.points) * POINT;
    let Some(given) = given else { return 0 };
    let (part, whole) = share(question, parameters, given).unwrap_or((0, 1));
    if whole <= 0 {
        return 0;
    }
    (full * part.clamp(0, whole)) / whole
}

/// The share of the points: so many of so many. None where the answer is not of the question's kind.
fn share(question: &Question, parameters: &BTreeMap<String, Decimal>, given: &Given) -> Option<(i64, i64)> {
    let all_or_nothing = |right: bool| Some((i64::from(right), 1));
    match (question.kind, given) {
        (QuestionType::Single, Given::Choice(choice)) => {
            all_or_nothing(question.choices.iter().any(|one| one.slug == *choice && one.right))
        }
        (QuestionType::Multiple, Given::Choices(chosen)) => {
            let keyed = question.choices.iter().filter(|one| one.right);
            let right = keyed.clone().filter(|one| chosen.contains(&one.slug)).count();
            let (keyed, right, chosen) = (count(keyed.count()), count(right), count(chosen.len()));
            let wrong = chosen - right;
            if question.partial {
                Some(((right - wrong).max(0), keyed))
            } else {
                all_or_nothing(right == keyed && wrong == 0)
            }
        }
        (QuestionType::Text, Given::Text(text)) => {
            let said = normalised(text, question.case_sensitive);
            let listed = question.answers.iter().any(|one| normalised(one, question.case_sensitive) == said);
            let pattern =
                question.pattern.as_deref().and_then(|one| Pattern::new(one, question.case_sensitive).ok());
            all_or_nothing(listed || pattern.is_some_and(|pattern| pattern.matches(text)))
        }
        (QuestionType::Number, Given::Number(number)) => {
            let key = formula::value(question.number.as_deref()?, parameters).ok()?;
            let tolerance =
                |text: &Option<String>| text.as_deref().map_or(Some(Decimal::ZERO), |text| text.parse().ok());
            all_or_nothing(number.is_within(
                key,
                tolerance(&question.absolute)?,
                tolerance(&question.relative)?,
            ))
        }
        (QuestionType::Ordering, Given::Order(order)) => {
            let key: Vec<&str> = question.choices.iter().map(|one| one.slug.as_str()).collect();
            let order: Vec<&str> = order.iter().map(String::as_str).collect();
            if question.partial {
                Some((count(common(&key, &order)), count(key.len())))
            } else {
                all_or_nothing(order == key)
            }
        }
        (QuestionType::Matching, Given::Pairs(pairs)) => {
            let right = pairs.iter().filter(|(left, right)| left == right).count();
            let all = question.pairs.len();
            if question.partial { Some((count(right), count(all))) } else { all_or_nothing(right == all) }
        }
        _ => None,
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The length of the longest common subsequence.
fn common(one: &[&str], other: &[&str]) -> usize {
    let mut row = vec![0; other.len() + 1];
    for a in one {
        let mut corner = 0;
        for (n, b) in other.iter().enumerate() {
            let above = row[n + 1];
            row[n + 1] = if a == b { corner + 1 } else { above.max(row[n]) };
            corner = above;
        }
    }
    row[other.len()]
}

/// Score and full score of a try.
pub fn score<'a>(graded: impl IntoIterator<Item = (&'a Question, i64)>) -> (i64, i64) {
    graded.into_iter().fold((0, 0), |(score, full), (question, one)| {
        (score + one, full + i64::from(question.points) * POINT)
    })
}

/// Whether a score passes: at least so many percent of the full score.
pub fn passes(score: i64, full: i64, pass_percent: u32) -> bool {
    full > 0 && i128::from(score) * 100 >= i128::from(full) * i128::from(pass_percent)
}
