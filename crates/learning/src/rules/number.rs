//! Decimal numbers as people write them, compared exactly: no floats, so `0.1 + 0.2` is `0.3`.

use std::cmp::Ordering;

use std::fmt;
use std::str::FromStr;

/// Digits after the point that are kept.
const SCALE: u32 = 9;
const ONE: i128 = 1_000_000_000;
/// The largest whole part, in digits.
const WHOLE_DIGITS: usize = 15;

/// A decimal number: at most 15 digits before the point and 9 after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(i128);

/// A text that is no such number. NaN and infinity are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a decimal number, such as -12.5, with at most 15 digits before the point and 9 after it")]
pub struct NotADecimal;

impl FromStr for Decimal {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        // U+2212, which word processors make of a hyphen.
        let (negative, digits) =
            digits.strip_prefix('\u{2212}').map_or((negative, digits), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let some = digits.bytes().any(|b| b.is_ascii_digit());
        if !some
            || !plain(whole)
            || !plain(fraction)
            || whole.len() > WHOLE_DIGITS
            || fraction.len() > SCALE as usize
        {
            return Err(NotADecimal);
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| NotADecimal)? };
        let padded = format!("{fraction:0<width$}", width = SCALE as usize);
        let fraction: i128 = padded.parse().map_err(|_| NotADecimal)?;
        let value = whole * ONE + fraction;
        Ok(Self(if negative { -value } else { value }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        let text = format!("{fraction:09}");
        match text.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A whole number, if it is not too large.
    pub fn whole(value: i64) -> Option<Self> {
        Self::bounded(i128::from(value) * ONE)
    }

    fn bounded(value: i128) -> Option<Self> {
        (value.abs() < ONE * 1_000_000_000_000_000).then_some(Self(value))
    }

    /// The sum, if it is not too large.
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::bounded(self.0 + other.0)
    }

    /// The difference, if it is not too large.
    pub fn minus(self, other: Self) -> Option<Self> {
        Self::bounded(self.0 - other.0)
    }

    /// The product, rounded half away from zero to nine places, if it is not too large.
    pub fn times(self, other: Self) -> Option<Self> {
        // Split so that nothing overflows: (a + b/ONE) × other.
        let (whole, rest) = (self.0 / ONE, self.0 % ONE);
        let high = whole.checked_mul(other.0)?;
        let low = divide_rounded(rest.checked_mul(other.0)?, ONE);
        Self::bounded(high.checked_add(low)?)
    }

    /// The quotient, rounded half away from zero to nine places; none by zero.
    pub fn over(self, other: Self) -> Option<Self> {
        if other.0 == 0 {
            return None;
        }
        Self::bounded(divide_rounded(self.0.checked_mul(ONE)?, other.0))
    }

    /// Whether this is negative.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether |self − key| ≤ max(absolute, relative × |key|), bounds included.
    pub fn is_within(self, key: Self, absolute: Self, relative: Self) -> bool {
        let distance = (self.0 - key.0).abs();
        if distance <= absolute.0 {
            return true;
        }
        // distance × ONE ≤ relative × |key|, without overflow: both sides are below 10^24 × 10^24 only if relative is; so
        // the larger side is compared by parts.
        match (distance.checked_mul(ONE), relative.0.checked_mul(key.0.abs())) {
            (Some(left), Some(right)) => left.cmp(&right) != Ordering::Greater,
            // A relative tolerance that large takes everything.
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

fn divide_rounded(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, value % by);
    let up = i128::from(rest.abs() * 2 >= by.abs());
    if (value < 0) == (by < 0) { quotient + up } else { quotient - up }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_people_write_is_read() {
        for (text, shown) in [
            ("12", "12"),
            (" -0.50 ", "-0.5"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("\u{2212}3", "-3"),
            ("000.100", "0.1"),
            ("-0", "0"),
            ("999999999999999.999999999", "999999999999999.999999999"),
        ] {
            assert_eq!(number(text).to_string(), shown, "{text:?}");
        }
        for text in [
            "",
            ".",
            "-",
            "NaN",
            "inf",
            "-Infinity",
            "1e3",
            "1,5",
            "1 000",
            "--1",
            "1.0000000001",
            "1000000000000000",
            "0x10",
            "१",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn bounds_are_included_and_nothing_is_lost_to_floats() {
        assert!(number("0.3").is_within(
            number("0.1").plus(number("0.2")).unwrap(),
            Decimal::ZERO,
            Decimal::ZERO
        ));
        assert!(number("10.5").is_within(number("10"), number("0.5"), Decimal::ZERO));
        assert!(!number("10.500000001").is_within(number("10"), number("0.5"), Decimal::ZERO));
        assert!(number("-101").is_within(number("-100"), Decimal::ZERO, number("0.01")));
        assert!(!number("-101.1").is_within(number("-100"), Decimal::ZERO, number("0.01")));
        // The larger of the two tolerances counts.
        assert!(number("102").is_within(number("100"), number("2"), number("0.01")));
        // Relative to zero there is no leeway.
        assert!(!number("0.1").is_within(Decimal::ZERO, Decimal::ZERO, number("1")));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(value in -1_000_000_000_000_000_000_000i128..1_000_000_000_000_000_000_000) {
            let number = Decimal(value);
            prop_assert_eq!(number.to_string().parse::<Decimal>(), Ok(number));
        }

        #[test]
        fn tolerance_is_symmetric_and_grows(
            key in -1_000_000i64..1_000_000, off in -1_000i64..1_000, tolerance in 0i64..1_000,
        ) {
            let whole = |n| Decimal::whole(n).unwrap();
            let right = |answer| whole(answer).is_within(whole(key), whole(tolerance), Decimal::ZERO);
            prop_assert_eq!(right(key + off), off.abs() <= tolerance);
            prop_assert_eq!(right(key + off), right(key - off));
        }

        #[test]
        fn arithmetic_is_that_of_whole_numbers(a in -1_000_000i64..1_000_000, b in -1_000i64..1_000) {
            let (x, y) = (Decimal::whole(a).unwrap(), Decimal::whole(b).unwrap());
            prop_assert_eq!(x.times(y), Decimal::whole(a * b));
            prop_assert_eq!(x.plus(y), Decimal::whole(a + b));
            prop_assert_eq!(x.minus(y), Decimal::whole(a - b));
            if b != 0 {
                prop_assert_eq!(x.times(y).unwrap().over(y), Some(x));
            }
        }
    }
}
