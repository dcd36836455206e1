//! Lines from a file, each right, or wrong in words.

mod columns;
mod csv;
mod encoding;
mod json;

use std::collections::HashMap;

use kernel::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use encoding::decode;

/// The most XP a line may bring.
const MOST_XP: i64 = i32::MAX as i64;
/// The highest level a line may bring.
const MOST_LEVEL: i32 = 10_000;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Values with commas, semicolons or tabs between them, a heading first.
    Csv,
    /// A list of objects, or an object that holds such a list or members by their ids.
    Json,
}

impl Format {
    /// How a text is written, by its beginning.
    pub fn of(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with(['{', '[']) { Self::Json } else { Self::Csv }
    }
}

/// A member and what they had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1; in JSON the number of the object.
    pub number: usize,
    /// The member.
    pub user_id: UserId,
    /// What they were called.
    pub name: Option<String>,
    /// XP they had.
    pub xp: Option<i64>,
    /// Level they had.
    pub level: Option<i32>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportFault)]
pub struct Fault {
    /// The line's number in the file, from 1; in JSON the number of the object. 0 for the file as a whole.
    pub line: usize,
    /// The member's id as it stands there, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

impl Fault {
    pub(super) fn new(line: usize, user_id: Option<&str>, message: impl Into<String>) -> Self {
        let user_id = user_id.map(|id| short(id.trim())).filter(|id| !id.is_empty());
        Self { line, user_id, message: message.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, &self.user_id) {
            (0, _) => write!(f, "{}", self.message),
            (line, None) => write!(f, "line {line}: {}", self.message),
            (line, Some(id)) => write!(f, "line {line} ({id}): {}", self.message),
        }
    }
}

/// The lines of a file that are right, and what is wrong with the others. A member stands in it once.
pub fn parse(format: Format, text: &str) -> (Vec<Line>, Vec<Fault>) {
    let text = text.trim_start_matches('\u{feff}');
    let read = match format {
        Format::Csv => csv::read(text),
        Format::Json => json::read(text),
    };
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let mut seen: HashMap<UserId, usize> = HashMap::new();
    for one in read {
        match one {
            Ok(line) => match seen.insert(line.user_id, line.number) {
                None => lines.push(line),
                Some(first) => {
                    let id = line.user_id.to_string();
                    let message = format!("this member stands on line {first} already");
                    faults.push(Fault::new(line.number, Some(&id), message));
                }
            },
            Err(fault) => faults.push(fault),
        }
    }
    (lines, faults)
}

/// A line from its four values as texts.
fn line(
    number: usize,
    user_id: Option<&str>,
    name: Option<&str>,
    xp: Option<&str>,
    level: Option<&str>,
) -> Result<Line, Fault> {
    let fault = |message: String| Fault::new(number, user_id, message);
    let filled =
        |value: Option<&str>| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let id = filled(user_id).ok_or_else(|| fault("`user_id` is missing".to_owned()))?;
    let user = id.parse::<UserId>().map_err(|error| {
        let lost = id.contains(['e', 'E']) && id.starts_with(|c: char| c.is_ascii_digit());
        let hint = if lost { "; a spreadsheet has cut it: export ids as text" } else { "" };
        fault(format!("`user_id` {error}{hint}"))
    })?;
    let number_of = |what, text: Option<&str>, most: i64| {
        let read = |text: String| {
            // Some write whole numbers with a fraction of nothing.
            let whole = text.strip_suffix(".0").unwrap_or(&text);
            let figure = whole.parse::<i64>().ok().filter(|figure| (0..=most).contains(figure));
            figure.ok_or_else(|| {
                let text = short(&text);
                fault(format!(
                    "`{what}` must be a whole number from 0 to {most} without separators, not `{text}`"
                ))
            })
        };
        filled(text).map(read).transpose()
    };
    let xp = number_of("xp", xp, MOST_XP)?;
    let level = number_of("level", level, i64::from(MOST_LEVEL))?.and_then(|level| i32::try_from(level).ok());
    let plain = |text: &String| text.chars().all(|c| !c.is_control());
    let name = filled(name).map(|text| text.chars().take(100).collect::<String>()).filter(plain);
    Ok(Line { number, user_id: user, name, xp, level })
}

/// As much of a value as a message needs.
fn short(text: &str) -> String {
    text.chars().take(30).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_formats_say_the_same() {
        let csv = "\u{feff}id,username,xp,level\r\n7,\"Ada, \"\"the first\"\"\",120,3\n\n8,,5,\n";
        let json = r#"{"players": [{"id": "7", "username": "Ada, \"the first\"", "xp": 120, "level": 3},
                                   {"id": "8", "xp": 5, "level": null}]}"#;
        let (lines, faults) = parse(Format::Csv, csv);
        assert_eq!(faults, []);
        assert_eq!((lines[0].name.as_deref(), lines[0].xp), (Some("Ada, \"the first\""), Some(120)));
        let what = |lines: Vec<Line>| -> Vec<_> {
            lines.into_iter().map(|line| (line.user_id, line.name, line.xp, line.level)).collect()
        };
        assert_eq!(what(lines), what(parse(Format::Json, json).0));
    }

    #[test]
    fn each_wrong_line_is_named() {
        let csv = "user_id,xp\nabc,1\n7,x\n8,-1\n9\n7,2\n7,3\n10,99999999999\n";
        let (lines, faults) = parse(Format::Csv, csv);
        assert_eq!(lines.len(), 1);
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3, 4, 5, 7, 8]);
        for (format, bad) in [
            (Format::Csv, ""),
            (Format::Csv, "name,xp\nAda,1"),
            (Format::Csv, "user_id,name\n7,Ada"),
            (Format::Json, "{"),
            (Format::Json, "7"),
            (Format::Json, "[7]"),
            (Format::Json, "[[]]"),
            (Format::Json, r#"[["7", "Ada", 1, 1]]"#),
            (Format::Json, r#"[{"id": "7"}]"#),
            (Format::Json, r#"[{"xp": 1}]"#),
        ] {
            let (lines, faults) = parse(format, bad);
            assert_eq!((lines.len(), faults.len()), (0, 1), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_in_a_file_is_a_line_or_a_fault(text in "[0-9a,;\t{}:\"\n\r é]{0,80}", heading in any::<bool>()) {
            let text = if heading { format!("user_id,xp\n{text}") } else { text };
            for format in [Format::Csv, Format::Json] {
                let (lines, _) = parse(format, &text);
                prop_assert!(lines.iter().all(|line| line.xp.is_none_or(|xp| (0..=MOST_XP).contains(&xp))));
            }
        }
    }
}
