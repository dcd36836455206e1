//! A question's page, filled in, as questions of a quiz.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::elements::{Inputs, SPOT};
use super::template::{Given, filled};
use crate::authoring::html::parse;
use crate::authoring::markdown::markdown;
use crate::model::quiz::{Draw, Question, QuestionType, Quiz};

/// The pool that a question's variants are drawn from.
const POOL: &str = "variants";
/// Where something is asked within a line.
const BLANK: &str = "\\_\\_\\_";

/// A page as a step asks it.
#[derive(Debug)]
pub(super) struct Asked {
    /// What stands above the questions.
    pub(super) description: String,
    pub(super) quiz: Quiz,
    /// What is otherwise here than it is there.
    pub(super) notes: Vec<String>,
}

/// What a page asks.
struct Page {
    description: String,
    questions: Vec<Question>,
    /// Whether choices may come in an order of each learner's own.
    shuffled: bool,
    notes: Vec<&'static str>,
}

/// The page of a question as a step asks it: as it is, or in variants of which each learner draws one.
pub(super) fn asked(identity: &str, title: &str, html: &str, variants: &[Given]) -> Result<Asked, String> {
    if let [only] = variants {
        let page = page(identity, title, html, only)?;
        let notes = page.notes.into_iter().map(str::to_owned).collect();
        let quiz = quiz(page.questions, page.shuffled, Vec::new());
        return Ok(Asked { description: page.description, quiz, notes });
    }
    let mut pool: Vec<Vec<Question>> = Vec::new();
    let mut notes: Vec<&'static str> = Vec::new();
    let mut shuffled = true;
    for values in variants {
        let mut page = page(identity, title, html, values)?;
        shuffled &= page.shuffled;
        notes.extend(page.notes.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>());
        if let (false, Some(first)) = (page.description.is_empty(), page.questions.first_mut()) {
            // What stands above differs from one variant to the next.
            first.text = format!("{}\n\n{}", page.description, first.text);
        }
        // Seeds may come to the same.
        if !pool.contains(&page.questions) {
            pool.push(page.questions);
        }
    }
    for (n, variant) in (1..).zip(&mut pool) {
        let several = variant.len() > 1;
        for (part, question) in (1..).zip(variant) {
            question.pool = Some(POOL.to_owned());
            // Answers to one variant belong together.
            question.set = several.then(|| format!("v{n}"));
            question.slug = if several { format!("v{n}-{part}") } else { format!("v{n}") };
        }
    }
    let draws = vec![Draw { pool: POOL.to_owned(), count: 1 }];
    let notes = notes.into_iter().map(str::to_owned).collect();
    let pool = pool.into_iter().flatten().collect();
    Ok(Asked { description: String::new(), quiz: quiz(pool, shuffled, draws), notes })
}

const NOTHING: &str = "asks nothing that is answered here";

fn quiz(questions: Vec<Question>, shuffle: bool, draws: Vec<Draw>) -> Quiz {
    Quiz {
        pass_percent: 100,
        max_tries: None,
        time_limit_minutes: None,
        cooldown_seconds: 30,
        shuffle,
        draws,
        questions,
    }
}

fn page(identity: &str, title: &str, html: &str, values: &Given) -> Result<Page, String> {
    let nothing = Given::Nothing;
    let mut inputs = Inputs::new(values.get("correct_answers").unwrap_or(&nothing));
    let text = markdown(&parse(&closed(&filled(html, values)?))?, &mut inputs)?;
    let Inputs { mut questions, explanation, fixed, notes, .. } = inputs;
    if questions.is_empty() {
        return Err(NOTHING.to_owned());
    }
    if text.matches(SPOT).count() != questions.len() {
        return Err("asks where nothing can be asked here".to_owned());
    }
    let description = texts(&text, title, &mut questions);
    if let Some(last) = questions.last_mut() {
        last.explanation = Some(explanation).filter(|text| !text.is_empty());
    }
    let shuffled = questions.len() == 1 && fixed.is_empty();
    if !shuffled {
        // Parts stay in their order, and so do all choices then: those that need not are put into another one here, for what is
        // right often stands first.
        for (n, question) in questions.iter_mut().enumerate().filter(|(n, _)| !fixed.contains(n)) {
            if matches!(question.kind, QuestionType::Single | QuestionType::Multiple) {
                question.choices.sort_by_cached_key(|choice| -> [u8; 32] {
                    Sha256::digest(format!("{identity}\n{n}\n{}", choice.text)).into()
                });
            }
        }
    }
    Ok(Page { description, questions, shuffled, notes })
}

/// Elements that are closed at once, as XML has it, closed as HTML has it: there they are read either way.
fn closed(html: &str) -> Cow<'_, str> {
    static AT_ONCE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"<(pl-[a-z-]+)((?:"[^"]*"|'[^']*'|[^<>"'/])*)/>"#).ok());
    AT_ONCE.as_ref().map_or(Cow::Borrowed(html), |at_once| at_once.replace_all(html, "<$1$2></$1>"))
}

/// Gives each question the text before it, up to the end of its line; what is behind the last one is the last one's. Where several are
/// asked within a line or a table, the text stays whole, above them, and they are numbered.
fn texts(text: &str, title: &str, questions: &mut [Question]) -> String {
    let several = questions.len() > 1;
    let crowded = text.lines().any(|line| {
        let spots = line.matches(SPOT).count();
        spots > 1 || (spots == 1 && line.trim_start().starts_with('|'))
    });
    if several && crowded {
        for (n, question) in (1..).zip(questions.iter_mut()) {
            question.text = format!("**({n})**");
        }
        return numbered(text);
    }
    let mut parts = vec![String::new(); questions.len()];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let part = at.min(questions.len() - 1);
        // What is asked for in a line of its own needs no place in the text.
        let alone = line.trim().chars().eq([SPOT]);
        parts[part].push_str(&line.replace(SPOT, if alone { "" } else { BLANK }));
        at += line.matches(SPOT).count();
    }
    for (n, (question, part)) in questions.iter_mut().zip(parts).enumerate() {
        question.text = match part.trim() {
            "" if several => format!("**({})**", n + 1),
            "" => title.to_owned(),
            text => text.to_owned(),
        };
    }
    String::new()
}

fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, part) in text.split(SPOT).enumerate() {
        if n > 0 {
            // A String takes whatever is written.
            let _ = write!(out, "**({n})**");
        }
        out.push_str(part);
    }
    out
}
