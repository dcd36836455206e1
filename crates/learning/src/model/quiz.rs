//! Quizzes as authors write them, and as learners see and answer them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A quiz with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiz {
    /// Percent of the points that pass: 1 to 100.
    #[serde(default = "hundred")]
    #[schema(minimum = 1, maximum = 100)]
    pub pass_percent: u32,
    /// How often it may be tried; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub max_tries: Option<u32>,
    /// Minutes from seeing the questions to handing in; absent for any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1440)]
    pub time_limit_minutes: Option<u32>,
    /// Seconds between two tries: 30 unless told, so that the key is not found by trying.
    #[serde(default = "thirty")]
    #[schema(maximum = 604_800)]
    pub cooldown_seconds: u32,
    /// Whether questions and choices come in an order of each learner's own.
    #[serde(default = "yes")]
    pub shuffle: bool,
    /// How many questions to draw from which pool. A pool is made of questions that name it, else it is a bank of the guild.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draws: Vec<Draw>,
    /// The questions.
    #[serde(default)]
    pub questions: Vec<Question>,
}

/// How many questions to draw from a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// The pool.
    pub pool: String,
    /// How many, at least 1; a set counts as one.
    #[schema(minimum = 1)]
    pub count: usize,
}

/// What kind of question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionType {
    /// One choice is right.
    Single,
    /// Several choices may be right.
    Multiple,
    /// A short text.
    Text,
    /// A number.
    Number,
    /// The choices are to be put in order.
    Ordering,
    /// Left sides are to be matched with right sides.
    Matching,
}

/// A question with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Short name, unique in the quiz.
    pub slug: String,
    /// What kind.
    #[serde(rename = "type")]
    pub kind: QuestionType,
    /// The question, Markdown; `{name}` stands for a parameter's value.
    pub text: String,
    /// Points it brings: 1 to 100.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100)]
    pub points: u32,
    /// The pool it is drawn from; absent: it is always asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// What it is drawn together with: questions of one pool and one set come together, in their order, as one draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Choices of `single` and `multiple`; those of `ordering`, in the right order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Whether part of an answer brings part of the points, where that is possible.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Texts that are right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// A pattern that right texts match as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether case matters in texts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub case_sensitive: bool,
    /// The right number, as text: a decimal, or a formula of parameters with + - * / and parentheses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// How far off a right number may be, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<String>,
    /// How far off as a part of the right number, as text; the larger of the two counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<String>,
    /// Values of each learner's own that stand in text and formula.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// What belongs together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
    /// Right sides that belong to nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<String>,
    /// What is told about it once it is passed or no tries are left, Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Short name, unique in the question.
    pub slug: String,
    /// What it says, Markdown.
    pub text: String,
    /// Whether it is right.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub right: bool,
}

/// A whole number of each learner's own: `from`, `from + step`, … up to `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name: lower-case letters.
    pub name: String,
    /// The smallest value.
    pub from: i64,
    /// The largest value.
    pub to: i64,
    /// The distance of two values, from 1.
    #[serde(default = "one_step")]
    #[schema(minimum = 1)]
    pub step: i64,
}

/// Two sides that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Short name, unique in the question.
    pub slug: String,
    /// The left side, Markdown.
    pub left: String,
    /// The right side, Markdown.
    pub right: String,
}

/// A question as a learner sees it: without its key, under ids of this try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedQuestion {
    /// Its id in this try.
    pub id: String,
    /// What kind.
    #[serde(rename = "type")]
    pub kind: QuestionType,
    /// The question, Markdown.
    pub text: String,
    /// Points it brings.
    pub points: u32,
    /// What to choose from, to put in order, or the left sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<AskedChoice>,
    /// The right sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<AskedChoice>,
}

/// A choice as a learner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedChoice {
    /// Its id in this try.
    pub id: String,
    /// What it says, Markdown.
    pub text: String,
}

/// An answer to one question: the field that its type asks for, none for leaving it out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemAnswer {
    /// The question's id in this try.
    pub question: String,
    /// `single`: the choice's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
    /// `multiple`: the choices' ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// `text`: at most 10,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `number`: a decimal as text, such as "-12.5".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// `ordering`: all choices' ids in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// `matching`: for left sides' ids the right side's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<BTreeMap<String, String>>,
}

const fn hundred() -> u32 {
    100
}

const fn thirty() -> u32 {
    30
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

const fn one_step() -> i64 {
    1
}
