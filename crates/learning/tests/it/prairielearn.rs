//! Courses of PrairieLearn's, imported from a folder. What their programs generate is looked at where there is a sandbox
//! (`tests/sandboxed`).

use std::path::Path;

use access::{By, Origin};
use learning::authoring::{Foreign, Unreadable, prairielearn};
use learning::model::quiz::{Question, QuestionType, Quiz};
use learning::ops::{Author, Brought, foreign_import};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::answering::answers;
use crate::stage::{ADA, BOB, GUILD, Stage};

const COURSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/prairielearn");
const INPUT: &str = "<pl-integer-input answers-name=\"x\" correct-answer=\"3\"></pl-integer-input>";

fn put(dir: &Path, file: &str, text: &str) {
    let file = dir.join(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// A course with these questions: name and HTML.
fn course(questions: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let info = json!({ "uuid": uuid::Uuid::from_u128(0xc0).to_string(), "name": "TST 1", "title": "Tests" });
    put(dir.path(), "infoCourse.json", &info.to_string());
    for (n, (name, html)) in questions.iter().enumerate() {
        question(dir.path(), name, n, html, &json!({}));
    }
    dir
}

/// A question of this name, number and HTML; `also` is said of it besides.
fn question(dir: &Path, name: &str, n: usize, html: &str, also: &Value) {
    let uuid = uuid::Uuid::from_u128(0x9000 + n as u128).to_string();
    let mut info =
        json!({ "uuid": uuid, "title": format!("The {n}"), "topic": "Things", "type": "v3", "tags": [] });
    for (field, value) in also.as_object().unwrap() {
        info[field] = value.clone();
    }
    put(dir, &format!("questions/{name}/info.json"), &info.to_string());
    put(dir, &format!("questions/{name}/question.html"), html);
}

async fn bring(dir: &Path) -> Result<Foreign, Unreadable> {
    prairielearn(dir)?.bring(None).await
}

async fn import(stage: &Stage, dir: &Path) -> Brought {
    let origin = Origin::default();
    let author = Author { by: By::Cli, origin: &origin };
    foreign_import(stage.house.pool(), GUILD, &bring(dir).await.unwrap(), true, author).await.unwrap()
}

fn told(foreign: &Foreign) -> Vec<String> {
    foreign.left_out.iter().map(ToString::to_string).collect()
}

fn quiz(foreign: &Foreign, title: &str) -> Quiz {
    let quest = foreign.bundle.quests.iter().find(|named| named.quest.title == title).unwrap();
    quest.quest.steps[0].quiz.clone().unwrap()
}

/// What becomes of one question's HTML, or why it is left out.
async fn one(html: &str) -> Result<Vec<Question>, String> {
    let dir = course(&[("a", html)]);
    Ok(quiz(&bring(dir.path()).await.map_err(|error| error.to_string())?, "The 0").questions)
}

#[tokio::test]
async fn a_course_becomes_a_path_and_what_cannot_is_told_by_name() {
    let foreign = bring(Path::new(COURSE)).await.unwrap();
    let program = "has a program (server.py), and the sandbox that would run it is off";
    assert_eq!(
        told(&foreign),
        [
            "by-hand: is graded by hand".to_owned(),
            "container: is graded by a program in a container of its own".to_owned(),
            "old: is of a type other than `v3`".to_owned(),
            format!("brightest: {program}"),
            "drawn: has <pl-drawing>, which has no form here".to_owned(),
            format!("generated: {program}"),
            format!("graded: {program}"),
            "many-right: pl-multiple-choice has 2 right answers, of which one is shown there at a time"
                .to_owned(),
            format!("series: {program}"),
            "templated: names `params.u`, which no program gives".to_owned(),
        ]
    );
    let chapters: Vec<(&str, usize)> =
        foreign.bundle.path.chapters.iter().map(|one| (one.title.as_str(), one.quests.len())).collect();
    assert_eq!(chapters, [("Light", 4), ("Electricity", 2)]);
    assert_eq!(foreign.bundle.path.chapters[0].description, "What lamps are for.");
    assert!(foreign.sources.contains_key("lamp-101-light-colours"));

    let colours = quiz(&foreign, "Mixing light");
    let question = &colours.questions[0];
    assert_eq!((question.kind, question.partial, colours.shuffle), (QuestionType::Multiple, true, true));
    assert_eq!(question.text, "Which of these are *primary* colours of light? See $5 \\< $6 in `a_b`.");
    let right: Vec<&str> =
        question.choices.iter().filter(|choice| choice.right).map(|choice| choice.text.as_str()).collect();
    assert_eq!(right, ["Red", "Green"]);

    let ohm = quiz(&foreign, "Ohm's law");
    assert!(!ohm.shuffle, "parts stay in their order");
    let current = &ohm.questions[0];
    assert_eq!((current.text.as_str(), current.points), ("$I =$ \\_\\_\\_ A", 3));
    // |x − 2.5| ≤ 10⁻⁸ + 10⁻³ × 2.5, as numpy's isclose has it.
    assert_eq!((current.number.as_deref(), current.absolute.as_deref()), (Some("2.5"), Some("0.00250001")));
    let lamps = &ohm.questions[1];
    assert_eq!((lamps.text.as_str(), lamps.number.as_deref()), ("- How many lamps? \\_\\_\\_", Some("4")));
    assert_eq!((lamps.absolute.as_deref(), lamps.explanation.as_deref()), (None, Some("By $U = R I$.")));

    let parts = &quiz(&foreign, "Parts").questions[0];
    assert_eq!((parts.pairs.len(), parts.extra.as_slice()), (2, &["Nothing".to_owned()][..]));
    let order = &quiz(&foreign, "Changing a bulb").questions[0];
    let steps: Vec<&str> = order.choices.iter().map(|choice| choice.text.as_str()).collect();
    assert_eq!(steps, ["Off", "Out", "In"]);

    // Where several are asked in one line, the text stays whole.
    let bulbs = foreign.bundle.quests.iter().find(|named| named.quest.title == "Which bulb").unwrap();
    let step = &bulbs.quest.steps[0];
    assert_eq!(step.description, "A **(1)** glows, a **(2)** does not.");
    let texts: Vec<&str> =
        step.quiz.iter().flat_map(|quiz| &quiz.questions).map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["**(1)**", "**(2)**"]);
}

#[tokio::test]
async fn every_question_of_a_course_is_graded_by_its_key() {
    let stage = Stage::new().await;
    let foreign = bring(Path::new(COURSE)).await.unwrap();
    let done = import(&stage, Path::new(COURSE)).await.done;
    assert_eq!((done.created, done.published), (6, true));
    for named in &foreign.bundle.quests {
        let quest = stage.id(&named.slug).await;
        for (user, right) in [(ADA, false), (BOB, true)] {
            let attempt = stage.ok("POST", &format!("quests/{quest}/attempt"), Some(user), None).await;
            let step =
                format!("quests/{quest}/attempt/steps/{}", attempt["steps"][0]["id"].as_str().unwrap());
            let begun = stage.ok("POST", &format!("{step}/tries"), Some(user), None).await;
            let answers = answers(named.quest.steps[0].quiz.as_ref().unwrap(), &begun, right);
            let body = Some(json!({ "answers": answers }));
            let result = stage.ok("POST", &format!("{step}/answers"), Some(user), body).await;
            assert_eq!(result["passed"], json!(right), "{}: {result}", named.slug);
            if !right {
                assert_eq!(result["points"], json!("0"), "{}: {result}", named.slug);
            }
        }
        let seen = stage.ok("GET", &format!("quests/{quest}"), Some(BOB), None).await;
        assert_eq!(seen["state"], json!("completed"));
    }
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_question_is_the_same_one_by_its_uuid() {
    let stage = Stage::new().await;
    let worded = format!("<p>How many?</p>{INPUT}");
    let dir = course(&[("a", INPUT), ("b", &worded), ("c", INPUT)]);
    let first = import(&stage, dir.path()).await.done;
    assert_eq!((first.created, first.new_versions), (3, 0));
    let again = import(&stage, dir.path()).await;
    assert_eq!((again.done.created, again.done.unchanged, again.gone.len()), (0, 3, 0));
    let id = stage.id("tst-1-a").await;
    let version = async || {
        let quest: uuid::Uuid = id.parse().unwrap();
        sqlx::query_scalar::<_, i32>("SELECT max(version) FROM learning.quest_versions WHERE quest_id = $1")
            .bind(quest)
            .fetch_one(stage.house.pool())
            .await
            .unwrap()
    };
    assert_eq!(version().await, 1);
    // It moves, and another key is right; one is called otherwise; one is gone, and another one bears its name.
    std::fs::rename(dir.path().join("questions/a"), dir.path().join("questions/z")).unwrap();
    put(dir.path(), "questions/z/question.html", &INPUT.replace('3', "4"));
    question(dir.path(), "b", 1, &worded, &json!({ "title": "Another title", "topic": "Others" }));
    question(dir.path(), "c", 7, INPUT, &json!({}));
    let brought = import(&stage, dir.path()).await;
    let done = brought.done;
    assert_eq!((done.created, done.new_versions, done.reworded, done.unchanged), (1, 1, 1, 0));
    assert_eq!(brought.gone, ["tst-1-c"]);
    assert_eq!((stage.id("tst-1-a").await, version().await), (id.clone(), 2));
    let source = stage.ok("GET", &format!("sources/quests/{id}"), None, None).await;
    assert_eq!(source["quest"]["steps"][0]["quiz"]["questions"][0]["number"], json!("4"));
    let again = import(&stage, dir.path()).await;
    assert_eq!((again.done.created, again.done.unchanged), (0, 3));
    // Nor does one that is new take the name of one that went before.
    question(dir.path(), "c", 8, INPUT, &json!({}));
    let brought = import(&stage, dir.path()).await;
    assert_eq!((brought.done.created, brought.gone.as_slice()), (1, &["tst-1-c-00009007".to_owned()][..]));
    stage.assert_clean().await;
}

#[tokio::test]
async fn inputs_become_questions_or_say_why_not() {
    let choices = |of: &str, attributes: &str, answers: &str| {
        format!("<{of} answers-name=x {attributes}>{answers}</{of}>")
    };
    let answers = "<pl-answer correct=true>b</pl-answer><pl-answer>c</pl-answer><pl-answer>a</pl-answer>";
    let sorted = one(&choices("pl-multiple-choice", "order=ascend", answers)).await.unwrap();
    let texts: Vec<&str> = sorted[0].choices.iter().map(|choice| choice.text.as_str()).collect();
    assert_eq!((texts, sorted[0].text.as_str()), (vec!["a", "b", "c"], "The 0"));
    let code = choices(
        "pl-order-blocks",
        "format=code code-language=python",
        "<pl-answer>a = 1</pl-answer><pl-answer>b = a</pl-answer>",
    );
    assert_eq!(one(&code).await.unwrap()[0].choices[0].text, "```python\na = 1\n```");
    let implied = choices(
        "pl-matching",
        "",
        "<pl-statement match=Fe>Iron</pl-statement><pl-statement match=Au>Gold</pl-statement><pl-option>Ag</pl-option>",
    );
    let implied = &one(&implied).await.unwrap()[0];
    assert_eq!((implied.pairs[1].right.as_str(), implied.extra.as_slice()), ("Au", &["Ag".to_owned()][..]));
    let closed = one("<pl-number-input answers-name=a correct-answer='1' label='a/b' /> m <pl-string-input correct-answer=x />!").await.unwrap();
    let texts: Vec<&str> = closed.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["**(1)**", "**(2)**"]);
    let exponent = one("<pl-number-input correct-answer=1.5e3 rtol=0></pl-number-input>").await.unwrap();
    assert_eq!(
        (exponent[0].number.as_deref(), exponent[0].absolute.as_deref()),
        (Some("1500"), Some("0.00000001"))
    );
    // What is right often stands first in a page; where choices cannot be shuffled for each learner, they come in another order.
    let part = |n| {
        let answers = format!("<pl-answer correct=true>a{n}</pl-answer><pl-answer>b{n}</pl-answer>");
        format!("<p>{n}?</p><pl-checkbox answers-name=x{n}>{answers}</pl-checkbox>")
    };
    let parts: Vec<String> = (0..8).map(part).collect();
    let parts = parts.concat();
    let parts = one(&parts).await.unwrap();
    assert_eq!(parts[3].text, "3?");
    let first = parts.iter().filter(|part| part.choices[0].right).count();
    assert!((1..8).contains(&first), "{first}");

    let number = |said: &str| format!("<pl-number-input answers-name=x {said}></pl-number-input>");
    let open = "<pl-number-input answers-name=n correct-answer=1> m".to_owned();
    for (html, why) in [
        (open, "pl-number-input is not closed"),
        (number("correct-answer=NaN"), "no decimal"),
        (number("correct-answer=1e999"), "no decimal"),
        (number("correct-answer=1e15"), "no decimal"),
        (number("correct-answer=1 rtol=-1"), "negative `rtol`"),
        (number("correct-answer=0.12345678901 rtol=0 atol=0"), "more exactly than nine places"),
        (number("correct-answer=1 comparison=sigfig"), "compares by digits"),
        (number("correct-answer=1 allow-complex=true"), "`allow-complex`, which has no form"),
        (number("correct-answer=1 onclick=x"), "`onclick`, which has no form"),
        (number("correct-answer=1 allow-blank=true blank-value=1"), "`blank-value`, which has no form"),
        (number("correct-answer=1 weight=0.5"), "weight that is no whole number"),
        (number(""), "no right answer"),
        ("<pl-integer-input correct-answer=ff base=16></pl-integer-input>".to_owned(), "not decimal"),
        ("<pl-integer-input correct-answer=1.5></pl-integer-input>".to_owned(), "no whole number"),
        ("<pl-string-input correct-answer=x multiline=true></pl-string-input>".to_owned(), "`multiline`"),
        (
            "<pl-string-input correct-answer=x ignore-case=perhaps></pl-string-input>".to_owned(),
            "neither yes nor no",
        ),
        (choices("pl-multiple-choice", "none-of-the-above=random", answers), "`none-of-the-above`"),
        (choices("pl-multiple-choice", "builtin-grading=false", answers), "`builtin-grading`"),
        (choices("pl-multiple-choice", "", "<pl-answer correct=true score=0.5>b</pl-answer>"), "`score`"),
        (choices("pl-multiple-choice", "", "<p>b</p>"), "something else than pl-answer"),
        (
            choices("pl-checkbox", "", "<pl-answer>b</pl-answer><pl-answer>c</pl-answer>"),
            "at least one that is `right`",
        ),
        (choices("pl-order-blocks", "grading-method=dag", ""), "than one order"),
        (choices("pl-order-blocks", "", "<pl-answer correct=false>b</pl-answer>"), "belong to nothing"),
        (
            choices(
                "pl-matching",
                "",
                "<pl-statement match=a>a</pl-statement><pl-statement match=a>b</pl-statement>",
            ),
            "several statements match",
        ),
        (format!("<pl-answer-panel>{INPUT}</pl-answer-panel>"), "has <pl-integer-input>"),
        (format!("<a href='https://example.org'></a>{INPUT}<script>alert(1)</script>"), "has <script>"),
        ("<p>Just a text.</p>".to_owned(), "asks nothing"),
        (format!("{}{INPUT}", "<div>".repeat(10_000)), "nested too deeply"),
        (format!("{}{INPUT}", "x".repeat(100_000)), "longer than 64 KiB"),
        (format!("{{{{#a}}}}{INPUT}"), "section `a` that does not end"),
    ] {
        let told = one(&html).await.unwrap_err();
        assert!(told.contains(why), "{why} is not in {told}");
    }
}

#[tokio::test]
async fn what_comes_along_otherwise_is_told() {
    let checkbox = "<pl-checkbox answers-name=x partial-credit=true partial-credit-method=EDC number-answers=2>\
                    <pl-answer correct=true feedback='Yes.'>a</pl-answer><pl-answer>b</pl-answer></pl-checkbox>";
    let dir = course(&[("a", checkbox), ("b", "")]);
    question(dir.path(), "b", 1, checkbox, &json!({ "partialCredit": false }));
    put(dir.path(), "courseInstances/now/infoCourseInstance.json", "{}");
    let foreign = bring(dir.path()).await.unwrap();
    assert!(quiz(&foreign, "The 0").questions[0].partial && !quiz(&foreign, "The 1").questions[0].partial);
    let told = told(&foreign);
    assert_eq!(
        told[..4],
        [
            "courseInstances: assessments and their dates stay there: only questions come along",
            "a: what is told of single answers stays there",
            "a: part of its points is reckoned by the rule of quizzes here",
            "a: some of its choices are shown there, all of them here",
        ]
    );
}

#[tokio::test]
async fn nothing_outside_of_the_course_is_read() {
    let names = ["a", "double", "linked", "not-json", "no-text", "large", "latin", "u\u{202e}d", "no-title"];
    let dir = course(&names.map(|name| (name, INPUT)));
    let at = |file: &str| dir.path().join("questions").join(file);
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "question.html", "a secret");
    std::fs::copy(at("a/info.json"), at("double/info.json")).unwrap();
    std::fs::remove_file(at("linked/question.html")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("question.html"), at("linked/question.html")).unwrap();
    std::os::unix::fs::symlink(outside.path(), at("behind")).unwrap();
    std::fs::write(at("not-json/info.json"), "{").unwrap();
    std::fs::remove_file(at("no-text/question.html")).unwrap();
    std::fs::write(at("large/question.html"), vec![b'x'; 2 * 1024 * 1024]).unwrap();
    std::fs::write(at("latin/question.html"), b"caf\xe9").unwrap();
    std::fs::write(at("u\u{202e}d/question.html"), "nothing").unwrap();
    question(dir.path(), "no-title", 20, INPUT, &json!({ "title": "\u{202e}" }));
    question(dir.path(), "1/2/3/4/5/6/7/8/9", 22, INPUT, &json!({}));
    question(dir.path(), "a/tests", 23, INPUT, &json!({}));
    let foreign = bring(dir.path()).await.unwrap();
    assert!(!serde_json::to_string(&foreign).unwrap().contains("a secret"));
    assert_eq!(foreign.bundle.quests.len(), 1, "what lies within a question is its own");
    let told = told(&foreign).join("\n");
    for said in [
        "behind: is a symbolic link",
        "double: has the `uuid` of another question",
        "linked: its `question.html` is a symbolic link, or lies behind one",
        "not-json: its `info.json` is not as expected",
        "no-text: has no `question.html`",
        "large: its `question.html` is larger than 1 MiB",
        "latin: its `question.html` is not UTF-8",
        "no-title: its `title` is none",
        "lies more than 8 folders deep",
        "\\u{202e}",
    ] {
        assert!(told.contains(said), "{said} is not in:\n{told}");
    }
    assert!(!told.contains('\u{202e}'));
    assert!(bring(&dir.path().join("nowhere")).await.is_err());
    put(dir.path(), "infoCourse.json", r#"{"uuid":"none","name":"x"}"#);
    assert_eq!(bring(dir.path()).await.unwrap_err().to_string(), "infoCourse.json: `uuid` is none");
}
