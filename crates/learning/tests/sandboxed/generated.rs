//! Questions of PrairieLearn's that a program makes.

use std::path::Path;

use access::{By, Origin};
use learning::authoring::{Foreign, prairielearn};
use learning::ops::{Author, Brought, foreign_import};
use sandbox::{Config, Limits, Sandbox};
use serde_json::json;

use crate::answering::answers;
use crate::stage::{ADA, BOB, GUILD};
use crate::{Desk, Stage};

const COURSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/prairielearn");

async fn bring(dir: &Path, sandbox: &Sandbox) -> Foreign {
    let course = prairielearn(dir).unwrap();
    assert!(course.needs_sandbox());
    course.bring(Some(sandbox)).await.unwrap()
}

async fn import(stage: &Stage, foreign: &Foreign) -> Brought {
    let origin = Origin::default();
    let author = Author { by: By::Cli, origin: &origin };
    foreign_import(stage.house.pool(), GUILD, foreign, true, author).await.unwrap()
}

pub(crate) async fn graded(desk: Desk, sandbox: Sandbox) {
    let stage = desk.stage;
    let foreign = bring(Path::new(COURSE), &sandbox).await;
    assert_eq!(import(&stage, &foreign).await.done.created, 9);
    let named = |slug: &str| &foreign.bundle.quests.iter().find(|one| one.slug == slug).unwrap().quest;
    let quiz = |slug: &str| named(slug).steps[0].quiz.as_ref().unwrap();
    let powers = quiz("lamp-101-generated");
    assert!(powers.questions.len() > 5 && powers.draws[0].count == 1, "{powers:?}");
    for question in &powers.questions {
        // A lamp takes I A at U V: what is right is what the text says.
        let numbers: Vec<i64> = question.text.split(' ').filter_map(|word| word.parse().ok()).collect();
        assert_eq!(question.number, Some((numbers[0] * numbers[1]).to_string()), "{question:?}");
        assert_eq!(question.text.matches("\\_\\_\\_ W").count(), 1);
        let told = format!("It is {} V × {} A = {} W.", numbers[1], numbers[0], numbers[0] * numbers[1]);
        assert_eq!(question.explanation.as_deref(), Some(told.as_str()));
    }
    for (slug, parts) in [("lamp-101-generated", 1), ("lamp-101-brightest", 1), ("lamp-101-series", 2)] {
        let quest = stage.id(slug).await;
        for (user, right) in [(ADA, false), (BOB, true)] {
            let attempt = stage.ok("POST", &format!("quests/{quest}/attempt"), Some(user), None).await;
            let step =
                format!("quests/{quest}/attempt/steps/{}", attempt["steps"][0]["id"].as_str().unwrap());
            let begun = stage.ok("POST", &format!("{step}/tries"), Some(user), None).await;
            assert_eq!(begun["questions"].as_array().unwrap().len(), parts, "one of the variants is drawn");
            let body = Some(json!({ "answers": answers(quiz(slug), &begun, right) }));
            let result = stage.ok("POST", &format!("{step}/answers"), Some(user), body).await;
            assert_eq!(result["passed"], json!(right), "{slug}: {result}");
        }
    }
    stage.assert_clean().await;
}

pub(crate) async fn again(desk: Desk, sandbox: Sandbox) {
    let stage = desk.stage;
    let foreign = bring(Path::new(COURSE), &sandbox).await;
    import(&stage, &foreign).await;
    let same = bring(Path::new(COURSE), &sandbox).await;
    assert_eq!(same, foreign);
    let done = import(&stage, &same).await.done;
    assert_eq!((done.created, done.new_versions, done.unchanged), (0, 0, 9));
}

