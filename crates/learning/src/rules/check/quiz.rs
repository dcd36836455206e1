//! Quizzes and programs to write.

use std::collections::{BTreeMap, BTreeSet};

use kernel::FieldError;

use super::Findings;
use crate::model::bank::BankDocument;
use crate::model::coding::Coding;
use crate::model::quiz::{Parameter, Question, QuestionType, Quiz};
use crate::rules::banks::so_many;
use crate::rules::formula;
use crate::rules::number::Decimal;
use crate::rules::quiz::drawable;
use crate::rules::text::{Pattern, normalised};

const MAX_QUESTIONS: usize = 500;
const MAX_CHOICES: usize = 50;
const MAX_PARAMETERS: usize = 20;
const MAX_TEXT: usize = 20_000;

/// Everything that is wrong with a quiz by itself.
pub fn quiz_check(quiz: &Quiz) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.range("pass_percent", quiz.pass_percent.into(), 1, 100);
    if let Some(tries) = quiz.max_tries {
        found.range("max_tries", tries.into(), 1, 1_000);
    }
    if let Some(minutes) = quiz.time_limit_minutes {
        found.range("time_limit_minutes", minutes.into(), 1, 1_440);
    }
    found.range("cooldown_seconds", quiz.cooldown_seconds.into(), 0, 604_800);
    if quiz.questions.is_empty() && quiz.draws.is_empty() {
        found.say("questions", "must be at least one, or be drawn from a bank");
    }
    let mut pools = BTreeSet::new();
    for (n, draw) in quiz.draws.iter().enumerate() {
        found.slug(&format!("draws[{n}].pool"), &draw.pool);
        if !pools.insert(draw.pool.as_str()) {
            found.say(format!("draws[{n}].pool"), "is drawn from twice");
        }
        let pool = || quiz.questions.iter().filter(|question| question.pool.as_ref() == Some(&draw.pool));
        let there = drawable(pool()).len();
        // How many a bank has, its guild or bundle tells.
        let most = if there > 0 { there } else { MAX_QUESTIONS };
        if draw.count < 1 || draw.count > most {
            let of =
                if there > 0 { format!("the {} of the pool", so_many(pool())) } else { most.to_string() };
            found.say(format!("draws[{n}].count"), format!("must be 1 to {of}"));
        }
    }
    for (n, question) in quiz.questions.iter().enumerate() {
        if question.pool.as_ref().is_some_and(|pool| !pools.contains(pool.as_str())) {
            found.say(format!("questions[{n}].pool"), "is a pool that `draws` does not name");
        }
        if question.set.is_some() && question.pool.is_none() {
            found.say(format!("questions[{n}].set"), "belongs to questions that are drawn from a pool");
        }
    }
    let mut wrong = found.done();
    wrong.extend(questions_check("questions", &quiz.questions));
    wrong
}

/// Everything that is wrong with a bank by itself.
pub fn bank_check(bank: &BankDocument) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.name("title", &bank.title);
    if bank.questions.is_empty() {
        found.say("questions", "must be at least one");
    }
    for (n, _) in bank.questions.iter().enumerate().filter(|(_, question)| question.pool.is_some()) {
        found.say(
            format!("questions[{n}].pool"),
            "belongs to questions of a quiz: a bank is a pool by itself",
        );
    }
    let mut wrong = found.done();
    wrong.extend(questions_check("questions", &bank.questions));
    wrong
}

/// Everything that is wrong with questions, whether of a quiz or of a bank.
pub fn questions_check(list: &str, questions: &[Question]) -> Vec<FieldError> {
    let mut found = Findings::default();
    if questions.len() > MAX_QUESTIONS {
        found.say(list, format!("must be at most {MAX_QUESTIONS}"));
    }
    found.unique(list, "slug", questions.iter().map(|question| question.slug.as_str()));
    for (n, question) in questions.iter().enumerate() {
        found.within(&format!("{list}[{n}]"), question_check(question));
    }
    found.done()
}

