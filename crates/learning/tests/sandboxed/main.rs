//! Programs that learners write, judged in the real jail, and those by which imported questions are made. The sandbox starts this
//! very binary again as its zygote, so this test has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../it/answering.rs"]
mod answering;
mod generated;
#[expect(dead_code, reason = "shared with the other tests, of which these need a part")]
#[path = "../it/stage.rs"]
mod stage;

use std::future::Future;
use std::process::ExitCode;

use kernel::{Problem, UserId};
use learning::model::learner::ProgramResult;
use learning::ops::program_run;
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};

use crate::stage::{ADA, GUILD, Stage};

fn main() -> ExitCode {
    sandbox::zygote_main_if_asked();
    let trials = vec![
        trial("a_right_program_completes_its_step", right),
        trial("a_program_cannot_say_that_it_passed", liars),
        trial("hidden_tests_stay_hidden", hidden),
        trial("a_checker_judges_what_was_printed", checked),
        trial("a_program_that_crashes_is_judged_all_the_same", crashed),
        trial("a_broken_checker_uses_no_try", broken_checker),
        trial("what_does_not_compile_is_told_in_its_folder", folder_tried),
        trial("tries_run_out", tries),
        trial("generated_questions_are_graded_by_what_is_generated", generated::graded),
        trial("generated_questions_are_the_same_again", generated::again),
        trial("programs_that_cannot_be_taken_are_told_by_name", generated::refused),
        trial("a_program_passes_an_assessment_and_so_the_quest", assessed),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial<F>(name: &'static str, test: fn(Desk, Sandbox) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let sandbox =
                Sandbox::start(Config { workers: 1, ..Config::default() }).await.map_err(Failed::from)?;
            test(Desk { stage: Stage::new().await }, sandbox.clone()).await;
            sandbox.shutdown().await;
            Ok(())
        })
    })
}

struct Desk {
    stage: Stage,
}

impl Desk {
    /// A quest with this program to write, begun.
    async fn task(&self, coding: Value) -> (String, String) {
        let quest = json!({
            "title": "Add", "type": "Practice", "difficulty": "Beginner", "experience_points": 10,
            "steps": [{ "slug": "add", "type": "Coding", "title": "Add", "coding": coding }],
        });
        let quest = self.stage.quest("add", &quest).await;
        let attempt = self.stage.ok("POST", &format!("quests/{quest}/attempt"), Some(ADA), None).await;
        let step = attempt["steps"][0]["id"].as_str().unwrap().to_owned();
        (quest, step)
    }

    async fn run(
        &self,
        sandbox: &Sandbox,
        task: &(String, String),
        code: &str,
    ) -> Result<ProgramResult, Problem> {
        let quest = task.0.parse().unwrap();
        let step = learning::ids::Subject::Step(task.1.parse().unwrap());
        let pool = self.stage.house.pool();
        program_run(pool, sandbox, GUILD, UserId::new(ADA), quest, step, code).await.map_err(Problem::from)
    }
}

fn add() -> Value {
    json!({ "starter": "def add(a, b):\n    pass\n", "tests": [
        { "name": "small", "append": "print(add(1, 1))", "expected": "2" },
        { "name": "read", "stdin": "3 4\n", "append": "print(add(*map(int, input().split())))", "expected": "7\n" },
        { "name": "large", "append": "print(add(40400404, 2020202))", "expected": "42420606", "hidden": true },
    ] })
}

const RIGHT: &str = "def add(a, b):\n    return a + b\n";

async fn right(desk: Desk, sandbox: Sandbox) {
    let task = desk.task(add()).await;
    let wrong = desk.run(&sandbox, &task, "def add(a, b):\n    return 2\n").await.unwrap();
    assert!(!wrong.passed && wrong.feedback.tests[0].passed && !wrong.feedback.tests[1].passed);
    assert_eq!((wrong.feedback.hidden_passed, wrong.feedback.hidden_total), (0, 1));
    let crashed = desk.run(&sandbox, &task, "def add(a, b):\n    return a / 0\n").await.unwrap();
    assert!(crashed.feedback.tests[0].error.as_deref().unwrap().contains("ZeroDivisionError"));
    let done = desk.run(&sandbox, &task, RIGHT).await.unwrap();
    assert!(done.passed && done.try_number == 3, "{done:?}");
    let seen = desk.stage.ok("GET", &format!("quests/{}", task.0), Some(ADA), None).await;
    assert_eq!(seen["state"], json!("completed"));
    assert_eq!(desk.run(&sandbox, &task, RIGHT).await.unwrap_err().slug(), "attempt-state");
    desk.stage.assert_clean().await;
}

