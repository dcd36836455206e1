//! What needs no database: doctor, documents, the command line itself.

use std::net::TcpListener;

use db::testing::Folder;

use crate::terminal::run;

#[test]
fn the_doctor_looks_at_everything() {
    let folder = Folder::new();
    let dir = folder.path().join("data");
    let answer =
        run(["--data-dir", dir.to_str().unwrap(), "--set", "http.listen=127.0.0.1:0", "doctor", "--json"]);
    assert!(matches!(answer.code, Some(0 | 1)), "{answer:#?}");
    let findings = answer.json();
    let looked_at: Vec<&str> =
        findings.as_array().unwrap().iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    assert_eq!(
        looked_at,
        ["settings", "user", "PostgreSQL", "data folder", "disk", "port", "Python", "jail"],
        "{findings:#}"
    );
    for finding in findings.as_array().unwrap() {
        assert!(finding["verdict"] == "good" || finding["mend"].is_string() || finding["found"].is_string());
    }
    // It changes nothing.
    assert!(!dir.exists());
}

#[test]
fn the_doctor_sees_a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new();
    let listen = format!("http.listen={}", taken.local_addr().unwrap());
    run(["--data-dir", folder.path().to_str().unwrap(), "--set", &listen, "doctor"])
        .ends_with(1)
        .says("is in use")
        .says("Questhall cannot run here yet.");
}

#[test]
fn the_doctor_sees_that_postgresql_is_missing() {
    let folder = Folder::new();
    let (dir, bin) = (folder.path().join("data"), folder.path().join("nothing"));
    let bin = format!("db.postgres_bin={}", bin.display());
    run(["--data-dir", dir.to_str().unwrap(), "--set", "http.listen=127.0.0.1:0", "--set", &bin, "doctor"])
        .ends_with(1)
        .says("✗ PostgreSQL")
        .says("does not hold working initdb and postgres");
}

#[test]
fn a_setting_nobody_knows_is_named() {
    run(["--set", "http.lisen=127.0.0.1:0", "key", "list"]).ends_with(3).says("http.lisen").says("--set");
    run(["--set", "http.listen=nowhere", "key", "list"]).ends_with(3).says("http.listen");
    run(["--set", "nothing", "key", "list"]).ends_with(2).says("NAME=VALUE");
    run(["--config", "/nonexistent/questhall.toml", "key", "list"]).ends_with(3).says("no settings file");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(["completions", shell]).ends_with(0).out;
        assert!(script.contains("campaign") && script.contains("doctor"), "{shell}");
    }
    run(["completions", "csh"]).ends_with(2);
}

#[test]
fn the_help_tells_the_exit_codes() {
    run(["--help"]).ends_with(0).says("Exit codes: 0 done");
    run(["no-such-command"]).ends_with(2);
    run(["campaign", "import", "somewhere"]).ends_with(2).says("--guild");
    let version = run(["version", "--json"]).ends_with(0).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_checked_in_api_document_is_the_codes() {
    let document = run(["openapi"]).ends_with(0).out;
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let checked_in = std::fs::read_to_string(checked_in).expect("openapi.json is there");
    assert!(document == checked_in, "openapi.json is not what the code says: run script/update-openapi");

    let folder = Folder::new();
    let file = folder.path().join("openapi.json");
    run(["openapi", "--out", file.to_str().unwrap()]).ends_with(0);
    assert_eq!(std::fs::read_to_string(file).unwrap(), document);
}

#[test]
fn the_operators_guide_knows_every_setting_and_command() {
    let guide = include_str!("../../../../docs/operators-guide.md");
    for table in [
        "",
        "http.",
        "db.",
        "secrets.",
        "sandbox.",
        "workers.",
        "streams.",
        "webhooks.",
        "nats.",
        "nats.lake.",
        "metrics.",
        "log.",
    ] {
        // A wrong name is answered with the right ones.
        let answer = run(["--set", &format!("{table}zzz=1"), "key", "list"]).ends_with(3);
        let (_, known) =
            answer.err.trim_end().split_once("known are ").unwrap_or_else(|| panic!("{answer:#?}"));
        for name in known.split(", ") {
            // The data folder goes by its shorter name, and a table's settings are listed one by one.
            let is_table = guide.contains(&format!("`{table}{name}."));
            let told = guide.contains(&format!("`{table}{name}`"));
            assert!(
                told || is_table || (table, name) == ("db.", "data_dir"),
                "the guide lacks {table}{name}"
            );
        }
    }
    let help = run(["--help"]).ends_with(0).out;
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 10, "{help}");
    for name in names {
        assert!(guide.contains(&format!("`{name}")), "the guide lacks the command {name}");
    }
}

#[test]
fn where_there_is_no_database_it_is_said_and_none_is_made() {
    let folder = Folder::new();
    let dir = folder.path().join("data");
    let at = ["--data-dir", dir.to_str().unwrap()];
    for command in [
        &["key", "list"][..],
        &["db", "migrate"],
        &["db", "status"],
        &["audit"],
        &["campaign", "list"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["settings", "list"],
    ] {
        run(at.iter().chain(command).copied())
            .ends_with(3)
            .says("there is no database in")
            .says("`questhall up` makes one there");
        assert!(!dir.exists(), "{command:?} made one");
    }
}

#[test]
fn errors_are_json_where_answers_are() {
    let folder = Folder::new();
    let dir = folder.path().join("data");
    let told = |arguments: &[&str], code: i32, kind: &str| {
        let answer = run(["--data-dir", dir.to_str().unwrap()].into_iter().chain(arguments.iter().copied()));
        let answer = answer.ends_with(code);
        assert_eq!(answer.out, "");
        let told: serde_json::Value = serde_json::from_str(&answer.err).unwrap();
        assert_eq!((&told["error"]["kind"], &told["error"]["exit_code"]), (&kind.into(), &code.into()));
        told["error"]["message"].as_str().unwrap().to_owned()
    };
    assert!(told(&["key", "list", "--json"], 3, "unavailable").contains("there is no database in"));
    assert!(told(&["--json", "campaign", "import", "somewhere"], 2, "usage").contains("--guild"));
    assert!(told(&["--json", "no-such-command"], 2, "usage").contains("unrecognized subcommand"));
    run(["--json", "--help"]).ends_with(0).says("Exit codes: 0 done");
}
