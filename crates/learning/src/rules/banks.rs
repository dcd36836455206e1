//! What quizzes draw from banks: publication copies a bank's questions into the version, where they stand as a pool of its name, each under
//! the name `bank/question`, which no question of a quiz's own can bear.

use std::collections::{BTreeMap, BTreeSet};

use kernel::FieldError;

use crate::model::quest::QuestDocument;
use crate::model::quiz::{Draw, Question, Quiz};
use crate::rules::quiz::drawable;

/// Questions by the bank they are of.
pub type Banks = BTreeMap<String, Vec<Question>>;

/// All quizzes of a quest, each with its place in the document.
pub fn quizzes(quest: &QuestDocument) -> impl Iterator<Item = (String, &Quiz)> {
    let steps = quest.steps.iter().enumerate();
    let steps = steps.filter_map(|(n, step)| Some((format!("steps[{n}].quiz"), step.quiz.as_ref()?)));
    let assessments = quest.assessments.iter().enumerate();
    steps.chain(
        assessments.filter_map(|(n, one)| Some((format!("assessments[{n}].quiz"), one.quiz.as_ref()?))),
    )
}

/// What a quiz draws from banks: pools that none of its own questions names.
pub fn drawn(quiz: &Quiz) -> impl Iterator<Item = (usize, &Draw)> {
    let own = |draw: &Draw| quiz.questions.iter().any(|question| question.pool.as_ref() == Some(&draw.pool));
    quiz.draws.iter().enumerate().filter(move |(_, draw)| !own(draw))
}

/// The banks that a quest draws from.
pub fn banks_of(quest: &QuestDocument) -> BTreeSet<&str> {
    quizzes(quest).flat_map(|(_, quiz)| drawn(quiz).map(|(_, draw)| draw.pool.as_str())).collect()
}

/// What a quest draws of banks that have too few questions; `unknown` says what becomes of banks that are not among these.
pub fn draws_check(quest: &QuestDocument, banks: &Banks, unknown: Option<&str>) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    for (place, quiz) in quizzes(quest) {
        for (n, draw) in drawn(quiz) {
            let found = match banks.get(&draw.pool) {
                Some(bank) if drawable(bank.iter()).len() < draw.count => Some((
                    "count",
                    format!("must be 1 to the {} of the bank `{}`", so_many(bank.iter()), draw.pool),
                )),
                None => unknown.map(|why| ("pool", why.to_owned())),
                Some(_) => None,
            };
            if let Some((field, message)) = found {
                wrong.push(FieldError { field: format!("{place}.draws[{n}].{field}"), message });
            }
        }
    }
    wrong
}

/// How many can be drawn of a pool, in words.
pub(crate) fn so_many<'a>(pool: impl Iterator<Item = &'a Question> + Clone) -> String {
    let (all, drawable) = (pool.clone().count(), drawable(pool).len());
    if all == drawable {
        format!("{all} questions")
    } else {
        format!("{drawable} sets and questions without")
    }
}

/// Puts the questions of banks where quizzes draw from them.
pub fn fill(quest: &mut QuestDocument, banks: &Banks) {
    if banks.is_empty() {
        return;
    }
    let of_steps = quest.steps.iter_mut().filter_map(|step| step.quiz.as_mut());
    let of_assessments = quest.assessments.iter_mut().filter_map(|one| one.quiz.as_mut());
    for quiz in of_steps.chain(of_assessments) {
        let pools: Vec<String> = drawn(quiz).map(|(_, draw)| draw.pool.clone()).collect();
        for pool in pools {
            let bank = banks.get(&pool).map(Vec::as_slice).unwrap_or_default();
            quiz.questions.extend(bank.iter().map(|question| Question {
                slug: format!("{pool}/{}", question.slug),
                pool: Some(pool.clone()),
                ..question.clone()
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quest() -> QuestDocument {
        serde_json::from_value(json!({
            "title": "Codes", "type": "Practice", "difficulty": "Beginner",
            "steps": [{ "slug": "ask", "type": "Quiz", "title": "Ask", "quiz": {
                "draws": [{ "pool": "own", "count": 1 }, { "pool": "codes", "count": 2 }],
                "questions": [{ "slug": "q", "type": "text", "text": "?", "answers": ["a"], "pool": "own" }] } }],
        }))
        .unwrap()
    }

    fn banks(count: usize) -> Banks {
        let question = |n| {
            serde_json::from_value(
                json!({ "slug": format!("q{n}"), "type": "text", "text": "?", "answers": ["a"] }),
            )
        };
        BTreeMap::from([("codes".to_owned(), (0..count).map(|n| question(n).unwrap()).collect())])
    }

    #[test]
    fn a_pool_that_no_question_names_is_a_bank() {
        let mut quest = quest();
        assert_eq!(banks_of(&quest), BTreeSet::from(["codes"]));
        assert!(draws_check(&quest, &banks(2), Some("is no bank")).is_empty());
        assert_eq!(draws_check(&quest, &banks(1), None)[0].field, "steps[0].quiz.draws[1].count");
        assert_eq!(
            draws_check(&quest, &Banks::new(), Some("is no bank"))[0].field,
            "steps[0].quiz.draws[1].pool"
        );
        fill(&mut quest, &banks(3));
        let slugs: Vec<&str> =
            quest.steps[0].quiz.as_ref().unwrap().questions.iter().map(|one| one.slug.as_str()).collect();
        assert_eq!(slugs, ["q", "codes/q0", "codes/q1", "codes/q2"]);
        // Filled once, nothing is drawn from a bank any more.
        fill(&mut quest, &banks(3));
        assert_eq!(quest.steps[0].quiz.as_ref().unwrap().questions.len(), 4);
    }
}
