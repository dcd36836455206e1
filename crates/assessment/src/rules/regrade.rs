//! What a try comes to by another key: a pure function of stored answers, stored parameters and the key. Nothing is asked again.

use std::collections::{BTreeMap, HashMap};

use learning::model::quiz::{Question, Quiz};
use learning::rules::number::Decimal;
use learning::rules::quiz::{Given, POINT, grade, passes};
use learning::rules::versions::question_hash;
use learning::store::{GradedResponse, GradedTry};
use serde_json::Value;

/// A key, ready to grade many by.
pub struct Key<'a> {
    questions: HashMap<&'a str, (&'a Question, [u8; 32])>,
    pass_percent: u32,
}

impl std::fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nobody's business.
        write!(f, "Key({} questions)", self.questions.len())
    }
}

/// What became of a try.
#[derive(Debug, Clone)]
pub struct Regraded {
    /// The try as it is now.
    pub now: GradedTry,
    /// Its answers that are graded differently, or by another wording of the key.
    pub responses: Vec<GradedResponse>,
}

impl<'a> Key<'a> {
    /// The key of a quiz.
    pub fn new(quiz: &'a Quiz) -> Self {
        let questions = quiz.questions.iter();
        Self {
            questions: questions.map(|one| (one.slug.as_str(), (one, question_hash(one)))).collect(),
            pass_percent: quiz.pass_percent,
        }
    }

    /// A try and all its answers by this key; `None` where nothing of it changes, or where it would come to less and `lowers` is not
    /// wanted. Answers to questions that the key does not have keep their scores.
    pub fn regrade(&self, was: &GradedTry, answers: Vec<GradedResponse>, lowers: bool) -> Option<Regraded> {
        let mut responses = Vec::new();
        let (mut score, mut full) = (0, 0);
        for answer in answers {
            let now = self.answer(&answer);
            score += now.as_ref().map_or(answer.score, |now| now.score);
            full += now.as_ref().map_or(answer.full, |now| now.full);
            responses.extend(now);
        }
        if responses.is_empty() || full == 0 {
            return None;
        }
        let passed = passes(score, full, self.pass_percent);
        let (now, before) =
            (i128::from(score) * i128::from(was.full), i128::from(was.score) * i128::from(full));
        if !lowers && (now < before || (was.passed && !passed)) {
            return None;
        }
        Some(Regraded { now: GradedTry { score, full, passed, ..was.clone() }, responses })
    }

    /// An answer by this key, where that is another one than it was graded by.
    fn answer(&self, stored: &GradedResponse) -> Option<GradedResponse> {
        let (question, hash) = self.questions.get(stored.item.as_str())?;
        if stored.hash == hash {
            return None;
        }
        let given = match &stored.answer {
            // What cannot be read by this key (another type of question) is not graded by it.
            Some(answer) => Some(Given::from_json(question.kind, answer)?),
            None => None,
        };
        let score = grade(question, &parameters(&stored.parameters), given.as_ref());
        Some(GradedResponse {
            hash: hash.to_vec(),
            score,
            full: i64::from(question.points) * POINT,
            ..stored.clone()
        })
    }
}

fn parameters(stored: &Value) -> BTreeMap<String, Decimal> {
    let fields = stored.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.parse().ok()?))).collect()
}

