use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::quiz::{ItemAnswer, Question, Quiz};

fn question(value: Value) -> Question {
    serde_json::from_value(value).unwrap()
}

fn multiple(partial: bool) -> Question {
    question(json!({
        "slug": "sorts", "type": "multiple", "text": "Which are stable?", "points": 3, "partial": partial,
        "choices": [
            { "slug": "merge", "text": "Merge sort", "right": true }, { "slug": "tim", "text": "Timsort", "right": true },
            { "slug": "bubble", "text": "Bubble sort", "right": true }, { "slug": "heap", "text": "Heapsort" },
            { "slug": "quick", "text": "Quicksort" },
        ],
    }))
}

fn chosen(slugs: &[&str]) -> Given {
    Given::Choices(slugs.iter().map(|slug| (*slug).to_owned()).collect())
}

fn of(question: &Question, given: &Given) -> i64 {
    grade(question, &BTreeMap::new(), Some(given))
}

#[test]
fn several_right_choices_are_all_or_nothing_unless_the_author_says_partial() {
    let (strict, partial) = (multiple(false), multiple(true));
    for (slugs, all, part) in [
        (&["merge", "tim", "bubble"][..], 3, 3),
        (&["merge", "tim"], 0, 2),
        (&["merge", "tim", "heap"], 0, 1),
        (&["merge", "heap"], 0, 0),
        (&["heap", "quick"], 0, 0),
        (&["merge", "tim", "bubble", "heap"], 0, 2),
        (&["merge", "tim", "bubble", "heap", "quick"], 0, 1),
    ] {
        assert_eq!(
            (of(&strict, &chosen(slugs)), of(&partial, &chosen(slugs))),
            (all * POINT, part * POINT),
            "{slugs:?}"
        );
    }
    // A blank page scores nothing, though it leaves out every wrong choice.
    assert_eq!(grade(&partial, &BTreeMap::new(), None), 0);
}

#[test]
fn orders_are_exact_or_by_the_longest_common_subsequence() {
    let order = |partial: bool| {
        question(json!({
            "slug": "o", "type": "ordering", "text": "?", "partial": partial,
            "choices": [{ "slug": "a", "text": "A" }, { "slug": "b", "text": "B" }, { "slug": "c", "text": "C" }, { "slug": "d", "text": "D" }],
        }))
    };
    let given = |text: &str| Given::Order(text.chars().map(String::from).collect());
    for (answer, strict, part) in
        [("abcd", 4, 4), ("bacd", 0, 3), ("dabc", 0, 3), ("dcba", 0, 1), ("badc", 0, 2)]
    {
        let quarter = POINT / 4;
        assert_eq!(of(&order(false), &given(answer)), strict * quarter, "{answer}");
        assert_eq!(of(&order(true), &given(answer)), part * quarter, "{answer}");
    }
}

#[test]
fn texts_and_numbers_are_right_as_documented() {
    let text = question(json!({
        "slug": "t", "type": "text", "text": "?", "answers": ["Straße"], "pattern": "o\\(n( |)log n\\)",
    }));
    for (answer, right) in [
        ("STRASSE", true),
        ("  strasse ", true),
        ("O(n log n)", true),
        ("o(n) log n", false),
        ("xo(n log n)", false),
    ] {
        assert_eq!(of(&text, &Given::Text(answer.to_owned())) > 0, right, "{answer}");
    }
    let number = question(
        json!({ "slug": "n", "type": "number", "text": "{a} + {b}?", "number": "a + b", "absolute": "0.5",
        "parameters": [{ "name": "a", "from": 1, "to": 1 }, { "name": "b", "from": 2, "to": 2 }] }),
    );
    let quiz = Quiz { questions: vec![number], ..quiz_of(Vec::new()) };
    let asked_of = put(&quiz, b"secret", "t");
    assert_eq!(asked(&asked_of)[0].text, "1 + 2?");
    for (answer, right) in [("3", true), ("3.5", true), ("2.5", true), ("3.500000001", false)] {
        let given = Given::Number(answer.parse().unwrap());
        assert_eq!(grade(asked_of[0].question, &asked_of[0].parameters, Some(&given)) > 0, right, "{answer}");
    }
}

fn quiz_of(questions: Vec<Question>) -> Quiz {
    let mut quiz: Quiz = serde_json::from_value(json!({ "questions": [] })).unwrap();
    quiz.questions = questions;
    quiz
}

/// One of every kind.
fn whole() -> Quiz {
    let pair = |slug: &str| json!({ "slug": slug, "left": slug, "right": slug.to_uppercase() });
    quiz_of(vec![
        question(json!({ "slug": "s", "type": "single", "text": "?", "choices": [
            { "slug": "yes", "text": "Yes", "right": true }, { "slug": "no", "text": "No" }] })),
        multiple(true),
        question(json!({ "slug": "t", "type": "text", "text": "?", "answers": ["x"] })),
        question(json!({ "slug": "n", "type": "number", "text": "?", "number": "7" })),
        question(json!({ "slug": "o", "type": "ordering", "text": "?", "choices": [
            { "slug": "1", "text": "1" }, { "slug": "2", "text": "2" }, { "slug": "3", "text": "3" }] })),
        question(json!({ "slug": "m", "type": "matching", "text": "?", "partial": true, "extra": ["Z"],
            "pairs": [pair("a"), pair("b"), pair("c")] })),
    ])
}

