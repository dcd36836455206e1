//! Decimal numbers as people write them, compared exactly: no float comes between an answer and its verdict.

use std::cmp::Ordering;

/// The largest exponent that is read as a number. Beyond it nobody means one, and room would be asked for to align it.
const MAX_EXPONENT: i64 = 10_000;

/// `digits × 10^exponent`, less than nothing if `negative`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Least significant first, without zeros at the significant end; none for zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads `42`, `-0.5`, `.5`, `5.`, `+1e-6`. `None` if it is no such number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let digits = whole.bytes().chain(fraction.bytes()).rev().map(|b| b - b'0').collect();
        Some(Self { negative, digits: trimmed(digits), exponent })
    }

    /// The one way in which this number is written here: two that are the same number have the same.
    pub(super) fn canonical(&self) -> String {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        let digits: String =
            self.digits[zeros..].iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        if digits.is_empty() {
            return "0".to_owned();
        }
        let exponent = self.exponent + i64::try_from(zeros).unwrap_or(i64::MAX);
        format!("{}{digits}e{exponent}", if self.negative { "-" } else { "" })
    }

    /// Whether it is less than nothing.
    pub(super) const fn is_negative(&self) -> bool {
        self.negative && !self.digits.is_empty()
    }

    /// Whether this is at most `absolute` away from `right`, or at most `relative` times `right`. Without both: whether the
    /// two are the same number.
    pub(super) fn is_near(&self, right: &Self, absolute: Option<&Self>, relative: Option<&Self>) -> bool {
        let away = self.distance(right);
        let near = |most: &Self| away.compare(most) != Ordering::Greater;
        away.digits.is_empty()
            || absolute.is_some_and(near)
            || relative.is_some_and(|relative| near(&relative.times(right)))
    }

    /// `|self − other|`.
    fn distance(&self, other: &Self) -> Self {
        let (a, b, exponent) = aligned(self, other);
        let digits = match (self.negative == other.negative, compared(&a, &b)) {
            (false, _) => sum(&a, &b),
            (true, Ordering::Less) => difference(&b, &a),
            (true, _) => difference(&a, &b),
        };
        Self { negative: false, digits, exponent }
    }

    /// `|self × other|`.
    fn times(&self, other: &Self) -> Self {
        let mut sums = vec![0_u32; self.digits.len() + other.digits.len() + 1];
        for (i, a) in self.digits.iter().enumerate() {
            for (j, b) in other.digits.iter().enumerate() {
                sums[i + j] += u32::from(*a) * u32::from(*b);
            }
        }
        let mut carry = 0;
        let digits = sums.into_iter().map(|sum| {
            let sum = sum + carry;
            carry = sum / 10;
            digit(sum % 10)
        });
        Self { negative: false, digits: trimmed(digits.collect()), exponent: self.exponent + other.exponent }
    }

    /// Compares magnitudes.
    fn compare(&self, other: &Self) -> Ordering {
        let (a, b, _) = aligned(self, other);
        compared(&a, &b)
    }
}

fn digit(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(9)
}

fn trimmed(mut digits: Vec<u8>) -> Vec<u8> {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

/// Both numbers' digits for the smaller of their exponents.
fn aligned(a: &Decimal, b: &Decimal) -> (Vec<u8>, Vec<u8>, i64) {
    let exponent = a.exponent.min(b.exponent);
    let to = |number: &Decimal| {
        let zeros = usize::try_from(number.exponent - exponent).unwrap_or(0);
        trimmed([vec![0; zeros], number.digits.clone()].concat())
    };
    (to(a), to(b), exponent)
}

fn compared(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let digits = (0..=a.len().max(b.len())).map(|n| {
        let sum = a.get(n).unwrap_or(&0) + b.get(n).unwrap_or(&0) + carry;
        carry = sum / 10;
        sum % 10
    });
    trimmed(digits.collect())
}

/// `a − b`, where `a` is not the smaller one.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrowed = 0;
    let digits = a.iter().enumerate().map(|(n, a)| {
        let take = b.get(n).unwrap_or(&0) + borrowed;
        borrowed = u8::from(*a < take);
        a + 10 * borrowed - take
    });
    trimmed(digits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (one, same) in
            [("42", "42.0"), ("042", "+42"), (".5", "0.50"), ("5.", "5e0"), ("1E3", "1000"), ("-0", "0")]
        {
            assert!(number(one).is_near(&number(same), None, None), "{one} is {same}");
        }
        for other in ["", "-", ".", "1,5", "0x10", "1e", "nan", "inf", "1 2", "--1", "1e99999", "٣", "1_000"]
        {
            assert_eq!(Decimal::parse(other), None, "{other}");
        }
    }

    #[test]
    fn tolerances_are_exact_at_their_edges() {
        let near = |given: &str, right: &str, absolute: Option<&str>, relative: Option<&str>| {
            number(given).is_near(
                &number(right),
                absolute.map(number).as_ref(),
                relative.map(number).as_ref(),
            )
        };
        // 0.1 + 0.2 is 0.3 here.
        assert!(
            near("0.4", "0.3", Some("0.1"), None)
                && !near("0.4000000000000000000000001", "0.3", Some("0.1"), None)
        );
        assert!(near("-0.1", "0.1", Some("0.2"), None) && !near("-0.1", "0.1", Some("0.19"), None));
        assert!(
            near("1000001", "1000000", None, Some("1e-6"))
                && !near("1000001.1", "1000000", None, Some("1e-6"))
        );
        assert!(near("-999999", "-1000000", None, Some("1e-6")));
        assert!(near("0.0001", "0", Some("1e-3"), Some("1e-6")) && !near("0.0001", "0", None, Some("1e-6")));
        assert!(!near("123456789012345678901234567890", "123456789012345678901234567891", None, None));
    }

    proptest! {
        #[test]
        fn agrees_with_whole_numbers(a in -10_000_i64..10_000, b in -10_000_i64..10_000, t in 0_i64..3_000, scale in 0_u32..3) {
            let text = |n: i64| {
                let p = 10_i64.pow(scale);
                format!("{}{}.{:0width$}", if n < 0 { "-" } else { "" }, n.abs() / p, n.abs() % p, width = scale as usize)
            };
            let near = number(&text(a)).is_near(&number(&text(b)), Some(&number(&text(t))), None);
            prop_assert_eq!(near, (a - b).abs() <= t);
            let tenth = number(&text(a)).is_near(&number(&text(b)), None, Some(&number("0.1")));
            prop_assert_eq!(tenth, (a - b).abs() * 10 <= b.abs());
        }

        #[test]
        fn whatever_is_read_is_near_itself(text in "[-+]?[0-9]{0,9}[.]?[0-9]{0,9}(e-?[0-9]{1,4})?") {
            if let Some(number) = Decimal::parse(&text) {
                prop_assert!(number.is_near(&number, None, None));
            }
        }
    }
}
