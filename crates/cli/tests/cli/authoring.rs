//! Campaigns as folders.

use std::fs;

use campaigns::authoring;
use db::testing::{Folder, TestDatabase};
use serde_json::Value;

use crate::terminal::{example, run};

#[test]
fn the_example_passes_the_check() {
    let folder = example("advent-of-bytes");
    let answer = run(["campaign", "check", folder.to_str().unwrap(), "--seeds", "2"]).ends_with(0);
    for slug in ["01-coat-check", "04-ink-beetles", "08-serial-numbers"] {
        assert!(answer.out.contains(slug), "{answer:#?}");
    }
    answer.says("It can be imported: 0 errors");
}

/// File and line of each mistake in `examples/broken-campaign`; its README says what it is.
const MISTAKES: &[(&str, Option<u64>)] = &[
    ("01-no-generator/generate.py", None),
    ("02-no-story/README.md", None),
    ("03-bad-toml/challenge.toml", Some(2)),
    ("04-unknown-key/challenge.toml", Some(3)),
    ("05-bad-value/challenge.toml", Some(3)),
    ("06-wrong-type/challenge.toml", Some(3)),
    ("07-no-title/challenge.toml", Some(1)),
    ("09-same-order/challenge.toml", None),
    ("10-hint-for-no-part/challenge.toml", Some(7)),
    ("11-not-utf8/README.md", Some(1)),
    ("12-no-part-two-text/README.md", None),
    ("13-nearly-named/generate.py", None),
    ("14-two-slips/challenge.toml", Some(4)),
    ("14-two-slips/challenge.toml", Some(5)),
    ("15-marks-out-of-order/README.md", Some(5)),
    ("16-half-translated/README.de.md", None),
    ("17-language-misspelt/readme_de.md", None),
    ("20-syntax-error/generate.py", Some(4)),
    ("21-raises/generate.py", Some(5)),
    ("22-no-such-module/generate.py", Some(3)),
    ("23-chatty/generate.py", None),
    ("24-not-json/generate.py", None),
    ("25-silent/generate.py", None),
    ("26-no-result/generate.py", None),
    ("27-result-is-a-dict/generate.py", None),
    ("28-result-is-null/generate.py", None),
    ("29-result-is-blank/generate.py", None),
    ("30-result-is-nan/generate.py", None),
    ("31-one-result-for-two-parts/generate.py", None),
    ("32-two-results-for-one-part/generate.py", None),
    ("33-result-too-long/generate.py", None),
    ("36-solution-disagrees/solve.py", None),
    ("40-clock/generate.py", None),
    ("41-urandom/generate.py", None),
    ("42-set-order/generate.py", None),
    ("43-reseeds/generate.py", None),
    ("46-date/generate.py", None),
    ("52-memory-bomb/generate.py", Some(5)),
    ("53-flood/generate.py", None),
    ("54-deep-recursion/generate.py", Some(5)),
    ("60-reads-files/generate.py", Some(3)),
    ("61-phones-home/generate.py", Some(4)),
    ("62-starts-processes/generate.py", Some(4)),
    ("63-exits-early/generate.py", Some(6)),
    // The scoring type, the start time without an offset, and the slip of the pen.
    ("campaign.toml", Some(6)),
    ("campaign.toml", Some(9)),
    ("campaign.toml", Some(10)),
];

/// A copy of the broken campaign with those challenges whose name `wanted` likes.
fn broken_campaign(wanted: impl Fn(&str) -> bool) -> Folder {
    let copy = Folder::new();
    let source = example("broken-campaign");
    fs::copy(source.join("campaign.toml"), copy.path().join("campaign.toml")).unwrap();
    let mut copied = 0;
    for entry in fs::read_dir(&source).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && wanted(&name) {
            fs::create_dir(copy.path().join(&name)).unwrap();
            for file in fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
                fs::copy(file.path(), copy.path().join(&name).join(file.file_name())).unwrap();
            }
            copied += 1;
        }
    }
    assert!(copied > 0);
    copy
}

fn is_slow(slug: &str) -> bool {
    matches!(slug, "50-endless-loop" | "51-asleep")
}

