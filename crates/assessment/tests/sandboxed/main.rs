//! Programs graded again by mended tests, in the real jail. The sandbox starts this very binary again as its zygote, so this test has a
//! `main` of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "shared with the other tests, of which these need a part")]
#[path = "../it/stage.rs"]
mod stage;

use std::process::ExitCode;

use assessment::ids::RegradeId;
use assessment::ops;
use kernel::UserId;
use learning::ids::Subject;
use learning::ops::program_run;
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::{Config, Sandbox};
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, GUILD, Stage, Way, assessed};

const EVE: i64 = 9;

fn main() -> ExitCode {
    sandbox::zygote_main_if_asked();
    let trials = vec![Trial::test("programs_are_run_again_first_dry_then_for_good", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let sandbox =
                Sandbox::start(Config { workers: 1, ..Config::default() }).await.map_err(Failed::from)?;
            regraded(&Stage::new().await, &sandbox).await;
            sandbox.shutdown().await;
            Ok(())
        })
    })];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Two numbers to add, and what the author expects of the second test.
fn exam(expected: &str) -> Value {
    json!([{ "slug": "exam", "type": "AutoGraded", "title": "Add", "coding": { "tests": [
        { "name": "one", "append": "print(add(1, 1))", "expected": "2" },
        { "name": "more", "append": "print(add(2, 3))", "expected": expected, "hidden": true } ] } }])
}

async fn regraded(stage: &Stage, sandbox: &Sandbox) {
    // The author cannot add: Ada is right and fails, Bob says what the author wants, Eve is wrong anyhow.
    let quest = stage.quest("essay", &assessed(&exam("6"))).await;
    stage.members(&[EVE]).await;
    let attempt = stage.begin(&quest, ADA).await;
    let way = Way { quest, assessment: attempt["assessments"][0]["id"].as_str().unwrap().to_owned() };
    let programs = [
        (ADA, "def add(a, b): return a + b", false),
        (BOB, "def add(a, b): return 6 if a == 2 else 2", true),
        (EVE, "def add(a, b): return 0", false),
    ];
    for (user, code, passes) in programs {
        stage.begin(&way.quest, user).await;
        stage.read(&way.quest, user).await;
        let (quest, subject) =
            (way.quest.parse().unwrap(), Subject::Assessment(way.assessment.parse().unwrap()));
        let done = program_run(stage.house.pool(), sandbox, GUILD, UserId::new(user), quest, subject, code)
            .await
            .unwrap();
        assert_eq!(done.passed, passes, "{user}: {done:?}");
    }
    stage.publish(&way.quest, &assessed(&exam("5"))).await;

    let body = |dry: bool| json!({ "quest_id": way.quest, "assessment_id": way.assessment, "dry": dry, "reason": "It is five." });
    let (status, _) = stage.refused("POST", "assessment/regrades/preview", None, Some(body(true))).await;
    assert_eq!(status, 400, "programs have to be run");
    let run = async |dry: bool| -> Value {
        let made = stage.ok("POST", "assessment/regrades", None, Some(body(dry))).await;
        let id: RegradeId = made["id"].as_str().unwrap().parse().unwrap();
        ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap_err();
        ops::regrade_run(stage.house.pool(), Some(sandbox), GUILD, id).await.unwrap();
        stage.ok("GET", &format!("assessment/regrades/{id}"), None, None).await
    };
    let passed = async || -> Vec<i64> {
        sqlx::query_scalar(
            "SELECT l.user_id FROM learning.item_tries t JOIN learning.learners l USING (guild_id, auth_user_id)
              WHERE t.is_passed ORDER BY l.user_id",
        )
        .fetch_all(stage.house.pool())
        .await
        .unwrap()
    };
    let dry = run(true).await;
    assert_eq!(
        (&dry["status"], &dry["looked_at"], &dry["changed"], &dry["passed"]),
        (&json!("done"), &json!(3), &json!(1), &json!(1))
    );
    assert_eq!(
        (&dry["differences"][0]["user_id"], &dry["differences"][0]["to"]),
        (&json!(ADA.to_string()), &json!("100.00"))
    );
    assert_eq!(passed().await, [BOB], "a dry run writes nothing");
    let done = run(false).await;
    assert_eq!((&done["changed"], &done["passed"]), (&json!(1), &json!(1)), "{done}");
    assert_eq!(passed().await, [ADA, BOB], "nobody is lowered unless that is asked for");
    assert_eq!(run(false).await["changed"], json!(0), "once more, nothing is left to do");
    let view = stage.ok("GET", &format!("learning/quests/{}", way.quest), Some(ADA), None).await;
    assert_eq!(
        view["attempt"]["status"],
        json!("Completed"),
        "what passes now brings what it lacked: {view}"
    );
    let mut conn = stage.house.pool().acquire().await.unwrap();
    assert!(assessment::audit::drift(&mut conn, None).await.unwrap().is_empty());
    assert!(learning::audit::drift(&mut conn, None).await.unwrap().is_empty());
}
