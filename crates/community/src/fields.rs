//! Checks that many bodies share, each in words that follow the field's name.

use chrono::{DateTime, Datelike as _, Utc};
use serde::{Deserialize, Deserializer};

use crate::error::Error;

/// Tells a null, which clears, from an absent field, which changes nothing.
#[expect(clippy::option_option, reason = "absent, null and a value are three things in a PATCH")]
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A line of text, trimmed: 1 to `max` characters, some of which can be seen, and none of which is a control character.
pub(crate) fn line(field: &'static str, text: &str, max: usize) -> Result<String, Error> {
    kernel::text::name(text, max).map(str::to_owned).ok_or_else(|| {
        let message =
            format!("must be 1 to {max} characters that can be seen, none of them a control character");
        Error::Invalid(field, message)
    })
}

/// A text of several lines, trimmed: at most `max` characters, none of them NUL.
pub(crate) fn text(field: &'static str, text: &str, max: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > max || text.contains('\0') {
        return Err(Error::Invalid(field, format!("must be at most {max} characters, none of them NUL")));
    }
    Ok(text.to_owned())
}

/// A time that people could mean: from the year 2000 to 2199.
pub(crate) fn time(field: &'static str, time: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    if (2000..2200).contains(&time.year()) {
        return Ok(time);
    }
    Err(Error::Invalid(field, "must be in the years 2000 to 2199".to_owned()))
}

/// A whole number within bounds.
pub(crate) fn within<T: PartialOrd + Copy + std::fmt::Display>(
    field: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<T, Error> {
    if value >= least && value <= most {
        return Ok(value);
    }
    Err(Error::Invalid(field, format!("must be between {least} and {most}")))
}

/// The address of a page: `https://…`, at most 500 characters, no blanks.
pub(crate) fn url(field: &'static str, address: &str) -> Result<String, Error> {
    let address = address.trim();
    let fine =
        address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
            && address.len() <= 500
            && address.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if fine {
        return Ok(address.to_owned());
    }
    Err(Error::Invalid(
        field,
        "must be an address of at most 500 characters that begins with https://".into(),
    ))
}