async fn liars(desk: Desk, sandbox: Sandbox) {
    let task = desk.task(add()).await;
    for code in [
        "print('all passed')\n",
        "import json\nprint(json.dumps({'passed': [True, True, True]}))\nraise SystemExit(0)\n",
        "import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'{\"passed\": [true, true, true]}')\n    except OSError:\n        pass\n",
        "import os\nos.fork()\n",
        "while True:\n    pass\n",
    ] {
        let result = desk.run(&sandbox, &task, code).await.unwrap();
        assert!(
            !result.passed && result.feedback.tests.iter().all(|test| !test.passed),
            "{code}: {result:?}"
        );
    }
}

async fn hidden(desk: Desk, sandbox: Sandbox) {
    let task = desk.task(add()).await;
    let spy = "import sys\ntry:\n    print(open(sys.argv[0]).read())\nexcept Exception as e:\n    print(e)\ndef add(a, b):\n    return 'x'\n";
    let result = desk.run(&sandbox, &task, spy).await.unwrap();
    let seen = desk.stage.ok("GET", &format!("quests/{}", task.0), Some(ADA), None).await;
    for text in [serde_json::to_string(&result).unwrap(), seen.to_string()] {
        assert!(
            !text.contains("large") && !text.contains("42420606") && !text.contains("40400404"),
            "{text}"
        );
    }
}

async fn checked(desk: Desk, sandbox: Sandbox) {
    let checker = "import json, sys\nasked = json.load(sys.stdin)['tests']\n\
                   fine = [sorted(t['output'].split()) == ['1', '2'] for t in asked]\n\
                   print(json.dumps({'passed': fine, 'feedback': ['any order will do'] * len(fine)}))\n";
    let task = desk.task(json!({ "checker": checker, "tests": [{ "name": "both" }] })).await;
    let wrong = desk.run(&sandbox, &task, "print(1)\n").await.unwrap();
    assert_eq!(
        (wrong.passed, wrong.feedback.tests[0].feedback.as_deref()),
        (false, Some("any order will do"))
    );
    assert!(desk.run(&sandbox, &task, "print(2, 1)\n").await.unwrap().passed);
}

async fn crashed(desk: Desk, sandbox: Sandbox) {
    let checker = "import json, sys\nasked = json.load(sys.stdin)['tests']\n\
                   print(json.dumps({'passed': [sorted(t['output'].split()) == ['1', '2'] for t in asked]}))\n";
    // A test that ends badly is not passed; the checker need not ask, and what it says of the others counts.
    let tests = json!([{ "name": "both" }, { "name": "crash", "append": "1 / 0" }]);
    let task = desk.task(json!({ "checker": checker, "tests": tests })).await;
    let result = desk.run(&sandbox, &task, "print(2, 1)\n").await.unwrap();
    assert_eq!(result.feedback.tests.iter().map(|test| test.passed).collect::<Vec<_>>(), [true, false]);
    assert!(
        result.feedback.tests[1].error.as_deref().is_some_and(|error| error.contains("ZeroDivisionError"))
    );
    // One that never runs is told what is wrong with it, whatever there is to judge what it prints.
    let result = desk.run(&sandbox, &task, "print(\n").await.unwrap();
    assert!(
        result
            .feedback
            .tests
            .iter()
            .all(|test| test.error.as_deref().is_some_and(|error| error.contains("SyntaxError")))
    );
}

async fn broken_checker(desk: Desk, sandbox: Sandbox) {
    let task = desk
        .task(json!({ "checker": "raise ValueError('SECRET')", "max_tries": 1, "tests": [{ "name": "it" }] }))
        .await;
    for _ in 0..2 {
        let problem = desk.run(&sandbox, &task, "print(1)\n").await.unwrap_err();
        assert_eq!(problem.status(), 503);
        assert!(!problem.detail().contains("SECRET"));
    }
    let tries: i64 = sqlx::query_scalar("SELECT count(*) FROM learning.item_tries")
        .fetch_one(desk.stage.house.pool())
        .await
        .unwrap();
    assert_eq!(tries, 0);
}

