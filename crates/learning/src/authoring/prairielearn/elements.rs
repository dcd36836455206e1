//! The elements by which a question asks: each becomes a question of a quiz, or a reason why it cannot. What an element may say is listed:
//! what is not would be asked or graded otherwise than there.

use std::collections::BTreeSet;

use super::template::Given;
use crate::authoring::html::Element;
use crate::authoring::markdown::{Elements, escaped, fenced, inner, raw, told};
use crate::model::quiz::{Choice, Pair, Question, QuestionType};
use crate::rules::number::Decimal;

/// Stands in the text where something is asked; no text of a course's has it.
pub(super) const SPOT: char = '\u{e000}';

/// How near a number may be told for what is rounded to nine places to be graded the same.
const NEAREST: &str = "0.00000001";

/// What is told of inputs that draw from their choices.
const SOME: &str = "some of its choices are shown there, all of them here";

/// What any of them may say: it changes neither what is asked nor how it is graded.
const HARMLESS: [&str; 14] = [
    "answers-name",
    "weight",
    // What is left out brings nothing here, either way.
    "allow-blank",
    "show-placeholder",
    "aria-label",
    "hide-score-badge",
    "show-score",
    "show-correct-answer",
    "show-help-text",
    "hide-help-text",
    "detailed-help-text",
    "size",
    "placeholder",
    "display",
];

/// What was met in a question's text.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    /// What a program says is right, by the inputs' names.
    answers: &'a Given,
    /// In the order of their places in the text.
    pub(super) questions: Vec<Question>,
    /// What is told once it is answered.
    pub(super) explanation: String,
    /// Those whose choices keep their order, by their place.
    pub(super) fixed: Vec<usize>,
    /// What is otherwise here than it is there.
    pub(super) notes: Vec<&'static str>,
}

impl Elements for Inputs<'_> {
    fn element(&mut self, element: &Element) -> Option<Result<String, String>> {
        let name = element.name.as_str();
        let made = match name {
            // What learners handed in is shown here anyway.
            "pl-submission-panel" => return Some(Ok(String::new())),
            "pl-answer-panel" => {
                let told = inner(element);
                return Some(told.map(|told| {
                    let apart = if self.explanation.is_empty() || told.is_empty() { "" } else { "\n\n" };
                    self.explanation.push_str(apart);
                    self.explanation.push_str(&told);
                    String::new()
                }));
            }
            "pl-multiple-choice" | "pl-dropdown" => self.choices(element, QuestionType::Single),
            "pl-checkbox" => self.choices(element, QuestionType::Multiple),
            "pl-number-input" => self.number(element),
            "pl-integer-input" => self.integer(element),
            "pl-string-input" => self.string(element),
            "pl-matching" => self.matching(element),
            "pl-order-blocks" => self.order(element),
            _ => return None,
        };
        Some(made.map(|question| self.asked(element, question)).map_err(|why| format!("{name} {why}")))
    }
}

