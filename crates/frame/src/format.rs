//! Amounts, durations and times as people read them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::html::Html;

/// A whole number of any of our types.
pub trait Whole {
    /// Its value.
    fn whole(&self) -> i64;
}

macro_rules! whole {
    ($($type:ty: |$value:ident| $whole:expr;)*) => {
        $(impl Whole for $type {
            fn whole(&self) -> i64 {
                let $value = *self;
                $whole
            }
        })*
    };
}
whole! {
    i64: |value| value;
    i32: |value| value.into();
    u32: |value| value.into();
    u64: |value| i64::try_from(value).unwrap_or(i64::MAX);
    usize: |value| i64::try_from(value).unwrap_or(i64::MAX);
    kernel::Bytes: |value| value.get();
    kernel::Xp: |value| value.get();
    kernel::Gold: |value| value.get();
}

impl<T: Whole> Whole for &T {
    fn whole(&self) -> i64 {
        (**self).whole()
    }
}

/// A whole number with thin spaces between its thousands.
pub fn number(amount: impl Whole) -> String {
    let amount = amount.whole();
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    if amount < 0 {
        text.push('−');
    }
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A difference, with its sign.
pub fn signed(amount: impl Whole) -> String {
    let amount = amount.whole();
    if amount > 0 { format!("+{}", number(amount)) } else { number(amount) }
}

/// `1 hint`, `2 hints`.
pub fn count(amount: impl Whole, one: &str, many: &str) -> String {
    let amount = amount.whole();
    format!("{} {}", number(amount), if amount == 1 { one } else { many })
}

/// Milliseconds as the two largest units that are not nothing.
pub fn duration_ms(milliseconds: impl Whole) -> String {
    let milliseconds = milliseconds.whole();
    let seconds = milliseconds / 1_000;
    match seconds {
        ..60 => format!("{seconds}.{} s", (milliseconds % 1_000).abs() / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// How long from one time to another, roughly: `3 days`, `2 h 10 min`, `in a moment`.
pub fn span(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().abs();
    match seconds {
        ..60 => "a moment".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        86_400..172_800 => format!("1 day {} h", (seconds - 86_400) / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// An instant. Without script it is told in UTC; with it, in the zone of who reads.
pub fn time(at: &DateTime<Utc>) -> Html {
    let machine = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Html::trusted(format!(
        "<time datetime=\"{machine}\" data-local>{} UTC</time>",
        at.format("%-d %b %Y, %H:%M")
    ))
}

/// The day of an instant, where the hour does not matter.
pub fn day(at: &DateTime<Utc>) -> Html {
    let machine = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Html::trusted(format!(
        "<time datetime=\"{machine}\" data-local=\"day\">{}</time>",
        at.format("%-d %b %Y")
    ))
}

/// An instant beside how far off it is; the script counts it down.
pub fn countdown(at: &DateTime<Utc>, now: &DateTime<Utc>) -> Html {
    let machine = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let text =
        if at > now { format!("in {}", span(*at - *now)) } else { format!("{} ago", span(*now - *at)) };
    Html::trusted(format!("<time datetime=\"{machine}\" data-countdown class=\"countdown\">{text}</time>"))
}

/// An ordinal: `1st`.
pub fn ordinal(place: impl Whole) -> String {
    let place = place.whole();
    let end = match (place % 10, place % 100) {
        (1, 11) | (2, 12) | (3, 13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{end}", number(place))
}

/// A word of the database as people read it: `in_progress` becomes `In progress`.
pub fn word(text: &str) -> String {
    // What is written in capitals everywhere stays so.
    let capital =
        |word: &str| if matches!(word, "xp" | "api" | "dm") { word.to_uppercase() } else { word.to_owned() };
    let lower = text.to_lowercase().split('_').map(capital).collect::<Vec<_>>().join(" ");
    let mut chars = lower.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_signed() {
        assert_eq!(number(0_i64), "0");
        assert_eq!(number(1_234_567_i64), "1\u{202f}234\u{202f}567");
        assert_eq!(number(-1_000_i64), "−1\u{202f}000");
        assert_eq!(number(i64::MIN).chars().filter(char::is_ascii_digit).count(), 19);
        assert_eq!((signed(5_i64), signed(-5_i64), signed(0_i64)), ("+5".into(), "−5".into(), "0".into()));
        assert_eq!(
            (count(1_i64, "hint", "hints"), count(2_i64, "hint", "hints")),
            ("1 hint".into(), "2 hints".into())
        );
    }

    #[test]
    fn durations_show_two_units() {
        assert_eq!(duration_ms(1_250_i64), "1.2 s");
        assert_eq!(duration_ms(61_000_i64), "1 min 01 s");
        assert_eq!(duration_ms(3_700_000_i64), "1 h 01 min");
        assert_eq!(duration_ms(90_000_000_i64), "1 d 01 h");
    }

    #[test]
    fn ordinals_and_words() {
        let places: Vec<String> =
            [1, 2, 3, 4, 11, 12, 13, 21, 101, 111].map(|place: i64| ordinal(place)).into();
        assert_eq!(places.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 101st 111th");
        assert_eq!((word("message_xp"), word("xp")), ("Message XP".to_owned(), "XP".to_owned()));
        assert_eq!((word("REWARD_CLAIM"), word("")), ("Reward claim".to_owned(), String::new()));
    }
}
