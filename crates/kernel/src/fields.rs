//! Checks that many bodies share, each in words that follow the field's name.

use chrono::{DateTime, Datelike as _, Utc};
use serde::{Deserialize, Deserializer};

/// A field that holds what cannot be: its name, and a message that follows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {message}")]
pub struct Wrong {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub message: String,
}

impl Wrong {
    /// This field is wrong: a message that follows its name.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

impl From<Wrong> for crate::Problem {
    fn from(wrong: Wrong) -> Self {
        Self::field(wrong.field, wrong.message)
    }
}

/// Tells a null, which clears, from an absent field, which changes nothing.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A line of text, trimmed: 1 to `max` characters, some of which can be seen, and none of which is a control character.
pub fn line(field: &'static str, text: &str, max: usize) -> Result<String, Wrong> {
    crate::text::name_check(text, max)
        .map(str::to_owned)
        .map_err(|fault| Wrong::new(field, fault.to_string()))
}

/// A text of several lines, trimmed: at most `max` characters, none of them NUL.
pub fn text(field: &'static str, text: &str, max: usize) -> Result<String, Wrong> {
    let text = text.trim();
    if text.chars().count() > max || text.contains('\0') {
        return Err(Wrong::new(field, format!("must be at most {max} characters, none of them NUL")));
    }
    Ok(text.to_owned())
}

/// A time that people could mean: from the year 2000 to 2199.
pub fn time(field: &'static str, time: DateTime<Utc>) -> Result<DateTime<Utc>, Wrong> {
    if (2000..2200).contains(&time.year()) {
        return Ok(time);
    }
    Err(Wrong::new(field, "must be in the years 2000 to 2199"))
}

/// A whole number within bounds.
pub fn within<T: PartialOrd + Copy + std::fmt::Display>(
    field: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<T, Wrong> {
    if value >= least && value <= most {
        return Ok(value);
    }
    Err(Wrong::new(field, format!("must be between {least} and {most}")))
}

/// The address of a page: `https://…`, at most 500 characters, no blanks.
pub fn url(field: &'static str, address: &str) -> Result<String, Wrong> {
    let address = address.trim();
    let fine =
        address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
            && address.len() <= 500
            && address.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if fine {
        return Ok(address.to_owned());
    }
    Err(Wrong::new(field, "must be an address of at most 500 characters that begins with https://"))
}