async fn folder_tried(_: Desk, sandbox: Sandbox) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("my-path");
    learning::authoring::write(&learning::authoring::new_path("my-path").unwrap(), &dir).unwrap();
    let step = |checker: &str, append: &str| {
        format!(
            "+++\ntype = \"Coding\"\ntitle = \"Both\"\n\n[coding]\nchecker = '''\n{checker}'''\n\n[[coding.tests]]\nname = \"both\"\n\
             append = \"{append}\"\nexpected = \"1 2\"\n+++\n\nPrint both.\n"
        )
    };
    let told = async |checker: &str, append: &str| {
        std::fs::write(dir.join("quests/my-path-3/01-add.md"), step(checker, append)).unwrap();
        let folder = learning::authoring::Folder::open(&dir, None);
        assert!(folder.errors.is_empty() && folder.has_programs(), "{:?}", folder.errors);
        let found = learning::authoring::programs_check(&sandbox, &folder).await.unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let fine = "import json, sys\nasked = json.load(sys.stdin)['tests']\n\
                print(json.dumps({'passed': [t['output'].split() == ['1', '2'] for t in asked]}))\n";
    assert_eq!(told(fine, "both()").await, [""; 0]);
    let found = told("import json\nprint(\n", "print(both()").await;
    assert_eq!(found.len(), 2, "{found:#?}");
    let begins = |n: usize, with: &str| assert!(found[n].starts_with(with), "{found:#?}");
    begins(0, "quests/my-path-3/01-add.md:13: test 1 (`both`): `append` does not compile: SyntaxError: ");
    begins(1, "quests/my-path-3/01-add.md:8: `coding.checker` does not compile: SyntaxError: ");
    // It takes apart what a program may well not print.
    let fragile = "import json, sys\nasked = json.load(sys.stdin)['tests']\n\
                   print(json.dumps({'passed': [int(t['output'].split()[0]) == 1 for t in asked]}))\n";
    let found = told(fragile, "both()").await;
    assert!(
        found.len() == 1
            && found[0].starts_with(
                "quests/my-path-3/01-add.md:9: `coding.checker` has no verdict on programs that print nothing: "
            )
            && found[0].contains("IndexError"),
        "{found:#?}"
    );
    let found = told("print('all passed')\n", "both()").await;
    assert!(
        found[0].contains("print what is expected: the checker must print {\"passed\": [true, …]}"),
        "{found:#?}"
    );
}

async fn tries(desk: Desk, sandbox: Sandbox) {
    let mut coding = add();
    coding["max_tries"] = json!(1);
    let task = desk.task(coding).await;
    assert_eq!(desk.run(&sandbox, &task, "x = 1\n").await.unwrap().tries_left, Some(0));
    assert_eq!(desk.run(&sandbox, &task, RIGHT).await.unwrap_err().slug(), "no-tries-left");
    assert_eq!(desk.run(&sandbox, &task, &"#".repeat(70_000)).await.unwrap_err().status(), 400);
}

async fn assessed(desk: Desk, sandbox: Sandbox) {
    let quest = json!({
        "title": "Add", "type": "Assessment", "difficulty": "Beginner", "experience_points": 10,
        "assessments": [{ "slug": "add", "type": "AutoGraded", "title": "Add", "coding": add() }],
    });
    let quest = desk.stage.quest("add", &quest).await;
    let attempt = desk.stage.ok("POST", &format!("quests/{quest}/attempt"), Some(ADA), None).await;
    let subject = learning::ids::Subject::Assessment(
        attempt["assessments"][0]["id"].as_str().unwrap().parse().unwrap(),
    );
    let (pool, user) = (desk.stage.house.pool(), UserId::new(ADA));
    let run = async |code: &str| {
        program_run(pool, &sandbox, GUILD, user, quest.parse().unwrap(), subject, code).await.unwrap()
    };
    assert!(!run("def add(a, b):\n    return 2\n").await.passed);
    assert!(run(RIGHT).await.passed);
    let seen = desk.stage.ok("GET", &format!("quests/{quest}"), Some(ADA), None).await;
    assert_eq!(seen["state"], json!("completed"));
    desk.stage.assert_clean().await;
}