/// The right answer to what was put, by the ids of the try.
fn right(put: &Put<'_>) -> ItemAnswer {
    let id = |slug: &str| put.choices.iter().find(|(_, canonical, _)| canonical == slug).unwrap().0.clone();
    let mut answer = ItemAnswer { question: put.id.clone(), ..ItemAnswer::default() };
    let question = put.question;
    match question.slug.as_str() {
        "s" => answer.choice = Some(id("yes")),
        "t" => answer.text = Some(" X ".to_owned()),
        "n" => answer.number = Some("7.0".to_owned()),
        "o" => answer.order = Some(vec![id("1"), id("2"), id("3")]),
        "m" => {
            let target = |slug: &str| {
                put.targets.iter().find(|(_, canonical, _)| canonical == slug).unwrap().0.clone()
            };
            answer.pairs = Some(["a", "b", "c"].iter().map(|slug| (id(slug), target(slug))).collect());
        }
        _ => {
            let keyed = question.choices.iter().filter(|choice| choice.right);
            answer.choices = Some(keyed.map(|choice| id(&choice.slug)).collect());
        }
    }
    answer
}

fn total(put: &[Put<'_>], given: &[Option<Given>]) -> (i64, i64) {
    score(
        put.iter()
            .zip(given)
            .map(|(put, given)| (put.question, grade(put.question, &put.parameters, given.as_ref()))),
    )
}

#[test]
fn right_answers_to_every_kind_are_worth_everything_and_survive_being_stored() {
    let quiz = whole();
    let put = put(&quiz, b"secret", "attempt 1");
    let answers: Vec<ItemAnswer> = put.iter().map(right).collect();
    let given = answers_read(&put, &answers).unwrap();
    let (reached, full) = total(&put, &given);
    assert_eq!((reached, full), (8 * POINT, 8 * POINT));
    assert!(passes(reached, full, 100) && !passes(reached - 1, full, 100));
    for (put, given) in put.iter().zip(&given) {
        let given = given.as_ref().unwrap();
        assert_eq!(Given::from_json(put.question.kind, &given.to_json()).as_ref(), Some(given));
    }
}

#[test]
fn foreign_repeated_and_empty_answers_are_refused() {
    let quiz = whole();
    let (mine, other) = (put(&quiz, b"secret", "attempt 1"), put(&quiz, b"secret", "attempt 2"));
    let good: Vec<ItemAnswer> = mine.iter().map(right).collect();
    let fields = |answers: &[ItemAnswer]| {
        answers_read(&mine, answers).unwrap_err().into_iter().map(|wrong| wrong.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(&[]), ["answers"]);
    let blank: Vec<ItemAnswer> =
        mine.iter().map(|put| ItemAnswer { question: put.id.clone(), ..ItemAnswer::default() }).collect();
    assert_eq!(fields(&blank), ["answers"]);
    assert_eq!(fields(&[good[0].clone(), good[0].clone()]), ["answers[1].question"]);
    let foreign: Vec<ItemAnswer> = other.iter().map(right).collect();
    assert_eq!(fields(&foreign[..1]), ["answers[0].question"]);
    for (put, foreign) in mine.iter().zip(&good) {
        let theirs = other.iter().find(|one| one.question.slug == put.question.slug).unwrap();
        let mut mixed = right(theirs);
        mixed.question = put.id.clone();
        // A text and a number are nobody's in particular.
        if !["t", "n"].contains(&put.question.slug.as_str()) {
            assert_eq!(fields(&[mixed]).len(), 1, "{}", put.question.slug);
        }
        let mut twofold = foreign.clone();
        twofold.text = Some("x".to_owned());
        twofold.choice.get_or_insert_with(|| "x".to_owned());
        assert_eq!(fields(&[twofold]).len(), 1, "{}", put.question.slug);
    }
    for number in ["NaN", "inf", "1e9"] {
        let at = mine.iter().find(|put| put.question.slug == "n").unwrap();
        let answer =
            ItemAnswer { question: at.id.clone(), number: Some(number.to_owned()), ..ItemAnswer::default() };
        assert_eq!(fields(&[answer]), ["answers[0].number"]);
    }
    let order = mine.iter().find(|put| put.question.slug == "o").unwrap();
    let mut short = right(order);
    short.order.as_mut().unwrap().pop();
    assert_eq!(fields(&[short]), ["answers[0].order"]);
    let pairs = mine.iter().find(|put| put.question.slug == "m").unwrap();
    let mut doubled = right(pairs);
    let target = pairs.targets[0].0.clone();
    doubled.pairs.as_mut().unwrap().values_mut().for_each(|right| *right = target.clone());
    assert_eq!(fields(&[doubled]), ["answers[0].pairs"]);
}

#[test]
fn what_is_asked_says_nothing_of_the_key() {
    let quiz = whole();
    let text = serde_json::to_string(&asked(&put(&quiz, b"secret", "attempt 1"))).unwrap();
    for secret in ["right", "answers", "\"number\":\"7\"", "yes\"", "merge\"", "explanation"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn draws_take_as_many_as_they_say() {
    let mut quiz = whole();
    for question in &mut quiz.questions[2..] {
        question.pool = Some("rest".to_owned());
    }
    quiz.draws = serde_json::from_value(json!([{ "pool": "rest", "count": 2 }])).unwrap();
    let drawn = |name: &str| -> BTreeSet<String> {
        put(&quiz, b"secret", name).iter().map(|put| put.question.slug.clone()).collect()
    };
    let all: BTreeSet<BTreeSet<String>> = (0..60).map(|n| drawn(&n.to_string())).collect();
    assert!(all.iter().all(|set| set.len() == 4 && set.contains("s") && set.contains("sorts")));
    assert_eq!(all.len(), 6, "each pair of the four comes up");
}

proptest! {
    #[test]
    fn no_choice_is_worth_less_than_nothing_or_more_than_everything(
        picks in prop::collection::btree_set(0usize..5, 0..5), partial: bool,
    ) {
        let question = multiple(partial);
        let slugs: Vec<&str> = picks.iter().map(|n| question.choices[*n].slug.as_str()).collect();
        let worth = of(&question, &chosen(&slugs));
        prop_assert!((0..=3 * POINT).contains(&worth));
        prop_assert_eq!(worth == 3 * POINT, picks == BTreeSet::from([0, 1, 2]));
        // Choosing one more wrong one never helps.
        for wrong in ["heap", "quick"] {
            let mut more = slugs.clone();
            if !more.contains(&wrong) {
                more.push(wrong);
                prop_assert!(of(&question, &chosen(&more)) <= worth);
            }
        }
    }

    #[test]
    fn a_try_is_the_same_when_it_is_looked_at_again(name in "[a-z0-9]{1,8}") {
        let quiz = whole();
        prop_assert_eq!(asked(&put(&quiz, b"k", &name)), asked(&put(&quiz, b"k", &name)));
    }

    #[test]
    fn orders_are_worth_their_longest_run_that_is_right(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let choices: Vec<Value> = (0..6).map(|n| json!({ "slug": n.to_string(), "text": "x" })).collect();
        let question = question(json!({ "slug": "o", "type": "ordering", "text": "?", "points": 6, "partial": true, "choices": choices }));
        let given = Given::Order(order.iter().map(ToString::to_string).collect());
        // By force: the longest rising subsequence.
        let longest = (0u32..64)
            .filter(|bits| {
                let picked: Vec<usize> = (0..6).filter(|at| bits >> at & 1 == 1).map(|at| order[at]).collect();
                picked.is_sorted()
            })
            .map(u32::count_ones)
            .max()
            .unwrap();
        prop_assert_eq!(of(&question, &given), i64::from(longest) * POINT);
    }
}

#[test]
fn questions_of_a_set_are_drawn_together() {
    let one = |n: usize| {
        json!({ "slug": format!("q{n}"), "type": "text", "text": format!("{n}?"), "answers": ["a"], "pool": "p",
                "set": if n < 6 { Some(format!("s{}", n / 2)) } else { None } })
    };
    let quiz = |count: usize| json!({ "draws": [{ "pool": "p", "count": count }], "questions": (0..8).map(one).collect::<Vec<_>>() });
    let wrong = |quiz: Value| -> Vec<String> {
        let quiz: Quiz = serde_json::from_value(quiz).unwrap();
        crate::rules::check::quiz_check(&quiz)
            .into_iter()
            .map(|one| format!("{} {}", one.field, one.message))
            .collect()
    };
    // Three sets of two, and two that stand alone.
    assert!(wrong(quiz(5)).is_empty());
    assert_eq!(wrong(quiz(6)), ["draws[0].count must be 1 to the 5 sets and questions without of the pool"]);
    let mut poolless = quiz(5);
    poolless["questions"][0].as_object_mut().unwrap().remove("pool");
    assert_eq!(wrong(poolless), ["questions[0].set belongs to questions that are drawn from a pool"]);
    let mut drawn = BTreeSet::new();
    for n in 0..50 {
        let quiz: Quiz = serde_json::from_value(quiz(2)).unwrap();
        let asked: Vec<usize> = put(&quiz, b"secret", &n.to_string())
            .iter()
            .map(|put| put.question.slug[1..].parse().unwrap())
            .collect();
        for (place, slug) in asked.iter().enumerate().filter(|(_, slug)| **slug < 6 && *slug % 2 == 0) {
            assert_eq!(asked.get(place + 1), Some(&(slug + 1)), "{asked:?}");
        }
        assert_eq!(asked.iter().filter(|slug| **slug < 6).count() % 2, 0, "{asked:?}");
        drawn.insert(asked);
    }
    assert!(drawn.len() > 10, "{drawn:?}");
}