/// Hundredths of a percent.
pub fn share(one: &GradedTry) -> i32 {
    if one.full == 0 { 0 } else { i32::try_from(one.score * 10_000 / one.full).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use kernel::UserId;
    use learning::ids::{AttemptId, LearnerId, TryId};
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn quiz(keys: &[&str]) -> Quiz {
        let questions: Vec<Value> = keys
            .iter()
            .enumerate()
            .map(|(n, key)| json!({ "slug": format!("q{n}"), "type": "text", "text": "?", "answers": [key] }))
            .collect();
        serde_json::from_value(json!({ "pass_percent": 50, "questions": questions })).unwrap()
    }

    /// A try in which these were answered, graded by a quiz.
    fn tried(quiz: &Quiz, answers: &[&str]) -> (GradedTry, Vec<GradedResponse>) {
        let nil = GradedTry {
            id: TryId::new(Uuid::nil()),
            attempt: AttemptId::new(Uuid::nil()),
            learner: LearnerId::new(Uuid::nil()),
            user: UserId::new(1),
            run: 0,
            score: 0,
            full: 1,
            passed: false,
        };
        let responses: Vec<GradedResponse> = answers
            .iter()
            .enumerate()
            .map(|(n, answer)| GradedResponse {
                try_id: nil.id,
                item: format!("q{n}"),
                hash: Vec::new(),
                parameters: json!({}),
                answer: Some(json!(answer)),
                score: 0,
                full: POINT,
            })
            .collect();
        let graded = Key::new(quiz).regrade(&nil, responses, true).unwrap();
        (graded.now, graded.responses)
    }

    #[test]
    fn the_same_key_changes_nothing_and_a_mended_one_what_it_touches() {
        let old = quiz(&["a", "b"]);
        let (was, answers) = tried(&old, &["x", "b"]);
        assert_eq!((was.score, was.full, was.passed), (POINT, 2 * POINT, true));
        assert!(Key::new(&old).regrade(&was, answers.clone(), true).is_none());
        let mended = quiz(&["x", "b"]);
        let now = Key::new(&mended).regrade(&was, answers.clone(), false).unwrap();
        assert_eq!((now.now.score, now.responses.len()), (2 * POINT, 1));
        // Once more, nothing is left to do.
        let merged: Vec<_> = answers
            .iter()
            .map(|one| now.responses.iter().find(|new| new.item == one.item).unwrap_or(one).clone())
            .collect();
        assert!(Key::new(&mended).regrade(&now.now, merged, false).is_none());
        let gone = quiz(&["y", "z"]);
        assert!(Key::new(&gone).regrade(&was, answers.clone(), false).is_none(), "never lowered by default");
        let lowered = Key::new(&gone).regrade(&was, answers, true).unwrap();
        assert_eq!((lowered.now.score, lowered.now.passed), (0, false));
    }

    #[test]
    fn parameters_are_those_that_were_stored() {
        let of = |number: &str| -> Quiz {
            serde_json::from_value(
                json!({ "questions": [{ "slug": "q0", "type": "number", "text": "{a}?", "number": number,
                "parameters": [{ "name": "a", "from": 1, "to": 9 }] }] }),
            )
            .unwrap()
        };
        let (was, mut answers) = tried(&of("a"), &["8"]);
        answers[0].parameters = json!({ "a": "4" });
        let now = Key::new(&of("a * 2")).regrade(&was, answers, false).unwrap();
        assert!(now.now.passed);
    }

    proptest! {
        #[test]
        fn by_default_nothing_falls_and_nobody_fails(old in "[ab]{4}", new in "[ab]{4}", given in "[ab]{4}") {
            let split = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
            let quiz_of = |text: &str| { let keys = split(text); quiz(&keys.iter().map(String::as_str).collect::<Vec<_>>()) };
            let answers = split(&given);
            let (old, new) = (quiz_of(&old), quiz_of(&new));
            let (was, responses) = tried(&old, &answers.iter().map(String::as_str).collect::<Vec<_>>());
            let truth = tried(&new, &answers.iter().map(String::as_str).collect::<Vec<_>>()).0;
            match Key::new(&new).regrade(&was, responses.clone(), false) {
                Some(now) => prop_assert!(share(&now.now) >= share(&was) && (now.now.passed || !was.passed)),
                None => prop_assert!(share(&truth) <= share(&was)),
            }
            // Where it may lower, it comes to what the key says, however it was graded before.
            let now = Key::new(&new).regrade(&was, responses, true).map_or(was, |now| now.now);
            prop_assert_eq!((now.score, now.passed), (truth.score, truth.passed));
        }
    }
}