impl<'a> Inputs<'a> {
    pub(super) fn new(answers: &'a Given) -> Self {
        Self {
            answers,
            questions: Vec::new(),
            explanation: String::new(),
            fixed: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Keeps a question; what stands in the text where it is asked.
    fn asked(&mut self, element: &Element, mut question: Question) -> String {
        question.slug = format!("q{}", self.questions.len() + 1);
        let inline = matches!(question.kind, QuestionType::Number | QuestionType::Text)
            || element.name == "pl-dropdown";
        self.questions.push(question);
        if !inline {
            return format!("\n\n{SPOT}\n\n");
        }
        let said = |which| element.attribute(which).map(escaped).unwrap_or_default();
        format!("{} {SPOT} {}", said("label"), said("suffix")).trim().to_owned()
    }

    fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn choices(&mut self, element: &Element, kind: QuestionType) -> Result<Question, String> {
        let taken = [
            "inline",
            "number-answers",
            "min-correct",
            "max-correct",
            "min-select",
            "max-select",
            "show-number-correct",
            "fixed-order",
            "order",
            "sort",
            "blank",
            "hide-letter-keys",
            "hide-answer-panel",
            "partial-credit",
            "partial-credit-method",
        ];
        only(element, &taken, &["all-of-the-above", "none-of-the-above"])?;
        let mut question = blank(element, kind)?;
        for answer in parts(element, "pl-answer")? {
            only(answer, &["correct", "feedback"], &[])?;
            if answer.attribute("feedback").is_some() {
                self.note("what is told of single answers stays there");
            }
            question.choices.push(Choice {
                slug: format!("c{}", question.choices.len() + 1),
                text: inner(answer)?,
                right: says(answer, "correct")?.unwrap_or(false),
            });
        }
        let right = question.choices.iter().filter(|choice| choice.right).count();
        if kind == QuestionType::Single && right != 1 {
            return Err(format!("has {right} right answers, of which one is shown there at a time"));
        }
        if kind == QuestionType::Multiple {
            self.partial(element, &mut question)?;
        }
        if element.attribute("number-answers").is_some() {
            self.note(SOME);
        }
        let order = element.attribute("order").or_else(|| element.attribute("sort"));
        let fixed = says(element, "fixed-order")?.unwrap_or(false);
        if fixed || order.is_some_and(|order| order != "random") {
            match order {
                // By what is read, as it is there.
                Some("ascend") => question.choices.sort_by(|one, other| one.text.cmp(&other.text)),
                Some("descend") => question.choices.sort_by(|one, other| other.text.cmp(&one.text)),
                _ => {}
            }
            self.fixed.push(self.questions.len());
        }
        Ok(question)
    }

    /// How part of an answer is graded: `net-correct`, or `PC` of old, is the rule of quizzes here.
    fn partial(&mut self, element: &Element, question: &mut Question) -> Result<(), String> {
        let said = element.attribute("partial-credit").unwrap_or("false").to_ascii_lowercase();
        let method = element.attribute("partial-credit-method").unwrap_or("PC");
        let by_rule = match said.as_str() {
            "off" => return Ok(()),
            "net-correct" => true,
            "coverage" | "each-answer" => false,
            _ if says(element, "partial-credit")? == Some(true) => method == "PC",
            _ => return Ok(()),
        };
        question.partial = true;
        if !by_rule {
            self.note("part of its points is reckoned by the rule of quizzes here");
        }
        Ok(())
    }

    fn order(&mut self, element: &Element) -> Result<Question, String> {
        let taken = [
            "grading-method",
            "partial-credit",
            "source-header",
            "solution-header",
            "solution-placement",
            "source-blocks-order",
            "max-incorrect",
            "min-incorrect",
            "feedback",
            "format",
            "code-language",
            "file-name",
            "distractor-order",
            "max-indent",
            "inline",
        ];
        only(element, &taken, &["indentation"])?;
        if element.attribute("grading-method").is_some_and(|method| method != "ordered") {
            return Err("is graded by something else than one order".to_owned());
        }
        let code = element.attribute("format") == Some("code");
        let mut question = blank(element, QuestionType::Ordering)?;
        for answer in parts(element, "pl-answer")? {
            only(answer, &["correct", "tag", "indent", "ranking", "ordering-feedback"], &[])?;
            if says(answer, "correct")? == Some(false) {
                return Err("has blocks that belong to nothing".to_owned());
            }
            let text = if code {
                fenced(&raw(answer)?, element.attribute("code-language").unwrap_or_default())
            } else {
                inner(answer)?
            };
            question.choices.push(Choice {
                slug: format!("c{}", question.choices.len() + 1),
                text,
                right: false,
            });
        }
        question.partial = element.attribute("partial-credit").is_some_and(|credit| credit == "lcs");
        if question.partial {
            self.note("part of its points is reckoned by the rule of quizzes here");
        }
        Ok(question)
    }

    fn number(&self, element: &Element) -> Result<Question, String> {
        let taken = [
            "correct-answer",
            "label",
            "suffix",
            "initial-value",
            "comparison",
            "digits",
            "rtol",
            "atol",
            "allow-fractions",
            "custom-format",
        ];
        only(element, &taken, &["allow-complex"])?;
        closed(element)?;
        if element.attribute("comparison").is_some_and(|comparison| comparison != "relabs") {
            return Err("compares by digits".to_owned());
        }
        let mut question = blank(element, QuestionType::Number)?;
        let (key, exact) = decimal(&self.key(element)?)?;
        let tolerance = |which, unless_told: &str| {
            let (tolerance, _) = decimal(element.attribute(which).unwrap_or(unless_told))?;
            if tolerance.is_negative() { Err(format!("has a negative `{which}`")) } else { Ok(tolerance) }
        };
        // There it is the sum of both, here the larger one: so the sum is told.
        let size = if key.is_negative() { Decimal::ZERO.minus(key) } else { Some(key) };
        let (relative, absolute) = (tolerance("rtol", "0.01")?, tolerance("atol", NEAREST)?);
        let sum = size.and_then(|size| relative.times(size)).and_then(|part| part.plus(absolute));
        let tolerance = sum.ok_or("has a tolerance that is too large")?;
        if !exact && NEAREST.parse().is_ok_and(|nearest: Decimal| tolerance < nearest) {
            return Err("wants a number more exactly than nine places".to_owned());
        }
        question.number = Some(key.to_string());
        question.absolute = Some(tolerance.to_string());
        Ok(question)
    }

    fn integer(&self, element: &Element) -> Result<Question, String> {
        only(element, &["correct-answer", "label", "suffix", "initial-value", "base"], &[])?;
        closed(element)?;
        if element.attribute("base").is_some_and(|base| base != "10") {
            return Err("is not decimal".to_owned());
        }
        let mut question = blank(element, QuestionType::Number)?;
        let key = self.key(element)?;
        if key.parse::<i64>().is_err() || key.parse::<Decimal>().is_err() {
            return Err("has a right answer that is no whole number of at most 15 digits".to_owned());
        }
        question.number = Some(key);
        Ok(question)
    }

    fn string(&self, element: &Element) -> Result<Question, String> {
        let taken = [
            "correct-answer",
            "label",
            "suffix",
            "initial-value",
            "ignore-case",
            "remove-leading-trailing",
            "escape-unicode",
        ];
        only(element, &taken, &["remove-spaces", "multiline", "normalize-to-ascii"])?;
        closed(element)?;
        let mut question = blank(element, QuestionType::Text)?;
        question.answers = vec![self.key(element)?];
        question.case_sensitive = !says(element, "ignore-case")?.unwrap_or(false);
        Ok(question)
    }

    fn matching(&mut self, element: &Element) -> Result<Question, String> {
        let taken = [
            "fixed-order",
            "fixed-options-order",
            "blank",
            "counter-type",
            "options-placement",
            "number-statements",
            "number-options",
        ];
        only(element, &taken, &["none-of-the-above"])?;
        if ["number-statements", "number-options"].iter().any(|few| element.attribute(few).is_some()) {
            self.note(SOME);
        }
        let mut question = blank(element, QuestionType::Matching)?;
        let (mut statements, mut options) = (Vec::new(), Vec::new());
        if element.has_text() {
            return Err("holds text between its parts".to_owned());
        }
        for part in element.elements() {
            let text = inner(part)?;
            match part.name.as_str() {
                "pl-statement" => {
                    only(part, &["match"], &[])?;
                    let of = part.attribute("match").ok_or("has a statement that matches nothing")?;
                    statements.push((of.to_owned(), text));
                }
                "pl-option" => {
                    only(part, &["name", "feedback"], &[])?;
                    if part.attribute("feedback").is_some() {
                        self.note("what is told of single answers stays there");
                    }
                    options.push((part.attribute("name").map_or_else(|| text.clone(), str::to_owned), text));
                }
                _ => return Err("holds something else than statements and options".to_owned()),
            }
        }
        let mut matched = BTreeSet::new();
        for (of, left) in statements {
            if !matched.insert(of.clone()) {
                return Err("has an option that several statements match".to_owned());
            }
            // An option that is not there is what the statement says.
            let found = options.iter().position(|(name, _)| *name == of);
            let right = found.map_or_else(|| escaped(&of), |found| options.remove(found).1);
            question.pairs.push(Pair { slug: format!("p{}", question.pairs.len() + 1), left, right });
        }
        question.extra = options.into_iter().map(|(_, text)| text).collect();
        question.partial = true;
        Ok(question)
    }

    /// The right answer: it stands in the text, or a program has it.
    fn key(&self, element: &Element) -> Result<String, String> {
        if let Some(key) = element.attribute("correct-answer").filter(|key| !key.is_empty()) {
            return Ok(key.to_owned());
        }
        let name = element.attribute("answers-name").unwrap_or_default();
        match self.answers.get(name) {
            Some(Given::Text(key) | Given::Number(key)) if !key.trim().is_empty() => {
                Ok(key.trim().to_owned())
            }
            Some(_) => Err(format!("has a right answer that is neither text nor number (`{}`)", told(name))),
            None => Err("has no right answer, neither in the text nor by a program".to_owned()),
        }
    }
}

/// A number as quizzes have it, and whether it is the very one: there it may have an exponent and more places.
fn decimal(text: &str) -> Result<(Decimal, bool), String> {
    if let Ok(exact) = text.parse() {
        return Ok((exact, true));
    }
    let wrong = || "has a number that is no decimal of at most 15 digits".to_owned();
    let number: f64 = text.trim().parse().map_err(|_| wrong())?;
    let rounded: Decimal = format!("{number:.9}").parse().map_err(|_| wrong())?;
    let again: f64 = rounded.to_string().parse().map_err(|_| wrong())?;
    Ok((rounded, again.to_bits() == number.to_bits()))
}

/// The parts of an element, all of one kind.
fn parts<'a>(element: &'a Element, of: &str) -> Result<Vec<&'a Element>, String> {
    if element.has_text() || element.elements().any(|part| part.name != of) {
        return Err(format!("holds something else than {of}"));
    }
    Ok(element.elements().collect())
}

