//! Courses from elsewhere and of one's own, imported by the operator.

use std::fs;

use db::testing::{Folder, PrivateCluster, TestDatabase, dump, restore};
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
    import(&[]).ends_with(4).says("guild 7 is not known here").says("--new-guild");
    import(&["--new-guild"])
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
    command
        .args(["--from", "prairielearn", "--slug", "lamps", "--new-guild"])
        .env("QUESTHALL_SANDBOX__ENABLED", "false");
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

#[tokio::test]
async fn files_of_a_path_come_back_from_the_guild_and_from_a_dump_of_it() {
    let folder = Folder::new();
    let dir = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    run(["path", "new", &dir("my-path")]).ends_with(0);
    let quest = folder.path().join("my-path/quests/my-path-1");
    fs::create_dir(quest.join("files")).unwrap();
    let picture = [0x89, b'P', b'N', b'G', 0, 0xff];
    fs::write(quest.join("files/map.png"), picture).unwrap();
    fs::write(quest.join("files/old.txt"), "old").unwrap();
    fs::write(quest.join("README.md"), "Look.\n\n![A map](files/map.png) ![gone](files/gone.png)\n").unwrap();
    run(["path", "check", &dir("my-path")])
        .ends_with(1)
        .says("quests/my-path-1/README.md:3: the text names `files/gone.png`, which is no file of the quest");
    fs::write(quest.join("README.md"), "![A map](files/map.png)\n").unwrap();
    let check = run(["path", "check", &dir("my-path")]).ends_with(0);
    let check = check.says("quests/my-path-1/files/old.txt: is named by no text of the quest");
    check.says("can be imported: 3 quests");

    let database = TestDatabase::new().await;
    let url = database.url();
    let import = |name: &str| {
        run([
            "--database-url",
            &url,
            "path",
            "import",
            &dir(name),
            "--guild",
            "7",
            "--slug",
            "my-path",
            "--json",
            "--new-guild",
        ])
    };
    let path = import("my-path").ends_with(0).json()["path_id"].as_str().unwrap().to_owned();
    run(["--database-url", &url, "path", "export", &path, &dir("again"), "--guild", "7"]).ends_with(0);
    let of = |name: &str| {
        let files = folder.path().join(name).join("quests/my-path-1/files");
        (fs::read(files.join("map.png")).unwrap(), fs::read(files.join("old.txt")).unwrap())
    };
    assert_eq!(of("again"), (picture.to_vec(), b"old".to_vec()));
    assert_eq!(import("again").ends_with(0).json()["unchanged"], 3);

    let cluster = PrivateCluster::new();
    let file = cluster.folder().join("questhall.dump");
    dump(database.options(), &file).await;
    let restored = cluster.open().await.unwrap();
    restore(&file, restored.options()).await;
    let at = cluster.settings.data_dir.to_str().unwrap();
    run(["--data-dir", at, "path", "export", &path, &dir("restored"), "--guild", "7"]).ends_with(0);
    assert_eq!(of("restored"), of("again"));
    restored.close().await;
}

#[tokio::test]
async fn what_the_guild_lacks_is_told_by_file_and_line_before_and_while_importing() {
    let folder = Folder::new();
    let dir = folder.path().join("my-path");
    let path = dir.to_str().unwrap();
    run(["path", "new", path]).ends_with(0);
    let quest = dir.join("quests/my-path-1/quest.toml");
    let text = fs::read_to_string(&quest).unwrap();
    let lines = text.lines().count();
    fs::write(&quest, format!("requires = [\"nowhere\"]\n{text}\n[skills]\nwords = 5\n")).unwrap();
    let skill_line = lines + 4;
    let check = run(["path", "check", path]).ends_with(0).says("Expected in the guild\n");
    let check = check.says("quests/my-path-1/quest.toml:1: the quest `nowhere`");
    check
        .says(&format!("quests/my-path-1/quest.toml:{skill_line}: the skill `words`"))
        .says("can be imported: 3 quests");
    let needs = run(["--json", "path", "check", path]).ends_with(0).json()["needs"].clone();
    assert_eq!(needs[0]["what"], "skill", "{needs}");
    assert_eq!((&needs[1]["name"], &needs[1]["line"]), (&"nowhere".into(), &1.into()), "{needs}");

    let database = TestDatabase::new().await;
    let url = database.url();
    let guild = |arguments: &[&str]| {
        run(["--database-url", &url, "path"]
            .into_iter()
            .chain(arguments.iter().copied())
            .chain(["--guild", "7"]))
    };
    guild(&["import", path]).ends_with(4).says("guild 7 is not known here: no guild is, yet");
    let refused =
        guild(&["import", path, "--new-guild"]).ends_with(4).says("cannot be imported into guild 7:");
    refused.says(&format!("quests/my-path-1/quest.toml:{skill_line}: the skill `words` is not in the guild"));
    fs::write(&quest, format!("requires = [\"nowhere\"]\n{text}")).unwrap();
    let refused = guild(&["import", path, "--new-guild"]).ends_with(4);
    refused.says("quests/my-path-1/quest.toml:1: the quest `nowhere` is not in the guild");
    fs::write(&quest, &text).unwrap();
    guild(&["import", path, "--new-guild"]).ends_with(0).says("published in guild 7");

    // By its short name as well as by its id.
    let again = folder.path().join("again");
    guild(&["export", "my-path", again.to_str().unwrap()]).ends_with(0);
    assert!(again.join("quests/my-path-3/01-add.md").exists());
    guild(&["export", "no-path", "x"]).ends_with(4).says("guild 7 has no path that is called no-path");
    guild(&["retire", "my-path"]).ends_with(0).says("is retired: nobody enrols any more");
    guild(&["list"]).ends_with(0).says("retired");
    run(["--database-url", &url, "audit", "--guild", "7"]).ends_with(0);
}

#[test]
fn checkers_are_tried_where_there_is_a_sandbox_and_it_is_told_where_there_is_none() {
    let folder = Folder::new();
    let dir = folder.path().join("my-path");
    let path = dir.to_str().unwrap();
    run(["path", "new", path]).ends_with(0);
    let step = dir.join("quests/my-path-3/01-add.md");
    let text = fs::read_to_string(&step).unwrap().replace("print(add(1, 1))", "print(add(1, 1)");
    fs::write(&step, &text).unwrap();
    let line = text.lines().position(|line| line.contains("print(add(1, 1)")).unwrap() + 1;
    let told = format!(
        "quests/my-path-3/01-add.md:{line}: test 1 (`one and one`): `append` does not compile: SyntaxError"
    );
    run(["path", "check", path]).ends_with(1).says(&told).says("cannot be imported: 1 error.");
    // It is not imported either, before any database is asked.
    run(["--database-url", "postgres://nobody@127.0.0.1:1/none", "path", "import", path, "--guild", "7"])
        .ends_with(1)
        .says(&told);
    let mut command = questhall(["path", "check", path]);
    command.env("QUESTHALL_SANDBOX__ENABLED", "false");
    let answer: crate::terminal::Answer = command.output().unwrap().into();
    answer.ends_with(0).says("Checkers, and what tests append, were not tried: `sandbox.enabled` is false.");
}
