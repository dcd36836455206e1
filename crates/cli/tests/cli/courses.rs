//! Courses from elsewhere, imported by the operator.

use db::testing::TestDatabase;
use serde_json::Value;

use crate::terminal::{questhall, run};

const COURSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../learning/tests/it/prairielearn");

#[tokio::test]
async fn a_course_is_imported_and_again_nothing_changes() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let import = |more: &[&str]| {
        let arguments =
            ["--database-url", &url, "path", "import", COURSE, "--guild", "7", "--from", "prairielearn"];
        run(arguments.iter().chain(more))
    };
    import(&[])
        .ends_with(0)
        .says("drawn: has <pl-drawing>, which has no form here")
        .says("graded: has a `grade` of its own (server.py)")
        .says("lamp-101 is path")
        .says("9 quests made, 0 with a new version, 0 reworded, 0 as they were; 0 skills made; 7 left out");
    let again = import(&["--json"]).ends_with(0).json();
    assert_eq!((&again["done"]["created"], &again["done"]["unchanged"]), (&0.into(), &9.into()), "{again}");
    let left_out: Vec<&Value> =
        again["left_out"].as_array().unwrap().iter().map(|one| &one["what"]).collect();
    assert_eq!(left_out, ["by-hand", "container", "old", "drawn", "graded", "many-right", "templated"]);

    // Without a sandbox those that a program makes stay there, and are told.
    let mut command = questhall(["--database-url", &url, "path", "import", COURSE, "--guild", "8"]);
    command.args(["--from", "prairielearn", "--slug", "lamps"]).env("QUESTHALL_SANDBOX__ENABLED", "false");
    let answer: crate::terminal::Answer = command.output().unwrap().into();
    answer
        .ends_with(0)
        .says("generated: has a program (server.py), and the sandbox that would run it is off")
        .says("lamps is path")
        .says("6 quests made");
    run(["--database-url", &url, "path", "import", "/nowhere", "--guild", "7", "--from", "prairielearn"])
        .ends_with(1)
        .says("/nowhere: is no folder");
}
