//! A path as a form: what it is about, and its quests in their order. Chapters and rules are in its document alone, and stay as they are
//! there.

use kernel::Problem;
use learning::model::path::{PathDocument, PathType};
use serde_json::{Map, Value, json};

use super::overlay::{lay, rows, told_at};
use super::sheet::{aside, field, group, join};
use frame::decode::{Typed, read_value};
use frame::form::Form;
use frame::html::Html;

/// How many more quests a form has than the path.
const SPARE: usize = 3;

/// What a form of this path shows.
pub(super) fn stored(path: &PathDocument) -> Value {
    let mut stored = json!(path);
    for n in 0..path.quests.len() {
        stored[format!("_place_{n}")] = json!(n + 1);
    }
    stored
}

/// What the form of a new path shows.
pub(super) fn fresh() -> Value {
    json!({ "type": PathType::Course.as_str() })
}

/// The controls of a path; `known` are the guild's quests, by short name and title.
pub(super) fn fields(values: &Form, path: Option<&PathDocument>, known: &[(String, String)]) -> Vec<Html> {
    let kinds = PathType::ALL.map(|kind| (kind.as_str().to_owned(), kind.as_str().to_owned()));
    let there = path.map_or(0, |path| path.quests.len());
    let none = (String::new(), "–".to_owned());
    let mut choices: Vec<(String, String)> = std::iter::once(none).chain(known.iter().cloned()).collect();
    // One that is not among the guild's first is still what the path says.
    for quest in path.into_iter().flat_map(|path| &path.quests) {
        if !choices.iter().any(|(slug, _)| *slug == quest.quest) {
            choices.push((quest.quest.clone(), quest.quest.clone()));
        }
    }
    let quests = (0..there + SPARE).map(|n| {
        let mut row = vec![
            field(&values.choice(&format!("quests[{n}].quest"), &format!("Quest {}", n + 1), &choices)),
            field(&values.check(&format!("quests[{n}].optional:bool"), "The path is complete without it")),
        ];
        if n < there {
            row.push(field(&values.number(&format!("_place_{n}"), "Its place").between(1, 500)));
        }
        join(row)
    });
    let mut fields = vec![
        field(&values.line("name:text", "Name").required().max_length(255)),
        field(&values.text("description:text", "Where it leads", 4).help("Markdown.")),
        field(&values.choice("type", "Kind", &kinds)),
        field(
            &values.number("experience_points:int", "Brings XP, when it is complete").between(0, 1_000_000),
        ),
        group("Its quests, in their order", quests),
    ];
    if path.is_some_and(|path| !path.chapters.is_empty()) {
        fields.push(aside("It has chapters, with quests of their own: those are in its document."));
    }
    fields
}

/// The path that a form says, over what is stored; and of which row each of its quests is.
pub(super) fn read(
    typed: &Typed,
    path: Option<&PathDocument>,
) -> Result<(PathDocument, Vec<usize>), Problem> {
    let mut body = typed.json()?;
    let mut body = body.as_object_mut().map(std::mem::take).unwrap_or_default();
    for own in ["slug", "revision"] {
        body.remove(own);
    }
    let mut whole =
        path.map(|path| json!(path)).and_then(|path| path.as_object().cloned()).unwrap_or_default();
    let before = whole.get("quests").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_filled = |row: &Map<String, Value>| row.contains_key("quest");
    let place = |n: usize| typed.value(&format!("_place_{n}")).and_then(|place| place.trim().parse().ok());
    let quests = rows(body.remove("quests"), &before, "quest", is_filled, place);
    lay(body, &mut whole);
    let (at, quests): (Vec<usize>, Vec<Value>) =
        quests.into_iter().map(|row| (row.at, Value::Object(row.values))).unzip();
    whole.insert("quests".to_owned(), Value::Array(quests));
    match read_value(&Value::Object(whole)) {
        Ok(path) => Ok((path, at)),
        Err(problem) => Err(told_at(problem, "path", "quests", &at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_and_rules_stay_and_quests_go_where_they_are_wanted() {
        let path: PathDocument = serde_json::from_value(json!({
            "name": "Rust", "type": "Course", "timezone": "Europe/Berlin",
            "quests": [{ "quest": "a", "unlock": { "level": 2 } }, { "quest": "b" }],
            "chapters": [{ "slug": "one", "title": "One", "quests": [{ "quest": "c" }] }],
        }))
        .unwrap();
        let typed = Typed::parse(
            b"name=Rust%20anew&quests%5B0%5D.quest=a&_place_0=3&quests%5B1%5D.quest=&quests%5B1%5D.optional%3Abool=false\
              &quests%5B2%5D.quest=d&quests%5B2%5D.optional%3Abool=true&_place_2=1",
        )
        .unwrap();
        let (read, rows) = read(&typed, Some(&path)).unwrap();
        assert_eq!(rows, [2, 0]);
        let read = json!(read);
        assert_eq!(
            read["quests"],
            json!([{ "quest": "d", "optional": true }, { "quest": "a", "unlock": { "level": 2 } }])
        );
        assert_eq!(
            (&read["timezone"], &read["chapters"][0]["quests"][0]["quest"]),
            (&json!("Europe/Berlin"), &json!("c"))
        );
    }
}
