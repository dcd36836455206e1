//! Formulas of right numbers: decimals, parameters, + - * / and parentheses. Nothing else, and nothing that could run on.

use std::collections::BTreeMap;

use super::number::Decimal;

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 30;

/// The formula's value, or what is wrong with it.
pub fn value(formula: &str, parameters: &BTreeMap<String, Decimal>) -> Result<Decimal, String> {
    if formula.len() > 500 {
        return Err("must be at most 500 bytes long".to_owned());
    }
    let mut reader = Reader { rest: formula.trim_start(), parameters, depth: 0 };
    let value = reader.sum()?;
    if reader.rest.is_empty() { Ok(value) } else { Err(format!("cannot be read from `{}` on", reader.rest)) }
}

struct Reader<'a> {
    rest: &'a str,
    parameters: &'a BTreeMap<String, Decimal>,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn sum(&mut self) -> Result<Decimal, String> {
        let mut value = self.product()?;
        loop {
            let next = if self.take('+') {
                let other = self.product()?;
                value.plus(other)
            } else if self.take('-') {
                let other = self.product()?;
                value.minus(other)
            } else {
                return Ok(value);
            };
            value = next.ok_or("comes to a number that is too large")?;
        }
    }

    fn product(&mut self) -> Result<Decimal, String> {
        let mut value = self.factor()?;
        loop {
            let next = if self.take('*') {
                let other = self.factor()?;
                value.times(other)
            } else if self.take('/') {
                let other = self.factor()?;
                if other == Decimal::ZERO {
                    return Err("divides by zero".to_owned());
                }
                value.over(other)
            } else {
                return Ok(value);
            };
            value = next.ok_or("comes to a number that is too large")?;
        }
    }

    fn factor(&mut self) -> Result<Decimal, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("must nest at most {MAX_DEPTH} deep"));
        }
        let value = self.factor_within();
        self.depth -= 1;
        value
    }

    fn factor_within(&mut self) -> Result<Decimal, String> {
        if self.take('-') {
            let value = self.factor()?;
            return Decimal::ZERO
                .minus(value)
                .ok_or_else(|| "comes to a number that is too large".to_owned());
        }
        if self.take('(') {
            let value = self.sum()?;
            return if self.take(')') { Ok(value) } else { Err("lacks a closing parenthesis".to_owned()) };
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        if word.is_empty() {
            return Err("lacks a number, a parameter or a parenthesis".to_owned());
        }
        if let Some(value) = self.parameters.get(word) {
            return Ok(*value);
        }
        word.parse().map_err(|_| format!("has `{word}`, which is neither a parameter nor a number"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(formula: &str) -> Result<String, String> {
        let parameters =
            BTreeMap::from([("a".to_owned(), "6".parse().unwrap()), ("b".to_owned(), "4".parse().unwrap())]);
        value(formula, &parameters).map(|value| value.to_string())
    }

    #[test]
    fn precedence_is_that_of_school() {
        for (formula, expected) in [
            ("42", "42"),
            ("a + b * 2", "14"),
            ("(a + b) * 2", "20"),
            ("a - b - 1", "1"),
            ("a / b", "1.5"),
            ("-a + -(-b)", "-2"),
            ("0.1 + 0.2", "0.3"),
            ("1 / 3", "0.333333333"),
        ] {
            assert_eq!(of(formula).as_deref(), Ok(expected), "{formula}");
        }
        for wrong in
            ["", "a +", "c", "a b", "1 / 0", "a / (b - 4)", "(a", "a)", "999999999999999 * 10", "2 ** 3"]
        {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(of(&format!("{}1", "-".repeat(400))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(formula in "[-+*/()ab0-9. ]{0,40}") {
            let _ = of(&formula);
        }
    }
}
