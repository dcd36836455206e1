//! CSV: a heading, then a record a line (RFC 4180), with commas, semicolons or tabs.

use super::columns::{self, listed, normal};
use super::{Fault, Line, line};

pub(super) fn read(text: &str) -> Vec<Result<Line, Fault>> {
    if text.trim_start().starts_with(['{', '[']) {
        return vec![Err(Fault::new(1, None, "looks like JSON; say so with `format`"))];
    }
    let mut records = records(text, delimiter(text)).into_iter();
    let Some((_, heading)) = records.next() else {
        return vec![Err(Fault::new(0, None, "the file is empty"))];
    };
    let titles: Vec<String> = heading.iter().map(|title| normal(title)).collect();
    let told = |message: String| vec![Err(Fault::new(1, None, format!("the heading {message}")))];
    let names = || listed(heading.iter().map(|title| title.trim()));
    let user = match columns::USER.place(&titles) {
        Ok(Some(user)) => user,
        Ok(None) => {
            return told(format!("must name a column `user_id` with members' ids; it names {}", names()));
        }
        Err(message) => return told(message),
    };
    let (xp, level) = match (columns::XP.place(&titles), columns::LEVEL.place(&titles)) {
        (Ok(None), Ok(None)) => {
            return told(format!("must name a column `xp` or `level`; it names {}", names()));
        }
        (Ok(xp), Ok(level)) => (xp, level),
        (Err(message), _) | (_, Err(message)) => return told(message),
    };
    let name = columns::NAME.first(&titles);
    let read = records.filter(|(_, fields)| fields.iter().any(|field| !field.trim().is_empty()));
    read.map(|(number, fields)| {
        let at = |place: Option<usize>| place.and_then(|place| fields.get(place)).map(String::as_str);
        if fields.len() != heading.len() {
            let message = format!("has {} values where the heading names {}", fields.len(), heading.len());
            return Err(Fault::new(number, at(Some(user)), message));
        }
        line(number, at(Some(user)), at(name), at(xp), at(level))
    })
    .collect()
}

/// What stands between the values: whichever the heading has most of.
fn delimiter(text: &str) -> char {
    let (mut quoted, mut counts) = (false, [(',', 0), (';', 0), ('\t', 0)]);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' if !quoted => break,
            c if !quoted => {
                for (_, count) in counts.iter_mut().filter(|(other, _)| *other == c) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    // The first of the greatest: the comma, where there is none.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(',', |(delimiter, _)| *delimiter)
}

/// The records of a text, each with the number of the line it begins on. Quotes may hold delimiters, doubled quotes and line ends.
fn records(text: &str, delimiter: char) -> Vec<(usize, Vec<String>)> {
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
            c if c == delimiter && !quoted => fields.push(std::mem::take(&mut field)),
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
