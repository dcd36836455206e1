//! Whose answer a text is: the answers to many inputs, ready to be asked which of them a given one is like by the challenge's rule.
//!
//! Holding each given answer against each input would cost their product. By all comparisons but one, alike is to be the same once both
//! are normalised, so a look is enough; numbers with a tolerance are sorted, and only those near enough are compared.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use super::answer::{AnswerRule, alternatives};

/// Answers to inputs by whose they are.
pub(crate) struct Owners<'a> {
    rule: AnswerRule,
    kept: Kept<'a>,
}

enum Kept<'a> {
    /// By what they are once normalised.
    Alike(HashMap<String, Vec<&'a str>>),
    /// By what stands where no number does; in the order of their first numbers.
    Near(HashMap<String, Vec<Near<'a>>>),
}

struct Near<'a> {
    first: f64,
    answer: &'a str,
    owner: &'a str,
}

impl<'a> Owners<'a> {
    /// From the expected answers to a part, with whose each is.
    pub(crate) fn new(rule: Option<&AnswerRule>, expected: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let rule = rule.cloned().unwrap_or_default();
        let each =
            expected.flat_map(|(owner, expected)| alternatives(expected).map(move |answer| (owner, answer)));
        let kept = if rule.has_tolerance() {
            let mut near = HashMap::<String, Vec<Near<'a>>>::new();
            for (owner, answer) in each {
                let (shape, first) = rule.shape(answer);
                near.entry(shape).or_default().push(Near { first, answer, owner });
            }
            for of_shape in near.values_mut() {
                of_shape.sort_by(|a, b| a.first.total_cmp(&b.first));
            }
            Kept::Near(near)
        } else {
            let mut alike = HashMap::<String, Vec<&'a str>>::new();
            for (owner, answer) in each {
                alike.entry(rule.normal(answer)).or_default().push(owner);
            }
            Kept::Alike(alike)
        };
        Self { rule, kept }
    }

    /// Whose answer this is.
    pub(crate) fn of(&self, given: &str) -> BTreeSet<&'a str> {
        match &self.kept {
            Kept::Alike(alike) => {
                alike.get(&self.rule.normal(given)).into_iter().flatten().copied().collect()
            }
            Kept::Near(near) => {
                let (shape, first) = self.rule.shape(given);
                let Some(of_shape) = near.get(&shape) else { return BTreeSet::new() };
                let reach = self.rule.reach(first);
                let from = of_shape.partition_point(|near| near.first < first - reach);
                of_shape[from..]
                    .iter()
                    .take_while(|near| near.first.partial_cmp(&(first + reach)) != Some(Ordering::Greater))
                    .filter(|near| self.rule.accepts(given, near.answer))
                    .map(|near| near.owner)
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(json: serde_json::Value) -> AnswerRule {
        serde_json::from_value(json).unwrap()
    }

    fn found(rule: &AnswerRule, expected: &[&str], given: &str) -> Vec<usize> {
        let names: Vec<String> = (0..expected.len()).map(|n| n.to_string()).collect();
        let owners = Owners::new(Some(rule), names.iter().map(String::as_str).zip(expected.iter().copied()));
        owners.of(given).into_iter().map(|owner| owner.parse().unwrap()).collect()
    }

    #[test]
    fn answers_are_met_by_the_rule_of_their_challenge() {
        let words = rule(json!({"compare": "tokens", "ignore_case": true}));
        assert_eq!(found(&words, &["north east", "south\u{1f}s w"], "North\n  EAST"), [0]);
        assert_eq!(found(&words, &["north east", "south\u{1f}s w"], " S  W"), [1]);
        assert_eq!(found(&words, &["north east", "north  east"], "north east"), [0, 1], "shared by two");
        let lines = rule(json!({"compare": "lines"}));
        assert_eq!(found(&lines, &["a\nb", "c"], "b\r\na\r\n"), [0]);
        let near = rule(json!({"compare": "number", "absolute": "0.01"}));
        assert_eq!(found(&near, &["3.14159 x", "3.2 x", "3.15 x", "3.14159"], "3.145 x"), [0, 2]);
        assert_eq!(found(&near, &["1e400", "-5"], "1e400"), [0]);
        let same = rule(json!({"compare": "number"}));
        assert_eq!(found(&same, &["1000", "7"], "1e3"), [0]);
    }

    fn an_answer() -> impl Strategy<Value = String> {
        let word = prop_oneof!["[aA]", "-?[0-9]{1,3}", "-?[0-9]{1,2}\\.[0-9]{1,3}", "[0-9]e[0-2]"];
        proptest::collection::vec(word, 1..3)
            .prop_flat_map(|words| prop_oneof![Just(words.join(" ")), Just(words.join("\n"))])
    }

    proptest! {
        /// A look finds whom holding the answer against each would find.
        #[test]
        fn a_look_finds_all_and_no_others(
            expected in proptest::collection::vec(an_answer(), 1..12), given in an_answer(), which in 0..4_usize, ignore_case: bool,
            absolute in proptest::option::of(0..200_u32), relative in proptest::option::of(0..50_u32),
        ) {
            let compare = ["exact", "tokens", "lines", "number"][which];
            let mut text = json!({"compare": compare, "ignore_case": ignore_case});
            if compare == "number" {
                text["absolute"] = json!(absolute.map(|n| format!("{}.{:02}", n / 100, n % 100)));
                text["relative"] = json!(relative.map(|n| format!("0.{n:02}")));
            }
            let rule = rule(text);
            let texts: Vec<&str> = expected.iter().map(String::as_str).collect();
            let each: Vec<usize> =
                (0..texts.len()).filter(|n| rule.accepts(&given, texts[*n])).collect();
            let mut looked = found(&rule, &texts, &given);
            looked.sort_unstable();
            prop_assert_eq!(looked, each);
        }
    }
}
