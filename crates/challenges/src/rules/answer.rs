//! Comparing an answer with the expected one.

use std::borrow::Cow;

use kernel::FieldError;
use serde::{Deserialize, Deserializer, Serialize, de};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::decimal::Decimal;

// What a generator may say is what a participant may submit, and both are read alike.
pub use sandbox::generator::{MAX_ANSWER_BYTES, MAX_PARTS, alternatives, canonical};

/// The longest tolerance, in characters.
const MAX_TOLERANCE: usize = 40;
/// The most points that a part may bring.
const MAX_POINTS: i32 = 1_000_000;

/// What makes an answer right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The same text, white space at its ends and the kind of line ends aside.
    #[default]
    Exact,
    /// The same words, however they are laid out.
    Tokens,
    /// The same lines, in any order.
    Lines,
    /// The same words, of which those that are numbers may differ by a tolerance.
    Number,
}

/// How the answers to a part are judged, and what it brings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerRule {
    /// What makes an answer right.
    pub compare: Compare,
    /// Whether upper and lower case are the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_case: bool,
    /// `number`: how far from the right number an answer may be, as a decimal: `0.01`.
    #[serde(deserialize_with = "decimal_text", skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.01")]
    pub absolute: Option<String>,
    /// `number`: the same as a share of the right number: `1e-6`.
    #[serde(deserialize_with = "decimal_text", skip_serializing_if = "Option::is_none")]
    #[schema(example = "1e-6")]
    pub relative: Option<String>,
    /// `point_based`: what its first solver gets, instead of the campaign's `starting_points`: 0 to 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i32>,
}

/// A decimal as text or as a number.
fn decimal_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Whole(i64),
        Float(f64),
    }
    Ok(Option::<Given>::deserialize(deserializer)
        .map_err(|_| de::Error::custom("must be a decimal, such as 0.01"))?
        .map(|given| match given {
            Given::Text(text) => text,
            Given::Whole(number) => number.to_string(),
            Given::Float(number) => number.to_string(),
        }))
}

impl AnswerRule {
    /// Whether an answer is right, where `expected` is. Exact comparison takes a time that depends on the lengths alone: how
    /// many of the first characters are right cannot be measured.
    pub fn accepts(&self, given: &str, expected: &str) -> bool {
        let (given, expected) = (self.cased(given), self.cased(expected));
        match self.compare {
            Compare::Exact => same(&given, &expected),
            Compare::Tokens => same(&words(&given), &words(&expected)),
            Compare::Lines => same(&lines(&given), &lines(&expected)),
            Compare::Number => self.near(&given, &expected),
        }
    }

