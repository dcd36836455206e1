//! Times and days as requests give them: within the years 1 to 9999, which RFC 3339 can write and every part of us can
//! reckon with. chrono reads years that PostgreSQL's calendar does not reach.
//!
//! Fields of requests are read with these: `#[serde(deserialize_with = "kernel::time::instant")]`. Cursors are held to the same
//! ([`crate::Cursor`]).

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Whether a time or a day is one that we can reckon with.
pub fn is_within(date: &impl Datelike) -> bool {
    (1..=9999).contains(&date.year())
}

fn checked<T: Datelike, E: serde::de::Error>(date: T) -> Result<T, E> {
    if is_within(&date) { Ok(date) } else { Err(E::custom("must be in the years 1 to 9999")) }
}

/// An instant.
///
/// # Errors
///
/// It is none, or beyond the calendar.
pub fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    checked(DateTime::deserialize(deserializer)?)
}

/// An instant, or nothing.
///
/// # Errors
///
/// As of [`instant`].
pub fn instant_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Option::deserialize(deserializer)?.map(checked).transpose()
}

/// A day.
///
/// # Errors
///
/// It is none, or beyond the calendar.
pub fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    checked(
        NaiveDate::deserialize(deserializer)
            .map_err(|error| D::Error::custom(in_words(&error.to_string())))?,
    )
}

/// A day, or nothing.
///
/// # Errors
///
/// As of [`day`].
pub fn day_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let day =
        Option::deserialize(deserializer).map_err(|error| D::Error::custom(in_words(&error.to_string())))?;
    day.map(checked).transpose()
}

/// chrono does not say that it wanted a day.
fn in_words(message: &str) -> String {
    if message.starts_with("invalid type") {
        return message.to_owned();
    }
    "must be a day such as \"2026-01-31\"".to_owned()
}

/// Whether no text in this JSON is a time beyond the calendar.
pub(crate) fn all_within(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => {
            text.parse::<DateTime<Utc>>().map_or(true, |time| is_within(&time))
                && text.parse::<NaiveDate>().map_or(true, |day| is_within(&day))
        }
        serde_json::Value::Array(list) => list.iter().all(all_within),
        serde_json::Value::Object(map) => map.values().all(all_within),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        #[serde(deserialize_with = "instant")]
        at: DateTime<Utc>,
        #[serde(default, deserialize_with = "instant_if_any")]
        until: Option<DateTime<Utc>>,
        #[serde(default, deserialize_with = "day_if_any")]
        day: Option<NaiveDate>,
    }

    fn read(json: &str) -> Result<Request, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn times_that_we_can_reckon_with() {
        let request =
            read(r#"{ "at": "2026-01-31T19:00:00+01:00", "until": null, "day": "2026-01-31" }"#).unwrap();
        assert_eq!(request.at.to_rfc3339(), "2026-01-31T18:00:00+00:00");
        assert_eq!(
            (request.until, request.day.map(|day| day.to_string())),
            (None, Some("2026-01-31".to_owned()))
        );
        assert!(read(r#"{ "at": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z" }"#).is_ok());
    }

    #[test]
    fn times_that_nobody_can_reckon_with() {
        for time in [
            "-262143-01-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "+10000-01-01T00:00:00Z",
            "+262142-01-01T00:00:00Z",
        ] {
            assert!(
                read(&format!(r#"{{ "at": "{time}" }}"#)).unwrap_err().contains("years 1 to 9999"),
                "{time}"
            );
            assert!(!all_within(&serde_json::json!([{ "a": time }, 1])), "{time}");
        }
        let wrong = read(r#"{ "at": "2026-01-31T19:00:00Z", "day": "tomorrow" }"#).unwrap_err();
        assert!(wrong.contains("must be a day such as"), "{wrong}");
        assert!(!all_within(&serde_json::json!("+262142-12-31")));
        assert!(all_within(&serde_json::json!(["2026-01-31", "2026-01-31T00:00:00Z", "x", 7, null])));
    }
}
