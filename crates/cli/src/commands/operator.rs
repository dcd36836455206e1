//! What commands share that make and change things of a guild: the operator, their database, bodies, answers.
//!
//! What is made or changed is said as in the API, in JSON: `'{"name": "Spring", …}'`, `@file.json`, or `-` for standard input.

use std::io::Read as _;
use std::path::Path;

use access::web::Repeatable;
use access::{Author, By, Origin};
use chrono::DateTime;
use kernel::page::MAX_LIMIT;
use kernel::{Page, PageQuery, Problem};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::PgPool;

use crate::args::Global;
use crate::failure::{Code, Failure, OrFail};
use crate::screen::{Screen, table, wide_table};
use crate::setup;

static HERE: Origin = Origin { ip: None, request_id: None };

pub(super) fn operator() -> Author<'static> {
    Author::new(By::Cli, &HERE)
}

/// Nobody repeats what is typed.
pub(super) fn once() -> Repeatable {
    Repeatable::default()
}

/// Does `work` on the operator's database.
pub(super) async fn on_database(
    global: &Global,
    work: impl AsyncFnOnce(&PgPool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| work(database.pool()).await).await
}

/// The first rows of a list, as many pages as that takes.
pub(super) async fn pages<T>(
    wanted: usize,
    page: impl AsyncFn(PageQuery) -> Result<Page<T>, Problem>,
) -> Result<Vec<T>, Failure> {
    let mut rows = Vec::new();
    let mut cursor = None;
    while rows.len() < wanted {
        let limit = i64::try_from(wanted - rows.len()).unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
        let found = page(PageQuery { limit: Some(limit), cursor }).await?;
        rows.extend(found.items);
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(rows)
}

/// A body as in the API: JSON, `@FILE`, or `-` for standard input.
pub(super) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Failure> {
    match body.strip_prefix('@') {
        Some(file) => read_file(Path::new(file)),
        None if body == "-" => read_file(Path::new(body)),
        None => parsed(body.as_bytes()),
    }
}

/// A body as in the API, in a file, or on standard input where that is named `-`.
pub(super) fn read_file<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let mut text = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut text).or_fail(Code::Unavailable)?;
    } else {
        let named = |error| Failure::new(Code::Unavailable, format!("{}: {error}", file.display()));
        text = std::fs::read(file).map_err(named)?;
    }
    parsed(&text)
}

fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    access::web::json_parse(text).map_err(|problem| {
        Failure::new(Code::Usage, format!("the body is not as the API takes it: {}", problem.detail()))
    })
}

/// One thing: its fields, a line each.
pub(super) fn one<T: Serialize, E: Into<Problem>>(
    screen: &Screen,
    made: Result<T, E>,
) -> Result<(), Failure> {
    let made = made.map_err(Into::into)?;
    screen.answer(&made, |made| {
        let Ok(Value::Object(fields)) = serde_json::to_value(made) else { return String::new() };
        let lines = fields.iter().filter(|(name, value)| *name != "guild_id" && !value.is_null());
        table(["field", "value"], lines.map(|(name, value)| [name.replace('_', " "), plain(Some(value))]))
    })
}

/// Many things: a table of some of their fields.
pub(super) fn rows_of<T: Serialize>(screen: &Screen, rows: &[T], columns: &[&str]) -> Result<(), Failure> {
    screen.answer(rows, |rows| {
        let lines = rows.iter().map(|row| {
            let row = serde_json::to_value(row).unwrap_or_default();
            columns.iter().map(|column| plain(row.get(*column))).collect()
        });
        let headings: Vec<String> = columns.iter().map(|column| column.replace('_', " ")).collect();
        wide_table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), lines)
    })
}

/// A value as people write it.
pub(super) fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => text.clone(),
        },
        Some(Value::Array(all)) if all.is_empty() => "none".to_owned(),
        Some(Value::Array(all)) => all.iter().map(|one| plain(Some(one))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(fields)) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| format!("{name}={}", plain(Some(value)))).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_told_as_people_write_them() {
        let told = |value: Value| plain(Some(&value));
        assert_eq!(told(json!("2026-12-05T12:30:00.123456Z")), "2026-12-05 12:30:00");
        assert_eq!(told(json!(["5", "6"])), "5, 6");
        assert_eq!(told(json!([{ "kind": "MESSAGE", "xp": 1.5, "none": null }])), "kind=MESSAGE xp=1.5");
        assert_eq!(
            (told(json!(true)), told(json!([])), told(json!(null))),
            ("yes".into(), "none".into(), "-".into())
        );
    }
}
