//! Lines from a file, each right, or wrong in words.

use std::collections::HashMap;

use kernel::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The most XP a line may bring.
const MOST_XP: i64 = i32::MAX as i64;
/// The highest level a line may bring.
const MOST_LEVEL: i32 = 10_000;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Values with commas between them, a heading first.
    Csv,
    /// A list of objects, or an object with such a list as its `players`.
    Json,
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
    /// What is wrong with it.
    pub message: String,
}

impl Fault {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// The lines of a file that are right, and what is wrong with the others. A member stands in it once.
pub fn parse(format: Format, text: &str) -> (Vec<Line>, Vec<Fault>) {
    let read = match format {
        Format::Csv => csv(text.trim_start_matches('\u{feff}')),
        Format::Json => json(text),
    };
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let mut seen: HashMap<UserId, usize> = HashMap::new();
    for one in read {
        match one {
            Ok(line) => match seen.insert(line.user_id, line.number) {
                None => lines.push(line),
                Some(first) => {
                    faults.push(Fault::new(
                        line.number,
                        format!("{} stands on line {first} already", line.user_id),
                    ));
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
    let fault = |message: String| Fault::new(number, message);
    let filled =
        |value: Option<&str>| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let user_id = filled(user_id).ok_or_else(|| fault("`user_id` is missing".to_owned()))?;
    let user_id = user_id.parse::<UserId>().map_err(|error| fault(format!("`user_id` {error}")))?;
    let xp = filled(xp)
        .map(|text| {
            let xp = text.parse::<i64>().ok().filter(|xp| (0..=MOST_XP).contains(xp));
            xp.ok_or_else(|| {
                fault(format!("`xp` must be a whole number from 0 to {MOST_XP}, not `{}`", short(&text)))
            })
        })
        .transpose()?;
    let level = filled(level)
        .map(|text| {
            let level = text.parse::<i32>().ok().filter(|level| (0..=MOST_LEVEL).contains(level));
            level.ok_or_else(|| {
                fault(format!(
                    "`level` must be a whole number from 0 to {MOST_LEVEL}, not `{}`",
                    short(&text)
                ))
            })
        })
        .transpose()?;
    let plain = |text: &String| text.chars().all(|c| !c.is_control());
    let name = filled(name).map(|text| text.chars().take(100).collect::<String>()).filter(plain);
    Ok(Line { number, user_id, name, xp, level })
}

/// As much of a value as a message needs.
fn short(text: &str) -> String {
    text.chars().take(30).collect()
}

fn csv(text: &str) -> Vec<Result<Line, Fault>> {
    let mut records = records(text).into_iter();
    let Some((_, heading)) = records.next() else {
        return vec![Err(Fault::new(0, "the file is empty"))];
    };
    let place = |names: &[&str]| {
        heading.iter().position(|title| names.contains(&title.trim().to_ascii_lowercase().as_str()))
    };
    let Some(user) = place(&["user_id", "id", "userid"]) else {
        return vec![Err(Fault::new(1, "the heading must name a column `user_id`"))];
    };
    let (xp, level) = (place(&["xp", "experience"]), place(&["level"]));
    if xp.is_none() && level.is_none() {
        return vec![Err(Fault::new(1, "the heading must name a column `xp` or `level`"))];
    }
    let name = place(&["username", "name"]);
    let read = records.filter(|(_, fields)| fields.iter().any(|field| !field.trim().is_empty()));
    read.map(|(number, fields)| {
        if fields.len() != heading.len() {
            let message = format!("has {} values where the heading names {}", fields.len(), heading.len());
            return Err(Fault::new(number, message));
        }
        let at = |place: Option<usize>| place.and_then(|place| fields.get(place)).map(String::as_str);
        line(number, at(Some(user)), at(name), at(xp), at(level))
    })
    .collect()
}

/// The records of a CSV text (RFC 4180), each with the number of the line it begins on. Quotes may hold commas, doubled
/// quotes and line ends.
fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut all, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut began, mut quoted) = (1, 1, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                all.push((began, std::mem::take(&mut fields)));
                line += 1;
                began = line;
            }
            other => {
                line += usize::from(other == '\n');
                field.push(other);
            }
        }
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        all.push((began, fields));
    }
    all
}

fn json(text: &str) -> Vec<Result<Line, Fault>> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return vec![Err(Fault::new(error.line(), format!("is no JSON: {error}")))],
    };
    let list = match &value {
        Value::Array(list) => list,
        Value::Object(fields) => match fields.get("players") {
            Some(Value::Array(list)) => list,
            _ => return vec![Err(Fault::new(0, "must be a list, or an object with a list `players`"))],
        },
        _ => return vec![Err(Fault::new(0, "must be a list, or an object with a list `players`"))],
    };
    let read = list.iter().enumerate().map(|(n, one)| {
        let number = n + 1;
        let Value::Object(fields) = one else { return Err(Fault::new(number, "is no object")) };
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| fields.get(*name)).filter(|value| !value.is_null());
            found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let xp = text(&["xp", "experience"]);
        let level = text(&["level"]);
        if xp.is_none() && level.is_none() {
            return Err(Fault::new(number, "has neither `xp` nor `level`"));
        }
        let (user, name) = (text(&["user_id", "id"]), text(&["username", "name"]));
        line(number, user.as_deref(), name.as_deref(), xp.as_deref(), level.as_deref())
    });
    read.collect()
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
        fn whatever_is_in_a_file_is_a_line_or_a_fault(text in "[0-9a,\"\n\r é]{0,80}", heading in any::<bool>()) {
            let text = if heading { format!("user_id,xp\n{text}") } else { text };
            for format in [Format::Csv, Format::Json] {
                let (lines, _) = parse(format, &text);
                prop_assert!(lines.iter().all(|line| line.xp.is_none_or(|xp| (0..=MOST_XP).contains(&xp))));
            }
        }
    }
}