fn question_check(question: &Question) -> Vec<FieldError> {
    use QuestionType::{Matching, Multiple, Number, Ordering, Single, Text};
    let mut found = Findings::default();
    let kind = question.kind;
    if question.text.trim().is_empty() {
        found.say("text", "must not be empty");
    }
    found.text("text", &question.text, MAX_TEXT);
    found.text("explanation", question.explanation.as_deref().unwrap_or(""), MAX_TEXT);
    if let Some(set) = &question.set {
        found.slug("set", set);
    }
    found.range("points", question.points.into(), 1, crate::rules::quiz::MAX_POINTS.into());
    let belongs: [(&str, bool, bool); 8] = [
        ("choices", !question.choices.is_empty(), matches!(kind, Single | Multiple | Ordering)),
        ("partial", question.partial, matches!(kind, Multiple | Ordering | Matching)),
        ("answers", !question.answers.is_empty(), kind == Text),
        ("pattern", question.pattern.is_some(), kind == Text),
        ("number", question.number.is_some(), kind == Number),
        ("absolute", question.absolute.is_some(), kind == Number),
        ("relative", question.relative.is_some(), kind == Number),
        ("pairs", !question.pairs.is_empty() || !question.extra.is_empty(), kind == Matching),
    ];
    for (field, there, wanted) in belongs {
        if there && !wanted {
            found.say(field, "does not belong to a question of this type");
        }
    }
    match kind {
        Single | Multiple | Ordering => choices(&mut found, question),
        Text => texts(&mut found, question),
        Number => number(&mut found, question),
        Matching => pairs(&mut found, question),
    }
    if kind != Number && !question.parameters.is_empty() {
        found.say("parameters", "belong to questions for a number");
    }
    found.done()
}

fn choices(found: &mut Findings, question: &Question) {
    let all = &question.choices;
    if all.len() < 2 || all.len() > MAX_CHOICES {
        found.say("choices", format!("must be 2 to {MAX_CHOICES}"));
    }
    found.unique("choices", "slug", all.iter().map(|choice| choice.slug.as_str()));
    let mut shown = BTreeSet::new();
    for (n, choice) in all.iter().enumerate() {
        found.text(&format!("choices[{n}].text"), &choice.text, MAX_TEXT);
        if !shown.insert(normalised(&choice.text, true)) {
            found.say(format!("choices[{n}].text"), "reads as an earlier one: nobody could tell them apart");
        }
    }
    let right = all.iter().filter(|choice| choice.right).count();
    match question.kind {
        QuestionType::Single if right != 1 => found.say("choices", "must have exactly one that is `right`"),
        QuestionType::Multiple if right == 0 => {
            found.say("choices", "must have at least one that is `right`");
        }
        QuestionType::Ordering if right > 0 => {
            found.say("choices", "are in their right order; none is `right` by itself");
        }
        _ => {}
    }
}

fn texts(found: &mut Findings, question: &Question) {
    if question.answers.is_empty() && question.pattern.is_none() {
        found.say("answers", "must have at least one, unless there is a `pattern`");
    }
    if question.answers.len() > 100 || question.answers.iter().any(|answer| answer.chars().count() > 1_000) {
        found.say("answers", "must be at most 100, of at most 1,000 characters each");
    }
    if question.answers.iter().any(|answer| kernel::text::control(answer).is_some()) {
        found.say("answers", "must not hold control characters: nobody can type them");
    }
    if question.answers.iter().any(|answer| normalised(answer, true).is_empty()) {
        found.say("answers", "must not be empty: a blank answer is one that was left out");
    }
    if let Some(Err(wrong)) =
        question.pattern.as_deref().map(|pattern| Pattern::new(pattern, question.case_sensitive).map(|_| ()))
    {
        found.say("pattern", wrong);
    }
}

fn number(found: &mut Findings, question: &Question) {
    let mut names = BTreeSet::new();
    if question.parameters.len() > MAX_PARAMETERS {
        found.say("parameters", format!("must be at most {MAX_PARAMETERS}"));
    }
    for (n, parameter) in question.parameters.iter().enumerate() {
        let Parameter { name, from, to, step } = parameter;
        let place = format!("parameters[{n}]");
        if name.is_empty() || name.len() > 20 || !name.bytes().all(|b| b.is_ascii_lowercase()) {
            found.say(format!("{place}.name"), "must be 1 to 20 lower-case letters");
        }
        found.range(&format!("{place}.from"), *from, -1_000_000_000, 1_000_000_000);
        found.range(&format!("{place}.to"), *to, *from, 1_000_000_000);
        found.range(&format!("{place}.step"), *step, 1, 1_000_000_000);
        if !names.insert(name.as_str()) {
            found.say(format!("{place}.name"), "is taken by an earlier one");
        }
        if !question.text.contains(&format!("{{{name}}}")) {
            found.say(
                format!("{place}.name"),
                format!("stands nowhere in the text, so that nobody could know it: write {{{name}}} there"),
            );
        }
    }
    match question.number.as_deref() {
        None => found.say("number", "is missing: which number is right?"),
        Some(text) => {
            // Wrong parameters are told already.
            let parameters =
                if names.len() == question.parameters.len() { &*question.parameters } else { &[] };
            if let Err(wrong) = formula_check(text, parameters) {
                found.say("number", wrong);
            }
        }
    }
    for (field, text) in [("absolute", &question.absolute), ("relative", &question.relative)] {
        let Some(text) = text else { continue };
        match text.parse::<Decimal>() {
            Ok(tolerance) if !tolerance.is_negative() => {}
            Ok(_) => found.say(field, "must not be negative"),
            Err(error) => found.say(field, error.to_string()),
        }
    }
}