#[test]
fn the_check_names_every_mistake_with_file_and_line() {
    let folder = broken_campaign(|slug| !is_slow(slug));
    let answer = run(["--json", "campaign", "check", folder.path().to_str().unwrap(), "--seeds", "2"]);
    let answer = answer.ends_with(1).json();
    assert_eq!(answer["valid"], false);
    let errors = answer["errors"].as_array().unwrap();
    for (file, line) in MISTAKES {
        let found = errors.iter().find(|error| error["file"] == *file && error["line"].as_u64() == *line);
        let found = found.unwrap_or_else(|| panic!("no error names {file}, line {line:?}: {errors:#?}"));
        assert!(found["message"].as_str().is_some_and(|message| message.len() > 5), "{found}");
    }

    let warned = |slug: &str| {
        let file = Value::from(format!("{slug}/generate.py"));
        answer["warnings"].as_array().unwrap().iter().any(|warning| warning["file"] == file)
    };
    for slug in
        ["44-same-for-everybody", "45-guessable", "48-constant-part", "49-answer-inside", "56-large-input"]
    {
        assert!(warned(slug), "{slug}: {:#}", answer["warnings"]);
    }
    assert!(
        answer["warnings"].as_array().unwrap().iter().any(|w| w["file"] == "57-picture-missing/README.md")
    );
    let german = answer["warnings"].as_array().unwrap().iter();
    let german: Vec<_> =
        german.filter(|w| w["file"] == "58-picture-missing-in-german/README.de.md").collect();
    assert_eq!(german[0]["line"], 3, "{german:?}");
    let named = |slug: &str| {
        errors.iter().any(|error| error["file"].as_str().is_some_and(|file| file.starts_with(slug)))
    };
    // Poor challenges, but no mistakes.
    for slug in
        ["44-same", "45-guess", "47-few", "48-constant", "49-answer", "56-large", "57-picture", "58-picture"]
    {
        assert!(!named(slug), "{slug}: {errors:#?}");
    }
}

#[test]
fn the_check_stops_what_never_ends_at_the_operators_limits() {
    let folder = broken_campaign(is_slow);
    let limits = ["--set", "sandbox.wall=5s", "--set", "sandbox.cpu=1s"];
    let check = ["campaign", "check", folder.path().to_str().unwrap(), "--seeds", "1"];
    run(limits.into_iter().chain(check))
        .ends_with(1)
        // Which line of the loop it is in is up to chance, and on a busy machine also which limit comes first.
        .says("50-endless-loop/generate.py:")
        .says("51-asleep/generate.py:3: the script was stopped (in line 3): it ran for longer than 5 s");
}

#[test]
fn a_folder_that_is_not_there_is_told_so() {
    run(["campaign", "check", "/nonexistent/winter-games"])
        .ends_with(3)
        .says("there is no folder /nonexistent/winter-games");
}

