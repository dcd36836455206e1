//! A record of learners, items, times, and right or wrong.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use chrono::DateTime;

/// Something that a learner tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The learner, by number.
    pub learner: usize,
    /// The item, by number.
    pub item: usize,
    /// When.
    pub time: i64,
    /// Whether it was right.
    pub right: bool,
}

/// A record, in the order of time; where that is the same, as it stood.
#[derive(Debug, Clone, Default)]
pub struct Log {
    rows: Vec<Row>,
    learners: usize,
    items: usize,
}

/// What is wrong with a file, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Log {
    /// Of rows by name.
    pub fn of(named: Vec<(String, String, i64, bool)>) -> Self {
        let (mut learners, mut items) = (HashMap::new(), HashMap::new());
        let mut rows: Vec<Row> = named
            .into_iter()
            .map(|(learner, item, time, right)| {
                let next = learners.len();
                let learner = *learners.entry(learner).or_insert(next);
                let next = items.len();
                let item = *items.entry(item).or_insert(next);
                Row { learner, item, time, right }
            })
            .collect();
        rows.sort_by_key(|row| row.time);
        Self { rows, learners: learners.len(), items: items.len() }
    }

    /// Reads CSV whose first line names the columns `learner`, `item`, `time` (whole seconds, or RFC 3339) and `right` (1 or 0, true or
    /// false), among others perhaps.
    pub fn read(file: impl BufRead) -> Result<Self, Fault> {
        let mut lines = file.lines().enumerate();
        let fault = |line: usize, message: String| Fault { line, message };
        let Some((_, heading)) = lines.next() else { return Err(fault(1, "the file is empty".to_owned())) };
        let heading = heading.map_err(|error| fault(1, error.to_string()))?;
        let titles: Vec<String> = fields(heading.trim_start_matches('\u{feff}'))
            .iter()
            .map(|title| title.trim().to_lowercase())
            .collect();
        let place = |name: &str| {
            titles
                .iter()
                .position(|title| title == name)
                .ok_or_else(|| fault(1, format!("the first line names no column `{name}`")))
        };
        let (learner, item, time, right) =
            (place("learner")?, place("item")?, place("time")?, place("right")?);
        let mut rows = Vec::new();
        for (n, line) in lines {
            let number = n + 1;
            let line = line.map_err(|error| fault(number, error.to_string()))?;
            if line.trim().is_empty() {
                continue;
            }
            let values = fields(&line);
            let value =
                |place: usize| {
                    values.get(place).map(|value| value.trim()).filter(|value| !value.is_empty()).ok_or_else(
                        || fault(number, format!("has no value in the column `{}`", titles[place])),
                    )
                };
            let right = match value(right)?.to_lowercase().as_str() {
                "1" | "true" => true,
                "0" | "false" => false,
                other => return Err(fault(number, format!("`right` must be 1 or 0, not `{other}`"))),
            };
            let text = value(time)?;
            let time = text
                .parse::<i64>()
                .ok()
                .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp()))
                .ok_or_else(|| {
                    fault(number, format!("`time` must be whole seconds or RFC 3339, not `{text}`"))
                })?;
            rows.push((value(learner)?.to_owned(), value(item)?.to_owned(), time, right));
        }
        Ok(Self::of(rows))
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many learners there are.
    pub fn learners(&self) -> usize {
        self.learners
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.items
    }

    /// Completions: the first time that a learner is right at an item.
    pub fn completions(&self) -> impl Iterator<Item = Row> + '_ {
        let mut done = HashSet::new();
        self.rows.iter().copied().filter(move |row| row.right && done.insert((row.learner, row.item)))
    }
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let (mut quoted, mut chars) = (false, line.trim_end_matches(['\r', '\n']).chars().peekable());
    while let Some(c) = chars.next() {
        let last = all.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                all[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            c => all[last].push(c),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_or_told_what_is_wrong() {
        let good = "time,learner,item,right,more\r\n2026-01-01T00:00:10Z,\"a, b\",x,1,\n5,c,x,false,\n\n7,c,x,TRUE,\n9,c,x,1,\n";
        let log = Log::read(good.as_bytes()).unwrap();
        assert_eq!((log.rows().len(), log.learners(), log.items()), (4, 2, 1));
        assert_eq!(log.completions().map(|row| row.time).collect::<Vec<_>>(), [7, 1_767_225_610]);
        let wrong = |text: &str| Log::read(text.as_bytes()).unwrap_err();
        assert_eq!(wrong("").line, 1);
        assert!(wrong("learner,item,time\n").message.contains("`right`"));
        assert_eq!(wrong("learner,item,time,right\na,b,1,1\na,b,soon,1\n").line, 3);
        assert!(wrong("learner,item,time,right\na,b,1,maybe\n").message.contains("maybe"));
        assert!(wrong("learner,item,time,right\na,,1,1\n").message.contains("`item`"));
    }
}