/// How many draws of its parameters a formula that divides is tried with, at most.
const TRIED: u64 = 1_000;
/// How many are the ends of their ranges.
const ENDS: u64 = 4;

/// Whether a formula comes to a number whatever is drawn for its parameters: with the ends of their ranges, and where it divides, with all
/// draws where they are few, else with some spread over them. Whoever drew what has no answer could not be right.
fn formula_check(formula: &str, parameters: &[Parameter]) -> Result<(), String> {
    let counts: Vec<u64> =
        parameters.iter().map(|one| one.to.abs_diff(one.from) / one.step.unsigned_abs().max(1) + 1).collect();
    let tried = |nth: &dyn Fn(u64, u64) -> u64| {
        let drawn = parameters.iter().zip(&counts).zip(0_u64..).map(|((one, count), at)| {
            let nth = i64::try_from(nth(at, *count)).unwrap_or(i64::MAX);
            let value = one.from.saturating_add(nth.saturating_mul(one.step));
            (one.name.clone(), Decimal::whole(value).unwrap_or_default())
        });
        let drawn: BTreeMap<String, Decimal> = drawn.collect();
        formula::value(formula, &drawn).map_err(|wrong| {
            let told: Vec<String> = drawn.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            if told.is_empty() { wrong } else { format!("{wrong}, where {}", told.join(", ")) }
        })
    };
    for draw in 0..ENDS {
        // All at their lowest, all at their highest, and by turns.
        let highest = |at: u64| draw == 1 || draw >= 2 && (at + draw).is_multiple_of(2);
        tried(&|at, count| if highest(at) { count - 1 } else { 0 })?;
    }
    if !formula.contains('/') {
        return Ok(());
    }
    let all = counts.iter().try_fold(1_u64, |all, count| all.checked_mul(*count)).filter(|all| *all <= TRIED);
    for draw in 0..all.unwrap_or(TRIED) {
        if all.is_some() {
            let before = |at: u64| counts.iter().zip(0..at).map(|(count, _)| count).product::<u64>();
            tried(&|at, count| draw / before(at) % count)?;
        } else {
            // Each goes through its range in another order.
            tried(&|at, count| {
                let place = (draw * (2 * at + 1) + at * 7_919) % TRIED;
                u64::try_from(u128::from(place) * u128::from(count) / u128::from(TRIED)).unwrap_or(0)
            })?;
        }
    }
    Ok(())
}

fn pairs(found: &mut Findings, question: &Question) {
    if question.pairs.len() < 2 || question.pairs.len() > MAX_CHOICES || question.extra.len() > MAX_CHOICES {
        found.say("pairs", format!("must be 2 to {MAX_CHOICES}, and as many extra right sides at most"));
    }
    found.unique("pairs", "slug", question.pairs.iter().map(|pair| pair.slug.as_str()));
    let mut lefts = BTreeSet::new();
    for (n, pair) in question.pairs.iter().enumerate() {
        if !lefts.insert(normalised(&pair.left, true)) {
            found.say(format!("pairs[{n}].left"), "reads as an earlier one: nobody could tell them apart");
        }
        found.text(&format!("pairs[{n}].left"), &pair.left, MAX_TEXT);
        found.text(&format!("pairs[{n}].right"), &pair.right, MAX_TEXT);
    }
    for (n, text) in question.extra.iter().enumerate() {
        found.text(&format!("extra[{n}]"), text, MAX_TEXT);
    }
    let rights: Vec<String> = question
        .pairs
        .iter()
        .map(|pair| &pair.right)
        .chain(&question.extra)
        .map(|text| normalised(text, true))
        .collect();
    let different: BTreeSet<&String> = rights.iter().collect();
    if different.len() != rights.len() {
        found.say("pairs", "must have right sides that differ, or nobody could tell which is meant");
    }
}