    fn cased<'a>(&self, answer: &'a str) -> Cow<'a, str> {
        let answer = canonical(answer);
        if self.ignore_case { Cow::Owned(answer.to_lowercase()) } else { answer }
    }

    fn near(&self, given: &str, expected: &str) -> bool {
        let tolerance = |text: &Option<String>| text.as_deref().and_then(Decimal::parse);
        let (absolute, relative) = (tolerance(&self.absolute), tolerance(&self.relative));
        let (given, expected): (Vec<&str>, Vec<&str>) =
            (given.split_whitespace().collect(), expected.split_whitespace().collect());
        given.len() == expected.len()
            && given.iter().zip(&expected).all(|(given, expected)| {
                match (Decimal::parse(given), Decimal::parse(expected)) {
                    (Some(number), Some(right)) => {
                        number.is_near(&right, absolute.as_ref(), relative.as_ref())
                    }
                    _ => given == expected,
                }
            })
    }

    /// Whether two answers may both be right without being alike: by how far numbers may be off.
    pub(super) fn has_tolerance(&self) -> bool {
        self.compare == Compare::Number && (self.absolute.is_some() || self.relative.is_some())
    }

    /// What an answer is like, where there is no tolerance: two of which this is the same are alike, and no others.
    pub(super) fn normal(&self, answer: &str) -> String {
        let answer = self.cased(answer);
        match self.compare {
            Compare::Exact => answer.into_owned(),
            Compare::Tokens => words(&answer),
            Compare::Lines => lines(&answer),
            Compare::Number => {
                let number =
                    |word: &str| Decimal::parse(word).map_or_else(|| word.to_owned(), |n| n.canonical());
                answer.split_whitespace().map(number).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Where there is a tolerance: what stands where no number does, and about the first number, 0 without one. Answers that are alike
    /// have the same shape.
    pub(super) fn shape(&self, answer: &str) -> (String, f64) {
        let answer = self.cased(answer);
        let mut first = None;
        let mut shape = |word: &'_ str| {
            if Decimal::parse(word).is_none() {
                return word.to_owned();
            }
            first = first.or_else(|| word.parse().ok());
            "#".to_owned()
        };
        let shape = answer.split_whitespace().map(&mut shape).collect::<Vec<_>>().join(" ");
        (shape, first.unwrap_or(0.0))
    }

    /// How far the first number of an answer that is like one with `first` can be from it, or more.
    pub(super) fn reach(&self, first: f64) -> f64 {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
        let (absolute, relative) = (number(&self.absolute), number(&self.relative));
        // A share of the right number, of which only the given one is known here.
        let share =
            relative.map_or(0.0, |share| if share < 1.0 { share / (1.0 - share) } else { f64::INFINITY });
        let reach = absolute.unwrap_or(0.0).max(share * first.abs());
        // Floats are close to the decimals that they stand for, but seldom the same.
        (reach + first.abs()).mul_add(1e-9, reach) + f64::MIN_POSITIVE
    }

    fn check(&self, at: &str, wrong: &mut Vec<FieldError>) {
        let mut say = |field: &str, message: String| {
            wrong.push(FieldError { field: format!("{at}.{field}"), message });
        };
        for (field, tolerance) in [("absolute", &self.absolute), ("relative", &self.relative)] {
            let Some(text) = tolerance else { continue };
            let fits = text.len() <= MAX_TOLERANCE && Decimal::parse(text).is_some_and(|n| !n.is_negative());
            if !fits {
                say(field, "must be a decimal that is not negative, such as 0.01 or 1e-6".to_owned());
            } else if self.compare != Compare::Number {
                say(field, "is for `compare = \"number\"`".to_owned());
            }
        }
        if self.points.is_some_and(|points| !(0..=MAX_POINTS).contains(&points)) {
            say("points", format!("must be between 0 and {MAX_POINTS}"));
        }
    }
}

/// The rule of a part, from 1, among those of a challenge: a single one is for all parts, and where there is none answers are
/// compared exactly.
pub fn rule_of(rules: &[AnswerRule], part: i32) -> Option<&AnswerRule> {
    match rules {
        [only] => Some(only),
        several => several.get(usize::try_from(part).ok()?.checked_sub(1)?),
    }
}

/// What the first solver of a part gets: what its rule says, or else the campaign's.
pub fn points_of(rules: &[AnswerRule], part: i32, starting_points: i32) -> i32 {
    rule_of(rules, part).and_then(|rule| rule.points).unwrap_or(starting_points)
}

/// Rules as they are stored: none at all where all are as they would be without.
pub fn rules_stored(rules: &[AnswerRule]) -> Option<serde_json::Value> {
    if rules.iter().all(|rule| *rule == AnswerRule::default()) {
        None
    } else {
        serde_json::to_value(rules).ok()
    }
}

/// Rules as they were stored.
pub fn rules_read(stored: Option<serde_json::Value>) -> Vec<AnswerRule> {
    stored.and_then(|rules| serde_json::from_value(rules).ok()).unwrap_or_default()
}

/// Whether a part brings something else by these rules than by those.
pub fn points_differ(one: &[AnswerRule], other: &[AnswerRule], parts: i32) -> bool {
    let of = |rules: &[AnswerRule], part| rule_of(rules, part).and_then(|rule| rule.points);
    (1..=parts).any(|part| of(one, part) != of(other, part))
}

/// Everything that is wrong with a challenge's rules.
pub fn rules_check(rules: &[AnswerRule], parts: i32) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if rules.len() > 1 && i32::try_from(rules.len()) != Ok(parts) {
        wrong.push(FieldError {
            field: "answers".to_owned(),
            message: format!(
                "must be one for all parts, or one for each of the {parts}, not {}",
                rules.len()
            ),
        });
    }
    for (n, rule) in rules.iter().enumerate() {
        rule.check(&format!("answers[{n}]"), &mut wrong);
    }
    wrong
}

/// Whether an answer is right by the rule of its part: like any of the expected ones.
pub fn is_right(rule: Option<&AnswerRule>, given: &str, expected: &str) -> bool {
    let like = |expected: &str| match rule {
        None => same(&canonical(given), &canonical(expected)),
        Some(rule) => rule.accepts(given, expected),
    };
    // All are looked at, so that which of them it was like cannot be measured either.
    alternatives(expected).fold(false, |right, expected| like(expected) | right)
}