#[tokio::test]
async fn what_is_imported_comes_out_again() {
    let database = TestDatabase::new().await;
    let (url, folder) = (database.url(), Folder::new());
    let source = example("advent-of-bytes");
    let import = |dir: &std::path::Path| {
        let answer = run([
            "--database-url",
            &url,
            "--json",
            "campaign",
            "import",
            dir.to_str().unwrap(),
            "--new",
            "--guild",
            "7",
            "--new-guild",
        ]);
        answer.ends_with(0).json()["id"].as_str().unwrap().to_owned()
    };
    let export = |id: &str, name: &str| {
        let dir = folder.path().join(name);
        run(["--database-url", &url, "campaign", "export", id, dir.to_str().unwrap()]).ends_with(0);
        dir
    };
    let once = export(&import(&source), "once");
    assert_eq!(authoring::read(&once).unwrap(), authoring::read(&source).unwrap());
    let twice = export(&import(&once), "twice");
    let difference = std::process::Command::new("diff").arg("-r").args([&once, &twice]).output().unwrap();
    assert!(difference.status.success(), "{}", String::from_utf8_lossy(&difference.stdout));

    // Nothing is overwritten.
    let id = import(&source);
    run(["--database-url", &url, "campaign", "export", &id, once.to_str().unwrap()])
        .ends_with(3)
        .says("exists already");
    let list =
        run(["--database-url", &url, "campaign", "list", "--guild", "7", "--json"]).ends_with(0).json();
    assert_eq!(list.as_array().unwrap().len(), 3);
    assert_eq!(list[0]["challenges"], 8);
    let others =
        run(["--database-url", &url, "campaign", "list", "--guild", "8", "--json"]).ends_with(0).json();
    assert_eq!(others.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn an_import_brings_a_campaign_up_to_date_in_its_own_guild_only() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let source = example("advent-of-bytes");
    let source = source.to_str().unwrap();
    let import = |more: &[&str]| {
        let fixed =
            ["--database-url", &url, "--json", "campaign", "import", source, "--unchecked", "--new-guild"];
        run(fixed.into_iter().chain(more.iter().copied()))
    };
    let made = import(&["--guild", "7"]).ends_with(0).json();
    let id = made["id"].as_str().unwrap();
    let again = import(&["--guild", "7", "--campaign", id]).ends_with(0).json();
    assert_eq!(again["id"], made["id"]);
    import(&["--guild", "8", "--campaign", id]).ends_with(4).says("no such campaign");
    run([
        "--database-url",
        &url,
        "campaign",
        "export",
        "00000000-0000-7000-8000-000000000000",
        "/nonexistent/x",
    ])
    .ends_with(4)
    .says("there is no campaign");
}

#[tokio::test]
async fn a_broken_folder_is_not_imported() {
    let database = TestDatabase::new().await;
    let (url, folder) = (database.url(), Folder::new());
    let broken = folder.path().join("broken");
    fs::create_dir_all(broken.join("01-raises")).unwrap();
    let write = |name: &str, text: &str| fs::write(broken.join(name), text).unwrap();
    write("campaign.toml", "name = \"Broken\"\ncampaign_type = \"player\"\nduration_hours = 5\n");
    write("01-raises/challenge.toml", "title = \"Raises\"\n");
    write("01-raises/README.md", "What is it?\n");
    write("01-raises/generate.py", "import json\nraise ValueError(\"not today\")\n");
    run(["--database-url", &url, "campaign", "import", broken.to_str().unwrap(), "--guild", "7"])
        .ends_with(1)
        .says("01-raises/generate.py:2: ")
        .says("ValueError: not today");
    let list = run(["--database-url", &url, "campaign", "list", "--json"]).ends_with(0).json();
    assert_eq!(list.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_campaign_lives_its_whole_life_from_the_command_line() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let source = example("advent-of-bytes");
    let source = source.to_str().unwrap();
    let campaign = |arguments: &[&str]| {
        run(["--database-url", &url, "campaign"].into_iter().chain(arguments.iter().copied()))
    };
    let import = |more: &[&str]| {
        let fixed = ["import", source, "--unchecked", "--guild", "7"];
        campaign(&fixed.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
    };
    // A number that nobody here knows is mostly a mistyped one.
    import(&[]).ends_with(4).says("guild 7 is not known here: no guild is, yet").says("--new-guild");
    run(["--database-url", &url, "role", "grant", "--guild", "7", "--user", "5", "owner"]).ends_with(0);
    campaign(&["import", source, "--unchecked", "--guild", "77"]).ends_with(4).says("known are 7 (Guild 7)");
    let made = import(&[]).ends_with(0).says("It is a draft").says("questhall campaign publish");
    let id = made.out.split(" as campaign ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    // The same folder once more is most likely meant for the same campaign.
    import(&[]).ends_with(4).says(&format!("--campaign {id}")).says("--new");
    import(&["--campaign", &id]).ends_with(0);
    let other = import(&["--new", "--json"]).ends_with(0).json()["id"].as_str().unwrap().to_owned();

    campaign(&["close", &id]).ends_with(4);
    campaign(&["publish", &id, "--start", "2001-01-01T00:00:00Z"]).ends_with(4);
    campaign(&["publish", &id, "--start", "2999-01-01T00:00:00Z"]).ends_with(0).says("published");
    campaign(&["list"]).ends_with(0).says("published").says("draft");
    campaign(&["start", &id]).ends_with(0).says("RUNNING").says("questhall campaign close");
    campaign(&["close", &id]).ends_with(0).says("CLOSED").says("open-rewards");
    campaign(&["open-rewards", &id]).ends_with(0).says("REWARD_CLAIM");
    campaign(&["claim", &id, "--user", "5"]).ends_with(4);
    campaign(&["show", &id]).ends_with(0).says("REWARD_CLAIM");

    campaign(&["publish", &other, "--start", "2999-01-01T00:00:00Z"]).ends_with(0);
    campaign(&["cancel", &other]).ends_with(0).says("cancelled");
    campaign(&["delete", &other]).ends_with(0);
    campaign(&["show", &other]).ends_with(4);
    // A campaign that is over stands in nobody's way.
    let journal: Vec<String> =
        sqlx::query_scalar("SELECT action_type FROM access.admin_log WHERE guild_id = 7 ORDER BY id")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert!(journal.len() >= 8, "{journal:?}");
}
