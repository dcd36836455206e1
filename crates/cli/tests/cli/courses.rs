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
