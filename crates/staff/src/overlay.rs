//! A form over a document that holds more than the form shows: what was typed lies over what is stored, and everything else stays.

use kernel::Problem;
use serde_json::{Map, Value};

/// A row of a form, and at which place it stood there.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: usize,
    pub(super) values: Map<String, Value>,
}

/// Lays what was typed over what is stored. Null takes out.
pub(super) fn lay(typed: Map<String, Value>, onto: &mut Map<String, Value>) {
    for (name, value) in typed {
        if value.is_null() {
            onto.remove(&name);
        } else {
            onto.insert(name, value);
        }
    }
}

/// The rows that are filled, each over the stored one that has the same `key`, in the order in which they are wanted.
pub(super) fn rows(
    typed: Option<Value>,
    stored: &[Value],
    key: &str,
    is_filled: fn(&Map<String, Value>) -> bool,
    place: impl Fn(usize) -> Option<usize>,
) -> Vec<Row> {
    let Some(Value::Array(typed)) = typed else { return Vec::new() };
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for (at, row) in typed.into_iter().enumerate() {
        let Value::Object(row) = row else { continue };
        if !is_filled(&row) {
            continue;
        }
        let known = row.get(key).and_then(|name| stored.iter().find(|stored| stored.get(key) == Some(name)));
        let mut values = known.and_then(Value::as_object).cloned().unwrap_or_default();
        lay(row, &mut values);
        rows.push((place(at).unwrap_or(at + 1), Row { at, values }));
    }
    rows.sort_by_key(|(place, row)| (*place, row.at));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A short name made of a title, other than those that are taken.
pub(super) fn slug_of(title: &str, otherwise: &str, taken: &[String]) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(60);
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { otherwise } else { slug };
    std::iter::once(slug.to_owned())
        .chain((2..=taken.len() + 2).map(|n| format!("{slug}-{n}")))
        .find(|slug| !taken.contains(slug))
        .unwrap_or_default()
}

/// What is wrong with a document, by the names that the form has for it: without the document's own, and each row of `list` where it
/// stood.
pub(super) fn told_at(problem: Problem, document: &str, list: &str, rows: &[usize]) -> Problem {
    if problem.errors().is_empty() {
        return problem;
    }
    let errors = problem.errors().iter().cloned().map(|mut error| {
        if let Some(rest) = error.field.strip_prefix(document).and_then(|rest| rest.strip_prefix('.')) {
            error.field = rest.to_owned();
        }
        let place = error.field.strip_prefix(list).and_then(|rest| rest.strip_prefix('['));
        if let Some((n, rest)) = place.and_then(|rest| rest.split_once(']'))
            && let Some(at) = n.parse::<usize>().ok().and_then(|n| rows.get(n))
        {
            error.field = format!("{list}[{at}]{rest}");
        }
        error
    });
    Problem::fields(errors.collect())
}

#[cfg(test)]
mod tests {
    use kernel::FieldError;
    use serde_json::json;

    use super::*;

    fn laid(typed: Value, places: &[usize]) -> Vec<(usize, Value)> {
        let stored = [json!({ "slug": "quiz", "title": "Old", "quiz": [1] })];
        let is_filled = |row: &Map<String, Value>| row.contains_key("title");
        rows(Some(typed), &stored, "slug", is_filled, |n| places.get(n).copied())
            .into_iter()
            .map(|row| (row.at, Value::Object(row.values)))
            .collect()
    }

    #[test]
    fn rows_keep_what_the_form_does_not_show() {
        let typed = json!([{ "title": "New" }, { "optional": false }, { "slug": "quiz", "title": "Mine", "url": null }]);
        let all = laid(typed.clone(), &[]);
        assert_eq!(
            all,
            [(0, json!({ "title": "New" })), (2, json!({ "slug": "quiz", "title": "Mine", "quiz": [1] }))]
        );
        // In another order, what is wrong is still told where it was typed.
        let turned = laid(typed, &[5, 5, 1]);
        let rows: Vec<usize> = turned.iter().map(|(at, _)| *at).collect();
        assert_eq!(rows, [2, 0]);
        let wrong =
            |field: &str| Problem::fields(vec![FieldError { field: field.into(), message: "no".into() }]);
        let told = |field: &str| told_at(wrong(field), "quest", "steps", &rows).errors()[0].field.clone();
        assert_eq!(told("quest.steps[0].title"), "steps[2].title");
        assert_eq!(told("steps[1]"), "steps[0]");
        assert_eq!(told("quest.title"), "title");
    }

    #[test]
    fn a_short_name_is_made_of_a_title() {
        assert_eq!(slug_of("  Mend the Gate! ", "quest", &[]), "mend-the-gate");
        assert_eq!(slug_of("Mend", "quest", &["mend".into(), "mend-2".into()]), "mend-3");
        assert_eq!(slug_of("مريم", "quest", &[]), "quest");
    }
}
