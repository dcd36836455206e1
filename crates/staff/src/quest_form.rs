//! A quest as a form: what it is about, and its steps. Questions, tests, assessments and rules are in its document alone, and stay as they
//! are there.

use kernel::Problem;
use learning::model::quest::{Difficulty, QuestDocument, QuestType, StepType};
use serde_json::{Map, Value, json};

use super::overlay::{Row, lay, rows, slug_of, told_at};
use super::sheet::{aside, field, folded, group, join, unseen};
use frame::decode::{Typed, read_value};
use frame::form::Form;
use frame::html::Html;

/// How many more steps a form has than the quest.
const SPARE: usize = 2;

/// What a step is called that can be made here.
const fn called(step: StepType) -> Option<&'static str> {
    match step {
        StepType::Reading => Some("Read something"),
        StepType::Video => Some("Watch something"),
        StepType::Interactive => Some("Try something out"),
        StepType::Discussion => Some("Talk about it"),
        StepType::Reflection => Some("Think about it"),
        StepType::Submission => Some("Hand work in, which staff grade"),
        StepType::Coding | StepType::Quiz => None,
    }
}

/// A rubric as lines: points, then what is looked at.
fn lines_of(step: &Value) -> String {
    let rubric = step.pointer("/submission/rubric").and_then(Value::as_array);
    let lines = rubric.into_iter().flatten().map(|criterion| {
        let text = criterion["text"].as_str().unwrap_or_default().replace('\n', " ");
        format!("{} {text}", criterion["points"])
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a form of this quest shows.
pub(super) fn stored(quest: &QuestDocument) -> Value {
    let mut stored = json!(quest);
    let steps = stored["steps"].as_array().cloned().unwrap_or_default();
    for (n, step) in steps.iter().enumerate() {
        stored[format!("_place_{n}")] = json!(n + 1);
        stored[format!("_rubric_{n}")] = json!(lines_of(step));
    }
    stored
}

/// What the form of a new quest shows.
pub(super) fn fresh() -> Value {
    json!({
        "type": QuestType::Tutorial.as_str(), "difficulty": Difficulty::Beginner.as_str(), "experience_points": 50,
        "steps": [{ "type": StepType::Reading.as_str() }, { "type": StepType::Submission.as_str() }],
    })
}

fn step(values: &Form, n: usize, known: Option<StepType>) -> Html {
    let path = |key: &str| format!("steps[{n}].{key}");
    let is_made_here = known.is_none_or(|known| called(known).is_some());
    let kind = if let Some(known) = known.filter(|_| !is_made_here) {
        let what = format!("{} step: what it asks is in the quest's document.", known.as_str());
        join([unseen(&path("type"), known.as_str()), aside(what)])
    } else {
        let kinds: Vec<(String, String)> = StepType::ALL
            .iter()
            .filter_map(|kind| called(*kind).map(|called| (kind.as_str().to_owned(), called.to_owned())))
            .collect();
        field(&values.choice(&path("type"), "What is done", &kinds))
    };
    let mut fields = vec![
        kind,
        field(&values.line(&path("title:text"), "Title").max_length(255)),
        field(&values.text(&path("description:text"), "What is to be done", 4).help("Markdown.")),
    ];
    if is_made_here {
        fields.extend([
            field(&values.line(&path("url:null"), "Address").exact().help("Of what is watched or tried out.")),
            field(&values.text(&format!("_rubric_{n}"), "How work is graded", 3).help(
                "A line for each thing that is looked at: its points, then what it is. Without any, work passes or does not.",
            )),
        ]);
    }
    fields.push(field(&values.check(&path("optional:bool"), "It may be skipped")));
    if known.is_some() {
        fields.push(field(&values.number(&format!("_place_{n}"), "Its place").between(1, 500)));
    }
    let slug = values.shown(&path("slug"));
    if !slug.is_empty() {
        fields.push(unseen(&path("slug"), slug));
    }
    group(&format!("Step {}", n + 1), fields)
}

/// The controls of a quest.
pub(super) fn fields(values: &Form, quest: Option<&QuestDocument>) -> Vec<Html> {
    let words =
        |all: &[&str]| all.iter().map(|word| ((*word).to_owned(), (*word).to_owned())).collect::<Vec<_>>();
    let kinds = words(&QuestType::ALL.map(QuestType::as_str));
    let difficulties = words(&Difficulty::ALL.map(Difficulty::as_str));
    let mut fields = vec![
        field(&values.line("title:text", "Title").required().max_length(255)),
        field(&values.text("description:text", "What it is about", 4).help("Markdown.")),
        field(&values.choice("type", "Kind", &kinds)),
        field(&values.choice("difficulty", "Difficulty", &difficulties)),
        field(&values.number("experience_points:int", "Brings XP").between(0, 1_000_000)),
        field(
            &values.number("estimated_minutes:int-null", "Takes about so many minutes").between(1, 100_000),
        ),
    ];
    let steps: Vec<StepType> =
        quest.into_iter().flat_map(|quest| &quest.steps).map(|step| step.step_type).collect();
    fields.extend((0..steps.len() + SPARE).map(|n| {
        let known = steps.get(n).copied();
        let step = step(values, n, known);
        // What is not needed most of the time is out of the way.
        let is_spare = quest.is_some() && known.is_none();
        if is_spare && values.shown(&format!("steps[{n}].title:text")).is_empty() {
            return folded("One more step", &step);
        }
        step
    }));
    fields.push(aside("A step without a title and a text is taken away."));
    fields
}

/// What lines say of a rubric; criteria that were there before keep their short names.
fn rubric(lines: &str, before: &[Value]) -> Result<Vec<Value>, &'static str> {
    let mut rubric: Vec<Value> = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (points, text) =
            line.split_once(char::is_whitespace).ok_or("must have lines such as: 6 It makes sense")?;
        let points: u32 = points
            .trim_end_matches([':', '.'])
            .parse()
            .map_err(|_| "must begin each line with the points, such as: 6 It makes sense")?;
        let (text, taken) =
            (text.trim(), rubric.iter().filter_map(|one| one["slug"].as_str().map(str::to_owned)));
        let taken: Vec<String> = taken.collect();
        let known = before.iter().find(|criterion| {
            criterion["text"].as_str().is_some_and(|known| known.replace('\n', " ") == text)
        });
        let known = known
            .and_then(|criterion| criterion["slug"].as_str())
            .filter(|slug| !taken.iter().any(|one| one == slug));
        let slug = known.map_or_else(|| slug_of(text, "criterion", &taken), str::to_owned);
        let text = before
            .iter()
            .find(|one| one["slug"] == slug.as_str())
            .map_or_else(|| json!(text), |one| one["text"].clone());
        rubric.push(json!({ "slug": slug, "text": text, "points": points }));
    }
    Ok(rubric)
}

/// Gives a step's work its rubric; what is not handed in has none.
fn graded(typed: &Typed, row: &mut Row) -> Result<(), Problem> {
    if row.values.get("type").and_then(Value::as_str) != Some(StepType::Submission.as_str()) {
        row.values.remove("submission");
        return Ok(());
    }
    let control = format!("_rubric_{}", row.at);
    let mut work = row.values.get("submission").and_then(Value::as_object).cloned().unwrap_or_default();
    let before = work.get("rubric").and_then(Value::as_array).cloned().unwrap_or_default();
    let rubric = rubric(typed.value(&control).unwrap_or_default(), &before)
        .map_err(|message| Problem::field(control, message))?;
    lay(Map::from_iter([("rubric".to_owned(), Value::Array(rubric))]), &mut work);
    row.values.insert("submission".to_owned(), Value::Object(work));
    Ok(())
}

/// The quest that a form says, over what is stored; and of which row each of its steps is.
pub(super) fn read(
    typed: &Typed,
    quest: Option<&QuestDocument>,
) -> Result<(QuestDocument, Vec<usize>), Problem> {
    let mut body = typed.json()?;
    let mut body = body.as_object_mut().map(std::mem::take).unwrap_or_default();
    for own in ["slug", "revision"] {
        body.remove(own);
    }
    let mut whole =
        quest.map(|quest| json!(quest)).and_then(|quest| quest.as_object().cloned()).unwrap_or_default();
    let before = whole.get("steps").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_filled = |row: &Map<String, Value>| {
        let filled = |key| row.get(key).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        filled("title") || filled("description")
    };
    let place = |n: usize| typed.value(&format!("_place_{n}")).and_then(|place| place.trim().parse().ok());
    let mut steps = rows(body.remove("steps"), &before, "slug", is_filled, place);
    let mut taken: Vec<String> =
        steps.iter().filter_map(|row| row.values.get("slug")?.as_str().map(str::to_owned)).collect();
    for row in &mut steps {
        graded(typed, row)?;
        if !row.values.contains_key("slug") {
            let title = row.values.get("title").and_then(Value::as_str).unwrap_or_default();
            let slug = slug_of(title, "step", &taken);
            taken.push(slug.clone());
            row.values.insert("slug".to_owned(), Value::String(slug));
        }
    }
    lay(body, &mut whole);
    let (at, steps): (Vec<usize>, Vec<Value>) =
        steps.into_iter().map(|row| (row.at, Value::Object(row.values))).unzip();
    whole.insert("steps".to_owned(), Value::Array(steps));
    match read_value(&Value::Object(whole)) {
        Ok(quest) => Ok((quest, at)),
        Err(problem) => Err(told_at(problem, "quest", "steps", &at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quest() -> QuestDocument {
        serde_json::from_value(json!({
            "title": "Walls", "type": "Tutorial", "difficulty": "Beginner", "unlock": { "level": 2 },
            "steps": [
                { "slug": "quiz", "type": "Quiz", "title": "Questions", "quiz": { "questions": [
                    { "slug": "one", "type": "text", "text": "The word?", "answers": ["sesame"] } ] } },
                { "slug": "essay", "type": "Submission", "title": "Write", "submission": { "pass_percent": 70, "rubric": [
                    { "slug": "sense", "text": "It makes\nsense", "points": 6 } ] } },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn what_the_form_does_not_show_stays() {
        let typed = Typed::parse(
            b"title=Higher%20walls&description%3Atext=&revision=3&steps%5B0%5D.slug=quiz&steps%5B0%5D.type=Quiz&steps%5B0%5D.title=Asked\
              &_place_0=9&steps%5B1%5D.slug=essay&steps%5B1%5D.type=Submission&steps%5B1%5D.title=Write\
              &_rubric_1=6%20It%20makes%20sense%0D%0A4%20Style&steps%5B2%5D.title=Read%20on&steps%5B2%5D.type=Reading\
              &steps%5B3%5D.type=Reading&steps%5B3%5D.optional%3Abool=false",
        )
        .unwrap();
        let (read, rows) = read(&typed, Some(&quest())).unwrap();
        assert_eq!(rows, [1, 2, 0]);
        let read = json!(read);
        assert_eq!(read["title"], "Higher walls");
        assert_eq!(read["unlock"], json!({ "level": 2 }));
        let [essay, on, asked] = [&read["steps"][0], &read["steps"][1], &read["steps"][2]];
        assert_eq!(essay["submission"]["pass_percent"], 70);
        assert_eq!(
            essay["submission"]["rubric"],
            json!([{ "slug": "sense", "text": "It makes\nsense", "points": 6 }, { "slug": "style", "text": "Style", "points": 4 }])
        );
        assert_eq!((&on["slug"], &on["type"]), (&json!("read-on"), &json!("Reading")));
        assert_eq!(asked["title"], "Asked");
        assert_eq!(asked["quiz"]["questions"][0]["answers"], json!(["sesame"]));
    }

    #[test]
    fn a_form_that_is_sent_as_it_is_shown_changes_nothing() {
        let shown = stored(&quest());
        assert_eq!(shown["_rubric_1"], "6 It makes sense");
        let body = "title=Walls&steps%5B0%5D.slug=quiz&steps%5B0%5D.type=Quiz&steps%5B0%5D.title=Questions&_place_0=1\
                    &steps%5B1%5D.slug=essay&steps%5B1%5D.type=Submission&steps%5B1%5D.title=Write&_place_1=2&_rubric_1=6%20It%20makes%20sense";
        assert_eq!(read(&Typed::parse(body.as_bytes()).unwrap(), Some(&quest())).unwrap().0, quest());
    }

    #[test]
    fn a_rubric_without_points_is_told_at_its_control() {
        let typed = Typed::parse(
            b"title=A&type=Tutorial&difficulty=Beginner&steps%5B0%5D.type=Submission&steps%5B0%5D.title=B&_rubric_0=Much%20sense",
        )
        .unwrap();
        assert_eq!(read(&typed, None).unwrap_err().errors()[0].field, "_rubric_0");
    }
}