fn same(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(json: serde_json::Value) -> AnswerRule {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn white_space_at_the_ends_does_not_count_and_anything_else_does() {
        for rule in [None, Some(&AnswerRule::default())] {
            assert!(is_right(rule, " 42\r\n", "42"));
            assert!(is_right(rule, "42", "\t42 "));
            assert!(is_right(rule, "a\r\nb\rc", "a\nb\nc") && is_right(rule, "a\nb", "a\r\nb"));
            for other in ["42.0", "042", "4 2", "", "forty-two"] {
                assert!(!is_right(rule, other, "42"), "{other}");
            }
            assert!(!is_right(rule, "Yes", "yes"));
        }
    }

    #[test]
    fn layout_case_and_order_do_not_count_where_the_author_says_so() {
        let tokens = rule(json!({"compare": "tokens"}));
        assert!(
            tokens.accepts("1   2\n\t3", "1 2 3")
                && !tokens.accepts("1 23", "1 2 3")
                && !tokens.accepts("A", "a")
        );
        let lines = rule(json!({"compare": "lines"}));
        assert!(
            lines.accepts("b\n\n a \nb", "a\nb\r\nb")
                && !lines.accepts("a\nb", "a\nb\nb")
                && !lines.accepts("a b", "a\nb")
        );
        let any_case = rule(json!({"ignore_case": true}));
        assert!(any_case.accepts("FLAG{Straße}", "flag{straße}") && !any_case.accepts("fl ag", "flag"));
        assert!(rule(json!({"compare": "tokens", "ignore_case": true})).accepts("Yes  NO", "yes no"));
    }

    #[test]
    fn one_of_several_right_answers_is_enough() {
        let expected = "north\u{1f}n\u{1f}42.0";
        assert!(is_right(None, "n", expected) && is_right(None, " north ", expected));
        assert!(
            !is_right(None, "N", expected)
                && !is_right(None, expected, expected)
                && !is_right(None, "", expected)
        );
        let near = rule(json!({"compare": "number", "ignore_case": true}));
        assert!(is_right(Some(&near), "NORTH", expected) && is_right(Some(&near), "42", expected));
    }

    #[test]
    fn numbers_are_near_or_not() {
        let near = rule(json!({"compare": "number", "absolute": "0.01"}));
        assert!(
            near.accepts("3.14", "3.14159")
                && near.accepts("3.15", "3.14")
                && !near.accepts("3.13", "3.14159")
        );
        assert!(
            near.accepts("x 1.005 2", "x 1 2.0")
                && !near.accepts("y 1 2", "x 1 2")
                && !near.accepts("1", "1 2")
        );
        assert!(!near.accepts("three", "3") && !near.accepts("nan", "3"));
        let same = rule(json!({"compare": "number"}));
        assert!(same.accepts("42.0", "42") && same.accepts("4.2e1", "42") && !same.accepts("42.1", "42"));
        // As TOML and JSON give numbers.
        assert_eq!(
            rule(json!({"compare": "number", "relative": 1e-6})).relative.as_deref(),
            Some("0.000001")
        );
        assert_eq!(rule(json!({"compare": "number", "absolute": 1})).absolute.as_deref(), Some("1"));
    }

    #[test]
    fn what_is_wrong_with_rules_is_said_by_field() {
        let fields = |rules: &[AnswerRule], parts| {
            rules_check(rules, parts).into_iter().map(|wrong| wrong.field).collect::<Vec<_>>()
        };
        let some = |json| rule(json);
        assert_eq!(fields(&[], 2), [""; 0]);
        assert_eq!(fields(&[some(json!({"points": 5}))], 2), [""; 0]);
        assert_eq!(fields(&[some(json!({})), some(json!({}))], 1), ["answers"]);
        let bad = [
            some(json!({"compare": "number", "absolute": "-1", "relative": "x"})),
            some(json!({"absolute": "1", "points": -1})),
        ];
        assert_eq!(
            fields(&bad, 2),
            ["answers[0].absolute", "answers[0].relative", "answers[1].absolute", "answers[1].points"]
        );
        assert!(serde_json::from_value::<AnswerRule>(json!({"compare": "roughly"})).is_err());
        assert_eq!(rule_of(&bad, 2), Some(&bad[1]));
        assert_eq!(rule_of(&bad[..1], 2), Some(&bad[0]));
        assert_eq!(rule_of(&[], 1), None);
    }

    proptest! {
        #[test]
        fn agrees_with_plain_comparison(a in ".{0,20}", b in ".{0,20}") {
            prop_assert_eq!(is_right(None, &a, &b), canonical(&a) == canonical(&b));
            let padded = format!(" {a}\n");
            prop_assert!(is_right(None, &padded, &a));
        }

        #[test]
        fn the_right_answer_is_right_by_every_rule(answer in "[ -~\n]{0,30}", ignore_case: bool, which in 0..4_usize) {
            let compare = [Compare::Exact, Compare::Tokens, Compare::Lines, Compare::Number][which];
            let rule = AnswerRule { compare, ignore_case, ..AnswerRule::default() };
            prop_assert!(rule.accepts(&answer, &answer));
        }
    }
}