/// Everything that is wrong with a program to write.
pub fn coding_check(coding: &Coding) -> Vec<FieldError> {
    let mut found = Findings::default();
    found.text("starter", &coding.starter, 65_536);
    if coding.tests.is_empty() || coding.tests.len() > 50 {
        found.say("tests", "must be 1 to 50");
    }
    for (n, test) in coding.tests.iter().enumerate() {
        let place = |field: &str| format!("tests[{n}].{field}");
        found.name(&place("name"), &test.name);
        found.text(&place("stdin"), &test.stdin, 65_536);
        found.text(&place("append"), &test.append, 65_536);
        found.text(&place("expected"), test.expected.as_deref().unwrap_or(""), 65_536);
        if test.expected.is_none() && coding.checker.is_none() {
            found.say(place("expected"), "is missing, and there is no checker that could judge without it");
        }
    }
    if let Some(checker) = &coding.checker {
        found.text("checker", checker, 262_144);
        if checker.trim().is_empty() {
            found.say("checker", "must not be empty");
        }
    }
    if let Some(tries) = coding.max_tries {
        found.range("max_tries", tries.into(), 1, 1_000);
    }
    found.done()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is wrong with a question, as `field: words`.
    fn wrong(mut question: Value) -> Vec<String> {
        question["slug"] = json!("one");
        let question: Question = serde_json::from_value(question).unwrap();
        question_check(&question).into_iter().map(|one| format!("{}: {}", one.field, one.message)).collect()
    }

    fn number(text: &str, formula: &str, parameters: &Value) -> Vec<String> {
        wrong(json!({ "type": "number", "text": text, "number": formula, "parameters": parameters }))
    }

    #[test]
    fn a_formula_has_a_value_whatever_is_drawn() {
        let ten = json!([{ "name": "a", "from": 1, "to": 10 }]);
        assert_eq!(number("{a}?", "100 / (a - 11)", &ten), Vec::<String>::new());
        assert_eq!(number("{a}?", "100 / (a - 5)", &ten), ["number: divides by zero, where a = 5"]);
        let two =
            json!([{ "name": "a", "from": 1, "to": 900 }, { "name": "b", "from": -20, "to": 20, "step": 2 }]);
        assert_eq!(number("{a}/{b}?", "a / (b - 1)", &two), Vec::<String>::new());
        let found = number("{a}/{b}?", "a / b", &two);
        assert!(
            found.len() == 1
                && found[0].contains("divides by zero, where a = ")
                && found[0].ends_with("b = 0"),
            "{found:?}"
        );
        let large = json!([{ "name": "a", "from": -1_000_000_000, "to": 1_000_000_000 }, { "name": "b", "from": 0, "to": 1_000_000_000 }]);
        assert!(
            number("{a}{b}", "(a - b) * 1000000", &large)[0]
                .contains("too large, where a = -1000000000, b = ")
        );
        assert_eq!(number("{a}{b}", "a + b", &large), Vec::<String>::new());
    }

    #[test]
    fn an_answer_can_be_typed() {
        let text = |answer: &str| wrong(json!({ "type": "text", "text": "Which?", "answers": [answer] }));
        assert_eq!(text("a\tb"), Vec::<String>::new());
        assert_eq!(text("a\u{1b}b"), ["answers: must not hold control characters: nobody can type them"]);
        let found = wrong(json!({ "type": "text", "text": "\u{9b}2J?", "answers": ["a"] }));
        assert_eq!(found, ["text: must not hold the control character \\u009b; tabs and line ends it may"]);
    }

    #[test]
    fn a_parameter_is_told_in_the_text() {
        let found = number("How much?", "a + 1", &json!([{ "name": "a", "from": 1, "to": 10 }]));
        assert!(found.len() == 1 && found[0].starts_with("parameters[0].name: stands nowhere"), "{found:?}");
    }

    #[test]
    fn what_is_chosen_from_can_be_told_apart() {
        for kind in ["single", "ordering"] {
            let choices =
                json!([{ "slug": "a", "text": "Heap  sort" }, { "slug": "b", "text": "Heap sort" }]);
            let mut question = json!({ "type": kind, "text": "Which?", "choices": choices });
            if kind == "single" {
                question["choices"][0]["right"] = json!(true);
            }
            assert_eq!(
                wrong(question.clone()),
                ["choices[1].text: reads as an earlier one: nobody could tell them apart"]
            );
            question["choices"][1]["text"] = json!("heap sort");
            assert_eq!(wrong(question), Vec::<String>::new());
        }
        let pairs =
            json!([{ "slug": "a", "left": "x", "right": "1" }, { "slug": "b", "left": "x", "right": "2" }]);
        let found = wrong(json!({ "type": "matching", "text": "Which?", "pairs": pairs }));
        assert_eq!(found, ["pairs[1].left: reads as an earlier one: nobody could tell them apart"]);
    }
}