pub(crate) async fn refused(_: Desk, sandbox: Sandbox) {
    sandbox.shutdown().await;
    let limits = Limits { wall: std::time::Duration::from_secs(4), ..Limits::default() };
    let sandbox = Sandbox::start(Config { workers: 1, limits, ..Config::default() }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let put = |file: &str, text: &str| {
        let file = dir.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    put("infoCourse.json", r#"{"name": "TST 1", "title": "Tests"}"#);
    let input = "<pl-integer-input answers-name=\"x\"></pl-integer-input>";
    let give = |value: &str| format!("def generate(data):\n    data['correct_answers']['x'] = {value}\n");
    let many = "<pl-integer-input answers-name=x></pl-integer-input><pl-integer-input answers-name=y></pl-integer-input>";
    let programs = [
        ("clock", format!("import time\n{}", give("int(time.time() * 1000)")), input, "another variant each time"),
        ("crash", give("1 // 0"), input, "ZeroDivisionError"),
        ("grade", format!("{}\ndef grade(data):\n    data['score'] = 1\n", give("1")), input, "has a `grade` of its own"),
        ("parse", format!("{}\nparse = lambda data: data.clear()\n", give("1")), input, "has a `parse` of its own"),
        ("module", format!("import geometry\n{}", give("1")), input, "No module named 'geometry'"),
        ("helper", format!("import prairielearn as pl\n{}", give("pl.get_uuid()")), input, "prairielearn.get_uuid is not here"),
        ("hangs", "while True:\n    pass\n".to_owned(), input, "ran for longer"),
        ("infinite", give("float('inf')"), input, "a number that is none"),
        ("object", give("object()"), input, "object, which is neither text nor number"),
        ("exits", "print('questhall-variant:{}')\nraise SystemExit(0)\n".to_owned(), input, "nothing that can be read"),
        ("escapes", format!("import os\nos.listdir('/home')\n{}", give("1")), input, "not generated"),
        ("half", give("1"), many, "no right answer"),
        ("elsewhere", give("1"), "{{params.other}}<pl-integer-input answers-name=x></pl-integer-input>", "names `params.other`"),
        ("list", give("[1]"), input, "neither text nor number (`x`)"),
        ("fine", format!("# -*- coding: utf-8 -*-\nfrom __future__ import annotations\nprint('ö')\n{}", give("data['variant_seed'] % 2")), input, ""),
        (
            "typed",
            "import prairielearn as pl\nfrom typing_extensions import assert_never\n\n\ndef generate(data: pl.QuestionData):\n    \
             data['correct_answers']['x'] = pl.to_json(5)\n    return data\n"
                .to_owned(),
            input,
            "",
        ),
        ("static", "import math\n".to_owned(), "<pl-integer-input answers-name=x correct-answer=7></pl-integer-input>", ""),
    ];
    for (n, (name, program, html, _)) in programs.iter().enumerate() {
        let info = json!({ "uuid": uuid::Uuid::from_u128(n as u128), "title": name, "topic": "Things", "type": "v3" });
        put(&format!("questions/{name}/info.json"), &info.to_string());
        put(&format!("questions/{name}/question.html"), html);
        put(&format!("questions/{name}/server.py"), program);
    }
    let foreign = bring(dir.path(), &sandbox).await;
    let kept: Vec<(&str, usize)> = foreign
        .bundle
        .quests
        .iter()
        .map(|named| (named.slug.as_str(), named.quest.steps[0].quiz.as_ref().unwrap().questions.len()))
        .collect();
    assert_eq!(kept, [("tst-1-fine", 2), ("tst-1-static", 1), ("tst-1-typed", 1)]);
    for (name, _, _, why) in programs.iter().filter(|(.., why)| !why.is_empty()) {
        let told = foreign.left_out.iter().find(|one| one.what == *name).unwrap();
        assert!(told.why.contains(why), "{why} is not in {told}");
    }
    // What is ours to mend does not put a question out of its path.
    sandbox.clone().shutdown().await;
    let stopped = prairielearn(dir.path()).unwrap().bring(Some(&sandbox)).await.unwrap_err();
    assert!(stopped.to_string().contains("cannot be run just now"), "{stopped}");
}