/// Elements without content are closed at once there; what lies in one that is not would be lost.
fn closed(element: &Element) -> Result<(), String> {
    if element.has_text() || element.elements().next().is_some() {
        return Err("is not closed before what follows it".to_owned());
    }
    Ok(())
}

fn truth(said: &str) -> Option<bool> {
    match said.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" => Some(true),
        "false" | "f" | "0" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// What an attribute says, if it is there: yes or no.
fn says(element: &Element, which: &str) -> Result<Option<bool>, String> {
    let Some(said) = element.attribute(which) else { return Ok(None) };
    truth(said).map(Some).ok_or_else(|| format!("has a `{which}` that says neither yes nor no"))
}

/// Refuses attributes that are neither harmless nor taken, nor such as say no.
fn only(element: &Element, taken: &[&str], off: &[&str]) -> Result<(), String> {
    for (name, value) in &element.attributes {
        let name = name.as_str();
        let known = HARMLESS.contains(&name) || taken.contains(&name);
        let unused = off.contains(&name) && truth(value.trim()) == Some(false);
        // Without it, grading is a program's.
        let by_rule = name == "builtin-grading" && truth(value.trim()) == Some(true);
        if !known && !unused && !by_rule {
            return Err(format!("has `{}`, which has no form here", told(name)));
        }
    }
    Ok(())
}

fn blank(element: &Element, kind: QuestionType) -> Result<Question, String> {
    let points = match element.attribute("weight") {
        None => 1,
        Some(weight) => weight.parse().map_err(|_| "has a weight that is no whole number")?,
    };
    Ok(Question {
        slug: String::new(),
        kind,
        text: String::new(),
        points,
        pool: None,
        set: None,
        choices: Vec::new(),
        partial: false,
        answers: Vec::new(),
        pattern: None,
        case_sensitive: false,
        number: None,
        absolute: None,
        relative: None,
        parameters: Vec::new(),
        pairs: Vec::new(),
        extra: Vec::new(),
        explanation: None,
    })
}
