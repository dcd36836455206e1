//! Quizzes and programs to write.

use std::collections::{BTreeMap, BTreeSet};

use kernel::FieldError;

use super::Findings;
use crate::model::bank::BankDocument;
use crate::model::coding::Coding;
use crate::model::quiz::{Parameter, Question, QuestionType, Quiz};
use crate::rules::formula;
use crate::rules::number::Decimal;
use crate::rules::text::{Pattern, normalised};

const MAX_QUESTIONS: usize = 500;
const MAX_CHOICES: usize = 50;
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
        let there =
            quiz.questions.iter().filter(|question| question.pool.as_ref() == Some(&draw.pool)).count();
        // How many a bank has, its guild or bundle tells.
        let most = if there > 0 { there } else { MAX_QUESTIONS };
        if draw.count < 1 || draw.count > most {
            let of = if there > 0 { format!("the {there} questions of the pool") } else { most.to_string() };
            found.say(format!("draws[{n}].count"), format!("must be 1 to {of}"));
        }
    }
    for (n, question) in quiz.questions.iter().enumerate() {
        if question.pool.as_ref().is_some_and(|pool| !pools.contains(pool.as_str())) {
            found.say(format!("questions[{n}].pool"), "is a pool that `draws` does not name");
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
    for (n, choice) in all.iter().enumerate() {
        found.text(&format!("choices[{n}].text"), &choice.text, MAX_TEXT);
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
    let mut low = BTreeMap::new();
    let mut high = BTreeMap::new();
    if question.parameters.len() > 20 {
        found.say("parameters", "must be at most 20");
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
        if low.insert(name.clone(), Decimal::whole(*from).unwrap_or_default()).is_some() {
            found.say(format!("{place}.name"), "is taken by an earlier one");
        }
        high.insert(name.clone(), Decimal::whole(*to).unwrap_or_default());
    }
    match question.number.as_deref() {
        None => found.say("number", "is missing: which number is right?"),
        Some(text) => {
            if let Err(wrong) = formula::value(text, &low).and_then(|_| formula::value(text, &high)) {
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

fn pairs(found: &mut Findings, question: &Question) {
    if question.pairs.len() < 2 || question.pairs.len() > MAX_CHOICES || question.extra.len() > MAX_CHOICES {
        found.say("pairs", format!("must be 2 to {MAX_CHOICES}, and as many extra right sides at most"));
    }
    found.unique("pairs", "slug", question.pairs.iter().map(|pair| pair.slug.as_str()));
    for (n, pair) in question.pairs.iter().enumerate() {
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
